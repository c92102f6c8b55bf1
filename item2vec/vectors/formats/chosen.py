"""The vectors that an export writes: of one table or both, scaled or not."""

from __future__ import annotations

import numpy as np

from item2vec.vectors.keyed_vectors import KeyedVectors


def chosen_table(model: KeyedVectors, table: str, normalize: bool) -> KeyedVectors:
    """Return a model whose input table is the chosen one; without a copy where nothing is computed.

    Parameters
    ----------
    model : KeyedVectors
    table : {"input", "output", "sum", "concat"}
    normalize : bool
        Whether to scale each vector to length 1; one without a direction stays as it is.

    Raises
    ------
    ModelError
        If the model lacks the table.
    """
    if table == "input":
        vectors = model.input
    else:
        output = model.output_rows(f"table {table} needs", "export the input table")
        if table == "output":
            vectors = output
        else:
            vectors = model.input + output if table == "sum" else np.hstack([model.input, output])
    if normalize:
        vectors = vectors.copy() if vectors is model.input or vectors is model.output else vectors
        step = max(1, (1 << 18) // vectors.shape[1])
        for first in range(0, len(vectors), step):
            rows = vectors[first : first + step].astype(np.float64)
            norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
            norms[~((norms > 0) & np.isfinite(norms))] = 1.0
            vectors[first : first + step] = rows / norms[:, None]
    index = model.__dict__.get("hash_index")
    return KeyedVectors(vectors, None, model.vocabulary, model.metadata, names=model.names, hash_index=index)
