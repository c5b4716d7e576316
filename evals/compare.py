"""Compares two runs question by question."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evals.log import RunLog, asked
from evals.metrics import METRICS, Metric
from evals.questions import Question
from evals.resampling import mean, permutation_p, swap_p
from evals.scoring import Scored, Scoring
from evals.summary import aligned

# Those of right or wrong.
FLIPPING = tuple(metric for metric in METRICS if metric.flips)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A metric over the `n` questions that both runs have a score for; `change` is B - A.

    `only_before` and `only_after` count the questions that one run alone has a score for:
    they are in neither figure. Where there are no others, the figures are None.
    """

    metric: str
    n: int
    before: float | None
    after: float | None
    change: float | None
    p: float | None
    only_before: int = 0
    only_after: int = 0


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A question whose metric went from wrong to right or back."""

    id: str
    metric: str
    before: float
    after: float
    question: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What changed from run A to run B, and the questions that only one of them answered."""

    differences: tuple[Difference, ...]
    flips: tuple[Flip, ...]
    unpaired: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything ready for JSON."""
        return asdict(self)


def compare(
    before: RunLog, after: RunLog, seed: int = 0, scoring: Scoring | None = None
) -> Comparison:
    """Pair the two runs' questions by id and text.

    Both are scored anew, and by the facts and gold papers of `after`, so that only the
    answers make a difference.
    """
    scoring = scoring or Scoring()
    questions = {question.id: question for question in after.questions}
    before = before.scored_by(questions)
    old, new = before.scores(scoring), after.scores(scoring)
    shared = [
        one
        for one in before.questions
        if one.id in old.keys() & new.keys() and asked(one) == asked(questions[one.id])
    ]
    ids = [one.id for one in shared]
    differences = [difference(metric, ids, old, new, seed) for metric in METRICS]
    everyone = {one.id for one in (*before.questions, *after.questions)}
    return Comparison(
        differences=tuple(one for one in differences if one is not None),
        flips=tuple(flips(shared, old, new)),
        unpaired=tuple(sorted(everyone - set(ids))),
    )


def difference(
    metric: Metric, ids: Sequence[str], old: Scored, new: Scored, seed: int = 0
) -> Difference | None:
    """Return the change of a metric; None where neither run has a score."""
    firsts = {one for one in ids if metric.row(old[one]) is not None}
    seconds = {one for one in ids if metric.row(new[one]) is not None}
    if not firsts and not seconds:
        return None
    both = [one for one in ids if one in firsts & seconds]
    first, second = (metric.rows(run[one] for one in both) for run in (old, new))
    before, after = (metric.statistic(rows) if len(both) else None for rows in (first, second))
    change = p = None
    if before is not None and after is not None:
        change = after - before
        if metric.statistic is mean:
            p = permutation_p((second - first)[:, 0].tolist(), seed)
        else:
            p = swap_p(first, second, metric.statistic, seed)
    return Difference(
        metric=metric.name,
        n=len(both),
        before=before,
        after=after,
        change=change,
        p=p,
        only_before=len(firsts - seconds),
        only_after=len(seconds - firsts),
    )


def flips(
    shared: Sequence[Question],
    old: Scored,
    new: Scored,
    metrics: Sequence[Metric] = FLIPPING,
) -> Iterator[Flip]:
    """Yield the questions whose metrics, by default those of right or wrong, differ."""
    for metric in metrics:
        for one in shared:
            first, second = metric.row(old[one.id]), metric.row(new[one.id])
            if first is not None and second is not None and first != second:
                yield Flip(
                    id=one.id,
                    metric=metric.name,
                    before=first[0],
                    after=second[0],
                    question=one.question,
                )


def report(comparison: Comparison) -> str:
    """Show a line for each metric, then the questions that flipped.

    "only A" counts the questions that are scored in A alone, and are in none of the figures.
    """
    rows = [["", "n", "A", "B", "B - A", "p", "only A", "only B"]]
    for one in comparison.differences:
        numbers = (
            _shown(one.before),
            _shown(one.after),
            _shown(one.change, "+.3f"),
            _shown(one.p, ".4f"),
        )
        alone = (str(one.only_before or ""), str(one.only_after or ""))
        rows.append([one.metric, str(one.n), *numbers, *alone])
    lines = [aligned(rows)]
    if comparison.flips:
        lines.append(f"\nFlipped ({len(comparison.flips)}):")
    lines += [
        f"  {flip.id}  {flip.metric} {flip.before:g} → {flip.after:g}  {flip.question}"
        for flip in comparison.flips
    ]
    if comparison.unpaired:
        lines.append(
            f"\nNot in both ({len(comparison.unpaired)}): {', '.join(comparison.unpaired)}"
        )
    return "\n".join(lines)


def _shown(value: float | None, form: str = ".3f") -> str:
    return "–" if value is None else format(value, form)
