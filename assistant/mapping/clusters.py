"""Groups of like papers: k-means (Lloyd 1982) from a start spread by k-means++ (Arthur 2007)."""

import numpy as np
from numpy.typing import NDArray

from assistant.mapping.projection import Floats

MOST_CLUSTERS = 12  # as many colours as the eye tells apart
SMALLEST = 6  # papers that make a map of more than one cluster worth its colours
ROUNDS = 100


def cluster_count(papers: int) -> int:
    """Return how many clusters so many papers are shown in."""
    if papers < 2 * SMALLEST:
        return 1
    return int(min(MOST_CLUSTERS, max(2, round((papers / 3) ** 0.5))))


def clustered(points: Floats, count: int, seed: int) -> NDArray[np.int64]:
    """Return each point's cluster, numbered from the largest, 0, down; none is empty."""
    if not len(points):
        return np.zeros(0, np.int64)
    centres = _start(points, min(count, len(points)), seed)
    labels = np.zeros(len(points), np.int64)
    for at in range(ROUNDS):
        found = _distances(points, centres).argmin(axis=1)
        if at and (found == labels).all():
            break
        labels = found
        for number in range(len(centres)):
            members = points[labels == number]
            if len(members):
                centres[number] = members.mean(axis=0)
    return _by_size(labels)


def _start(points: Floats, count: int, seed: int) -> Floats:
    """Return centres far apart: each drawn with a probability that grows with its distance."""
    random = np.random.default_rng(seed)
    chosen = [int(random.integers(len(points)))]
    while len(chosen) < count:
        far = _distances(points, points[chosen]).min(axis=1).astype(np.float64)
        far[chosen] = 0
        if far.sum() <= 0:  # All others lie upon a centre.
            break
        chosen.append(int(random.choice(len(points), p=far / far.sum())))
    return np.array(points[chosen], np.float32)


def _distances(points: Floats, centres: Floats) -> Floats:
    """Return (points, centres) squared distances."""
    squares = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)[None]
    return np.asarray(np.maximum(squares - 2 * points @ centres.T, 0), np.float32)


def _by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    numbers, sizes = np.unique(labels, return_counts=True)
    order = numbers[np.argsort(-sizes, kind="stable")]
    places = {int(number): place for place, number in enumerate(order)}
    return np.array([places[int(label)] for label in labels], np.int64)
