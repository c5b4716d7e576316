"""Does the evidence answer the question? A calibrated guess before any model is asked."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from assistant.grounding.evidence import compares
from assistant.text.words import names, terms
from assistant.types import Evidence, Hit

FEATURES = (
    "sentence_dense",
    "sentence_lexical",
    "paper_dense",
    "question_covered",
    "names_missing",
    "names_missing_first",
)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Coefficients of a logistic model, fitted by `python -m evals calibrate`."""

    threshold: float
    intercept: float
    weights: Mapping[str, float]
    model_weight: float

    def probability(self, features: Mapping[str, float], model: float | None = None) -> float:
        """Return the probability that the evidence answers.

        `model` is a chat model's own probability of yes, where one was asked.
        """
        logit = self.intercept + sum(
            weight * features[name] for name, weight in self.weights.items() if weight
        )
        if model is not None:
            bounded = min(max(model, 1e-4), 1 - 1e-4)
            logit += self.model_weight * math.log(bounded / (1 - bounded))
        return 1 / (1 + math.exp(-logit))


def load_calibration(name: str) -> Calibration:
    """Return the shipped calibration `name`: "features" or "with_model"."""
    path = files("assistant").joinpath("data", "answerability.json")
    record = json.loads(path.read_text(encoding="utf-8"))[name]
    return Calibration(
        threshold=record["threshold"],
        intercept=record["intercept"],
        weights=record["weights"],
        model_weight=record.get("model_weight", 0.0),
    )


def features(
    question: str,
    hits: Sequence[Hit],
    evidence: Sequence[Evidence],
    rarity: Callable[[str], float],
) -> dict[str, float]:
    """Return what the calibration reads, each about in [0, 1].

    `names_missing`: the question names a method, dataset or measure that no paper of the evidence
    has; `names_missing_first`: that the first one's paper lacks, where the question doesn't compare
    papers. Such a question is often close in topic to what is there, and asks for something else.
    """
    named = names(question)
    texts = [f"{one.paper.title} {one.paper.abstract}".lower() for one in evidence]
    missing = float(any(all(name not in text for text in texts) for name in named))
    missing_first = float(any(name not in text for text in texts[:1] for name in named))
    wanted = {term: rarity(term) for term in terms(question)}
    total = sum(wanted.values()) or 1.0
    return {
        "sentence_dense": max((one.scores["dense"] for one in evidence), default=0.0),
        "sentence_lexical": max((one.scores["lexical"] for one in evidence), default=0.0),
        "paper_dense": max((hit.scores["dense"] for hit in hits), default=0.0),
        "question_covered": max(
            (_covered(wanted, one.text + " " + one.paper.title) for one in evidence), default=0.0
        )
        / total,
        "names_missing": missing,
        "names_missing_first": missing if compares(question) else missing_first,
    }


def _covered(wanted: Mapping[str, float], text: str) -> float:
    found = set(terms(text))
    return sum(weight for term, weight in wanted.items() if term in found)
