"""Probabilities and log-odds."""

import math

LEAST, MOST = 1e-4, 1 - 1e-4


def sigmoid(logit: float) -> float:
    """Return the probability of log-odds."""
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability, kept from the infinite."""
    bounded = min(max(probability, LEAST), MOST)
    return math.log(bounded / (1 - bounded))
