"""A hit's scores as a probability that its paper is relevant."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

SEEN = ("dense", "sentence", "coverage", "score", "share")


@dataclass(frozen=True, kw_only=True)
class Relevance:
    """Coefficients of a logistic model, fitted by `python -m evals retrieval --calibrate`.

    It reads a hit's scores, its final `score`, and that as a `share` of the best hit's.
    """

    intercept: float
    weights: Mapping[str, float]

    def probability(self, scores: Mapping[str, float]) -> float:
        """Return the probability, of scores as a hit carries them; a missing one counts 0."""
        logit = self.intercept + sum(
            weight * scores.get(name, 0.0) for name, weight in self.weights.items()
        )
        return 1 / (1 + math.exp(-max(min(logit, 30.0), -30.0)))


def load_relevance() -> Relevance:
    """Return the shipped calibration."""
    path = files("assistant").joinpath("data", "relevance.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    return Relevance(intercept=record["intercept"], weights=record["weights"])
