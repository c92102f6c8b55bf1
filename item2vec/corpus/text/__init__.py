"""Text to ids: a byte tokeniser (numba), on all cores."""
