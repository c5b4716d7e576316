"""Whether the right questions are declined, and whether confidence tells good answers from bad."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.questions import Question
from evals.scoring.base import Answer, Score, abstained, unscored
from evals.scoring.facts import Facts

Rows = NDArray[np.float64]
"""(answers, columns): what a statistic over many answers is computed of."""


@dataclass(frozen=True, kw_only=True)
class RightAbstention:
    """Whether a question that the papers don't answer is declined."""

    name: str = "abstention_recall"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look at the status."""
        return unscored("answerable") if question.answerable else _declined(answer)


@dataclass(frozen=True, kw_only=True)
class WrongAbstention:
    """Whether a question that the papers do answer is declined."""

    name: str = "wrong_abstention"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look at the status."""
        return _declined(answer) if question.answerable else unscored("unanswerable")


def _declined(answer: Answer) -> Score:
    return Score(value=float(abstained(answer)), reason=answer["status"])


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """The probability, given with an answer, that the papers answer the question."""

    name: str = "confidence"

    def score(self, question: Question, answer: Answer) -> Score:
        """Read it."""
        del question
        if "confidence" not in answer:
            return unscored("the log holds no confidence")
        return Score(value=float(answer["confidence"]))


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What answering would cost: the share of required facts that the answer lacks.

    1 where the papers hold no answer, since whatever is said is wrong then, and 1 where an
    answerable question was declined, since nothing was said that could count.
    """

    name: str = "loss"

    def score(self, question: Question, answer: Answer) -> Score:
        """Take the facts from 1."""
        if not question.answerable:
            return Score(value=1.0, reason="unanswerable")
        facts = Facts().score(question, answer)
        value = None if facts.value is None else 1 - facts.value
        return Score(value=value, reason=facts.reason)


def precision(rows: Rows) -> float | None:
    """Return the share of the declined questions that should be, of (declined, should be) rows.

    None where nothing is declined, or where there aren't questions of both kinds.
    """
    declined, due = rows[:, 0], rows[:, 1]
    if not _has_both(due) or not declined.sum():
        return None
    return float((declined * due).sum() / declined.sum())


def f1(rows: Rows) -> float | None:
    """Return 2TP / (2TP + FP + FN) of declining (van Rijsbergen 1979), of rows as above.

    It is defined where precision is not: 0 where nothing is declined.
    """
    declined, due = rows[:, 0], rows[:, 1]
    if not _has_both(due):
        return None
    return float(2 * (declined * due).sum() / (declined.sum() + due.sum()))


def _has_both(due: Rows) -> bool:
    return bool(0 < due.sum() < len(due))


def risk_coverage(rows: Rows) -> Rows:
    """Return the risk at each coverage 1/n, 2/n, … 1, of rows of (confidence, loss).

    The risk at k/n is the mean loss of the k answers of highest confidence (El-Yaniv & Wiener,
    JMLR 2010). Answers of one confidence can't be told apart: each counts with their mean.
    """
    levels, place = np.unique(-rows[:, 0], return_inverse=True)
    counts = np.bincount(place, minlength=len(levels))
    means = np.bincount(place, weights=rows[:, 1], minlength=len(levels)) / counts
    risks: Rows = np.cumsum(np.repeat(means, counts)) / np.arange(1, len(rows) + 1)
    return risks


def aurc(rows: Rows) -> float:
    """Return the area under the risk-coverage curve (Geifman & El-Yaniv 2017): its mean height.

    The lower, the better the confidence ranks the answers; a confidence without meaning gives
    the mean loss.
    """
    return float(risk_coverage(rows).mean())
