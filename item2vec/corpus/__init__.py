"""What was read, as ids: text sources to a Corpus with its Vocabulary.

Import from the modules: ``vocabulary`` and ``corpus`` need numpy only, ``text`` brings numba.
"""
