"""Shared by all tests; pytest puts this folder on the import path, so that tests find the twins beside it."""

import os

# The tests' arrays are small: more threads would only wait for each other, here and in the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
