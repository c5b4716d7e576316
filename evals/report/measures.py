"""The numbers behind the figures: pure functions over plain sequences."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

import numpy as np

RESAMPLES = 2_000
BINS = 10
Judged = tuple[float, bool]
"""A confidence in [0, 1], and whether the reply was right."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean of `n` values, and the ends of its 95 % interval; None where n is 1."""

    mean: float
    low: float | None
    high: float | None
    n: int


def bootstrap_mean(values: Sequence[float], seed: int = 0) -> Interval | None:
    """Return the mean and its 95 % percentile bootstrap interval (Efron & Tibshirani 1993, ch. 13).

    None where there is no value. Values that are all alike give an interval of no width.
    """
    if not values:
        return None
    if len(values) == 1:
        return Interval(mean=values[0], low=None, high=None, n=1)
    given = np.asarray(values, dtype=np.float64)
    chosen = np.random.default_rng(seed).integers(len(given), size=(RESAMPLES, len(given)))
    low, high = np.percentile(given[chosen].mean(axis=1), (2.5, 97.5))
    return Interval(mean=fmean(values), low=float(low), high=float(high), n=len(values))


@dataclass(frozen=True, kw_only=True)
class Bin:
    """The replies whose confidence is from `low` to `high`; the means are None where n is 0."""

    low: float
    high: float
    n: int
    confidence: float | None
    right: float | None


def calibration_bins(judged: Sequence[Judged], count: int = BINS) -> list[Bin]:
    """Return `count` bins of equal width over [0, 1]; 1 is in the last one, a bound in the upper.

    A confidence outside of [0, 1] goes to the nearest bin.
    """
    members: list[list[Judged]] = [[] for _ in range(count)]
    for confidence, right in judged:
        members[_place(confidence, 0.0, 1.0, count)].append((confidence, right))
    return [
        Bin(
            low=place / count,
            high=(place + 1) / count,
            n=len(inside),
            confidence=fmean(confidence for confidence, _ in inside) if inside else None,
            right=fmean(right for _, right in inside) if inside else None,
        )
        for place, inside in enumerate(members)
    ]


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error (Naeini et al. 2015); None where all are empty.

    The mean over replies of |share right - mean confidence| of their bin.
    """
    total = sum(one.n for one in bins)
    if not total:
        return None
    gaps = (
        one.n * abs(one.right - one.confidence)
        for one in bins
        if one.right is not None and one.confidence is not None
    )
    return sum(gaps) / total


@dataclass(frozen=True, kw_only=True)
class Operating:
    """What answering from confidence `threshold` up gives: shares of questions, and of answers."""

    threshold: float
    coverage: float
    risk: float


def risk_coverage(answered: Sequence[Judged], asked: int) -> list[Operating]:
    """Return a point for each confidence, the surest first (El-Yaniv & Wiener 2010).

    Coverage is the share of the `asked` questions that are answered with that confidence or
    more; risk is the share of those answers that are wrong. Questions that were declined are
    among the asked, so the curve ends where the run itself stood.
    """
    points = []
    taken = wrong = 0
    ordered = sorted(answered, key=lambda one: -one[0])
    for confidence, group in groupby(ordered, key=lambda one: one[0]):
        outcomes = [right for _, right in group]
        taken += len(outcomes)
        wrong += outcomes.count(False)
        points.append(Operating(threshold=confidence, coverage=taken / asked, risk=wrong / taken))
    return points


def mean_risk(points: Sequence[Operating]) -> float | None:
    """Return the mean risk over the coverage reached, each step at the risk that it leads to.

    This is the area under the risk–coverage curve (Geifman & El-Yaniv 2019) over its width,
    so that runs which answer more or less can be compared. None where nothing is answered.
    """
    if not points:
        return None
    starts = [0.0, *(point.coverage for point in points)]
    area = sum(
        (point.coverage - start) * point.risk
        for start, point in zip(starts[:-1], points, strict=True)
    )
    return area / points[-1].coverage


def edges(values: Sequence[float], count: int = BINS) -> list[float]:
    """Return `count` + 1 bounds of bins of equal width; [0, 1] where the values lie in it."""
    low, high = min([*values, 0.0]), max([*values, 1.0])
    return [low + (high - low) * place / count for place in range(count + 1)]


def histogram(values: Sequence[float], bounds: Sequence[float]) -> list[int]:
    """Count the values between the bounds, which are evenly spaced; the last bin is closed."""
    counts = [0] * (len(bounds) - 1)
    for value in values:
        counts[_place(value, bounds[0], bounds[-1], len(counts))] += 1
    return counts


def _place(value: float, low: float, high: float, count: int) -> int:
    # Rounded, since 0.3 / 0.1 falls below 3.
    place = int(round((value - low) / (high - low) * count, 9))
    return min(max(place, 0), count - 1)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Percentiles of `n` values."""

    p5: float
    p25: float
    p50: float
    p75: float
    p95: float
    n: int


def spread(values: Sequence[float]) -> Spread | None:
    """Return the percentiles, interpolated between values; None where there is no value."""
    if not values:
        return None
    p5, p25, p50, p75, p95 = (float(x) for x in np.percentile(values, (5, 25, 50, 75, 95)))
    return Spread(p5=p5, p25=p25, p50=p50, p75=p75, p95=p95, n=len(values))
