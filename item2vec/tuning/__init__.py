"""Choosing hyperparameters: trials on a part of a corpus, judged by what was held out of it. Optuna proposes."""
