"""What was read, as ids: sources of any kind to a Corpus with its Vocabulary."""
