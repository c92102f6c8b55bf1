"""From ids to window batches: subsampling, windows, negatives, tiles."""
