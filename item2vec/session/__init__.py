"""One way from sources to a model: read, check, train, validate, write down, end."""
