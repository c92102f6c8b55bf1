"""How good vectors are: word similarity, analogies, held-out items against baselines. Neither torch nor numba."""
