"""The command line, one command a module: the only part that knows click and exit statuses."""

from item2vec.cli.main import main

__all__ = ["main"]
