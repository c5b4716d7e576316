"""Sub-commands of `python -m evals` that are more than a few lines."""
