"""Each metric of each run by type of question, with intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evals.metrics import METRICS, Metric, Row
from evals.report.data import Run, number
from evals.resampling import interval
from evals.scoring.base import Scores
from evals.summary import ALL


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A figure of `n` answers, and the ends of its 95 % interval; None where n is 1."""

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Quality:
    """The figures of all runs; the types of question end with "all"."""

    metrics: tuple[Metric, ...]
    types: tuple[str, ...]
    values: Mapping[tuple[str, str, str], Interval]

    def of(self, run: Run, metric: Metric, kind: str) -> Interval | None:
        """Return one figure; None where no answer is scored."""
        return self.values.get((run.label, metric.name, kind))

    def is_scored(self, metric: Metric) -> bool:
        """Whether any run has the figure."""
        return any(name == metric.name for _, name, _ in self.values)


def measure(runs: Sequence[Run]) -> Quality:
    """Compute all metrics: those of the summary, and the mean of every score that has none."""
    scored = dict.fromkeys(
        name for run in runs for scores in run.scores.values() for name in scores
    )
    known = {metric.name for metric in METRICS}
    others = (Metric(name=one, label=one, row=_only(one)) for one in scored if one not in known)
    metrics = (*METRICS, *others)
    types = (*dict.fromkeys(one.type for run in runs for one in run.log.questions), ALL)
    found = {
        (run.label, metric.name, kind): _interval(run, metric, kind)
        for run in runs
        for metric in metrics
        for kind in types
    }
    values = {key: value for key, value in found.items() if value is not None}
    return Quality(metrics=metrics, types=types, values=values)


def _only(name: str) -> Callable[[Scores], Row | None]:
    """Return what takes one score, where there is one."""

    def row(scores: Scores) -> Row | None:
        value = scores[name].value if name in scores else None
        return None if value is None else (value,)

    return row


def _interval(run: Run, metric: Metric, kind: str) -> Interval | None:
    rows = metric.rows(
        run.scores[one.id]
        for one in run.log.questions
        if one.id in run.scores and kind in (ALL, one.type)
    )
    value = number(metric.statistic(rows)) if len(rows) else None
    if value is None:
        return None
    low, high = interval(rows, metric.statistic) or (None, None)
    return Interval(value=value, low=low, high=high, n=metric.count(rows))
