"""The figures of many answers: means of their scores, and what no mean can say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from evals.resampling import Rows, Statistic, mean, percentile
from evals.scoring import JUDGED
from evals.scoring.abstention import aurc, f1, precision
from evals.scoring.base import Scores

Row = tuple[float, ...]
SLOW = 95


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure: what it is called, what it takes of an answer's scores, and how it is computed.

    `row` gives None for an answer that isn't scored; `count` says on how many answers the
    figure rests where not all rows matter. One that flips is of right or wrong, so that a
    change of it makes a question worth a look.
    """

    name: str
    label: str
    row: Callable[[Scores], Row | None]
    statistic: Statistic = mean
    count: Callable[[Rows], int] = len
    flips: bool = False

    def rows(self, answers: Iterable[Scores]) -> Rows:
        """Return a row for each answer that is scored; an empty array where none is."""
        found = [row for scores in answers if (row := self.row(scores)) is not None]
        return np.array(found, np.float64)


def _columns(*names: str) -> Callable[[Scores], Row | None]:
    """Return what takes the named scores, all of which must have a value."""

    def row(scores: Scores) -> Row | None:
        values = [scores[name].value for name in names]
        known = [value for value in values if value is not None]
        return tuple(known) if len(known) == len(values) else None

    return row


def _declined(scores: Scores) -> Row | None:
    """Return whether a question was declined, and whether it should be."""
    right, wrong = scores["abstention_recall"].value, scores["wrong_abstention"].value
    if right is not None:
        return right, 1.0
    return None if wrong is None else (wrong, 0.0)


def _slow(rows: Rows) -> float | None:
    return percentile(sorted(rows[:, 0].tolist()), SLOW / 100)


def _median(rows: Rows) -> float:
    return float(np.median(rows[:, 0]))


def _mean(name: str, label: str, *, flips: bool = False) -> Metric:
    return Metric(name=name, label=label, row=_columns(name), flips=flips)


def _times(name: str, label: str) -> tuple[Metric, Metric]:
    row = _columns(name)
    return (
        Metric(name=f"{name}_median", label=f"{label}, median", row=row, statistic=_median),
        Metric(name=f"{name}_p{SLOW}", label=f"{label}, p{SLOW}", row=row, statistic=_slow),
    )


METRICS: tuple[Metric, ...] = (
    _mean("hit@1", "hit@1"),
    _mean("hit@5", "hit@5", flips=True),
    _mean("recall@5", "recall@5 of gold papers"),
    _mean("mrr", "MRR"),
    _mean("ndcg@5", "nDCG@5"),
    _mean("evidence_recall", "gold sentences read"),
    _mean("cited_evidence_recall", "gold sentences cited"),
    _mean("gold_citation_precision", "citation precision (gold papers)"),
    _mean("gold_citation_recall", "citation recall (gold papers)"),
    _mean("alce_citation_precision", "citation precision (ALCE)"),
    _mean("alce_citation_recall", "citation recall (ALCE)"),
    _mean("alce_citation_f1", "citation F1 (ALCE)"),
    _mean("unsupported", "unsupported sentences"),
    _mean("facts", "must-include facts"),
    _mean("all_facts", "all facts", flips=True),
    _mean("violations", "must-not-include violations", flips=True),
    _mean(JUDGED, "states the reference (judge)", flips=True),
    Metric(
        name="abstention_precision",
        label="abstention precision",
        row=_declined,
        statistic=precision,
        count=lambda rows: int(rows[:, 0].sum()),
    ),
    _mean("abstention_recall", "abstention recall", flips=True),
    Metric(name="abstention_f1", label="abstention F1", row=_declined, statistic=f1),
    _mean("wrong_abstention", "wrong abstention", flips=True),
    Metric(name="aurc", label="AURC", row=_columns("confidence", "loss"), statistic=aurc),
    _mean("words", "answer words"),
    *_times("seconds_first_text", "seconds to first words"),
    *_times("seconds", "seconds"),
    _mean("tokens", "tokens"),
    _mean("usd", "US dollars"),
)
