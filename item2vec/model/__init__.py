"""The two embedding tables and the training step."""
