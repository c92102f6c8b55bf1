#!/usr/bin/env bash
# implicit 0.7.3: lists that are longer than what there is to list are filled up, with real ids.
#
# recommend(N) leaves out what a user has already, by default. Where fewer than N items remain, the items that were to be
# left out come back behind them, with a score of -3.4028235e+38. similar_items(N) of more items than the model has is
# filled up with item 0, at a score of 0: the same item several times in one list. No length tells where the answer ends.
# So whoever counts hits in such lists finds items that were never recommended, and item 0 most of all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet implicit==0.7.3 scipy==1.17.1 numpy==2.4.6
cd "$folder"
OPENBLAS_NUM_THREADS=1 venv/bin/python - <<'PYTHON'
import implicit
import numpy as np
import scipy.sparse as sp

users = sp.csr_matrix(np.array([[1, 1, 1, 0], [0, 1, 1, 1], [1, 0, 0, 1]], np.float32))
model = implicit.als.AlternatingLeastSquares(factors=2, iterations=3, random_state=1)
model.fit(users, show_progress=False)
ids, scores = model.recommend(0, users[0], N=4)
print("recommend, one item is left:", ids, scores)
assert ids[0] == 3 and sorted(ids[1:].tolist()) == [0, 1, 2]
assert (scores[1:] == np.finfo(np.float32).min).all()
ids, scores = model.similar_items(1, N=6)
print("similar_items of four items:", ids, scores)
assert len(ids) == 6 and ids[4:].tolist() == [0, 0] and scores[4:].tolist() == [0, 0]
PYTHON
echo "As found: lists are filled up with items that were left out, or with item 0."
