"""Compares two runs question by question."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np

from evals.log import RunLog, asked
from evals.scorers import SCORERS
from evals.summary import aligned

RESAMPLES = 10_000
# Metrics of right or wrong, whose change makes a question worth a look.
FLIPPING = ("hit@5", "all_facts", "violations", "abstention_recall", "wrong_abstention")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A metric over the questions that both runs have a score for; `change` is B - A."""

    metric: str
    n: int
    before: float
    after: float
    change: float
    p: float


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


def compare(before: RunLog, after: RunLog, seed: int = 0) -> Comparison:
    """Pair the two runs' questions by id and text.

    Both are scored anew, and by the facts and gold papers of `after`, so that only the
    answers make a difference.
    """
    questions = {question.id: question for question in after.questions}
    before = before.scored_by(questions)
    old, new = before.scores(), after.scores()
    shared = [
        one
        for one in before.questions
        if one.id in old.keys() & new.keys() and asked(one) == asked(questions[one.id])
    ]
    differences, flips = [], []
    for metric in (scorer.name for scorer in SCORERS):
        pairs = [
            (one, first, second)
            for one in shared
            if (first := old[one.id][metric].value) is not None
            and (second := new[one.id][metric].value) is not None
        ]
        if pairs:
            values = [(first, second) for _, first, second in pairs]
            differences.append(_difference(metric, values, seed))
        if metric in FLIPPING:
            flips += [
                Flip(id=one.id, metric=metric, before=first, after=second, question=one.question)
                for one, first, second in pairs
                if first != second
            ]
    everyone = {one.id for one in (*before.questions, *after.questions)}
    unpaired = sorted(everyone - {one.id for one in shared})
    return Comparison(differences=tuple(differences), flips=tuple(flips), unpaired=tuple(unpaired))


def _difference(metric: str, values: Sequence[tuple[float, float]], seed: int) -> Difference:
    changes = [after - before for before, after in values]
    return Difference(
        metric=metric,
        n=len(values),
        before=fmean(before for before, _ in values),
        after=fmean(after for _, after in values),
        change=fmean(changes),
        p=permutation_p(changes, seed),
    )


def permutation_p(changes: Sequence[float], seed: int = 0, resamples: int = RESAMPLES) -> float:
    """Return the two-sided p-value of a mean change other than 0.

    Paired permutation test: were the runs alike, each question's change could as well have
    the other sign. (b + 1) / (m + 1) with b of m resamples at least as extreme, which is
    never 0 (Phipson & Smyth 2010).
    """
    moved = np.array([change for change in changes if change], dtype=np.float64)
    signs = np.random.default_rng(seed).integers(0, 2, size=(resamples, len(moved))) * 2 - 1
    # Sums in another order differ in the last digits; those still count as equal.
    extreme = np.abs(signs @ moved) >= abs(moved.sum()) - 1e-9
    return float((extreme.sum() + 1) / (resamples + 1))


def report(comparison: Comparison) -> str:
    """Show a line for each metric, then the questions that flipped."""
    rows = [["", "n", "A", "B", "B - A", "p"]]
    for one in comparison.differences:
        numbers = (f"{one.before:.3f}", f"{one.after:.3f}", f"{one.change:+.3f}", f"{one.p:.4f}")
        rows.append([one.metric, str(one.n), *numbers])
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
