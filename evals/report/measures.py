"""The numbers behind the figures: pure functions over plain sequences."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

BINS = 10
Judged = tuple[float, bool]
"""A confidence in [0, 1], and whether the reply was right."""


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
