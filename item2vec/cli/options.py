"""Options and arguments that several commands share, and what stands behind them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from item2vec.errors import ModelError

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors

DEFAULT_MODEL = "./item2vec.safetensors"

model_option = click.option(
    "-m",
    "--model",
    "model_path",
    metavar="FILE",
    default=DEFAULT_MODEL,
    show_default=True,
    envvar="ITEM2VEC_MODEL",
    show_envvar=True,
    help="The model file.",
)
topk_option = click.option(
    "-k",
    "--topk",
    metavar="N",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many to list.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def open_model(path: str) -> KeyedVectors:
    """Open a model for a query.

    Raises
    ------
    ModelError
        If it is missing, with what to do about it, or damaged.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(
            f"there is no model at {path}; make one with `item2vec train CORPUS`, or name one with "
            "-m/--model FILE or ITEM2VEC_MODEL"
        ) from None
    # A query's products are bound by memory, not arithmetic: OpenBLAS's threads would only cost time to
    # start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from item2vec.vectors.model_file import load_model

    return load_model(path)
