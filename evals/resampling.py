"""Intervals and significance by resampling, the same at each run with the same seed."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
"""(answers, columns)."""
Statistic = Callable[[Rows], float | None]
"""One figure of one answer at least; None where they don't determine it."""
DRAWS = 1000
SIGNS = 10_000
SWAPS = 1000
LEVELS = (0.025, 0.975)


def mean(rows: Rows) -> float:
    """Return the mean of the first column."""
    return float(rows[:, 0].mean())


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value with at least `share` of all at or below it (nearest rank)."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else None


def interval(rows: Rows, statistic: Statistic, seed: int = 0) -> tuple[float, float] | None:
    """Return the 95 % percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13).

    Answers are drawn anew with replacement; draws that don't determine the figure are left
    out. None where there are fewer than two answers.
    """
    if len(rows) < 2:
        return None
    picks = np.random.default_rng(seed).integers(0, len(rows), (DRAWS, len(rows)))
    if statistic is mean:
        values = rows[:, 0][picks].mean(axis=1)
    else:
        drawn = (statistic(rows[pick]) for pick in picks)
        values = np.array([value for value in drawn if value is not None])
    if not len(values):
        return None
    low, high = np.quantile(values, LEVELS)
    return float(low), float(high)


def permutation_p(changes: Sequence[float], seed: int = 0, resamples: int = SIGNS) -> float:
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


def swap_p(before: Rows, after: Rows, statistic: Statistic, seed: int = 0) -> float:
    """Return the two-sided p-value of a change of a figure that is no mean of answers.

    Approximate randomisation (Noreen 1989): were the runs alike, each question's two rows could
    as well be the other run's. Swaps that don't determine the figure are left out.

    Raises:
        ValueError: the figure isn't determined in both runs as they are.
    """
    observed = _change(before, after, statistic)
    if observed is None:
        raise ValueError("a run without the figure can't be compared by it")
    swaps = np.random.default_rng(seed).integers(0, 2, (SWAPS, len(before), 1)).astype(bool)
    changes = (
        _change(np.where(swap, after, before), np.where(swap, before, after), statistic)
        for swap in swaps
    )
    found = [abs(change) >= abs(observed) - 1e-9 for change in changes if change is not None]
    return (sum(found) + 1) / (len(found) + 1)


def _change(before: Rows, after: Rows, statistic: Statistic) -> float | None:
    first, second = statistic(before), statistic(after)
    return None if first is None or second is None else second - first
