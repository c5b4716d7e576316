"""Stops a change that makes answers worse: a quick subset against a committed baseline."""
