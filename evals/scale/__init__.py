"""Vectors at size: what an approximate index costs, and what it finds."""
