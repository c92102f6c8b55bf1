"""``python -m item2vec``: the command line."""

from item2vec.cli import main

if __name__ == "__main__":
    main()
