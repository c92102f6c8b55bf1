"""Epochs, threads, learning rate, progress."""
