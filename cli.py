"""Run item2vec from a checkout, without installing it: ``python cli.py similar milk``."""

from item2vec.cli import main

if __name__ == "__main__":
    main()
