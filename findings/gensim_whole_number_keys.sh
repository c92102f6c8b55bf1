#!/usr/bin/env bash
# gensim 4.4.0: KeyedVectors whose keys are whole numbers come back from their own word2vec file with items missing.
#
# Item ids are often whole numbers. Where the first keys are 0, 1, 2 ... in a row, save_word2vec_format writes these rows
# twice, but counts them once in the header. load_word2vec_format reads as many rows as the header says: it keeps the
# repetitions out, and so the last items never arrive. Their names are None, their vectors zeros. Neither call warns.
# Seen: a header of 5 items above 8 rows; items 7 and 5 are lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet gensim==4.4.0 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import numpy as np
from gensim.models import KeyedVectors

vectors = KeyedVectors(2)
vectors.add_vectors([0, 1, 2, 7, 5], np.arange(10, dtype=np.float32).reshape(5, 2))
vectors.save_word2vec_format("items.txt")
header, *rows = open("items.txt").read().splitlines()
print("header:", header)
print("rows:  ", [row.split()[0] for row in rows])
again = KeyedVectors.load_word2vec_format("items.txt")
print("loaded:", again.index_to_key, again.vectors.tolist())

assert header == "5 2"
assert [row.split()[0] for row in rows] == ["0", "1", "2", "0", "1", "2", "7", "5"]
assert again.index_to_key == ["0", "1", "2", None, None]
assert again.vectors[3:].tolist() == [[0, 0], [0, 0]]

vectors = KeyedVectors(2)
vectors.add_vectors(["0", "1", "2", "7", "5"], np.arange(10, dtype=np.float32).reshape(5, 2))
vectors.save_word2vec_format("items.txt")
again = KeyedVectors.load_word2vec_format("items.txt")
print("as text:", again.index_to_key)
assert again.index_to_key == ["0", "1", "2", "7", "5"]
PYTHON
echo "As found: whole-number keys are written twice, and the last items are lost. As text they are not."
