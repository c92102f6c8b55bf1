"""The CPU kernels of the training step (numba, explicit vectors): a kernel family a file."""
