"""Measures the assistant on a fixed set of questions; run as `python -m evals`."""
