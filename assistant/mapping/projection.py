"""Vectors as places in the plane: principal components, then a layout that keeps neighbours near.

The layout is that of UMAP (McInnes, Healy and Melville 2018, arXiv:1802.03426) with the curve
1 / (1 + d²), moved all points at once, so that numpy suffices: 5,000 papers take some seconds.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

NEIGHBOURS = 15
EPOCHS = 300
REPULSION = 5.0  # pushes to one pull, as in UMAP
NEGATIVES = 12  # points that each one is pushed from in an epoch
STEEPEST = 4.0
_BLOCK = 1_000
_SEARCH_STEPS = 40


def principal_components(vectors: Floats, width: int) -> Floats:
    """Return (n, at most `width`) coordinates along the directions of most variance.

    Signs are fixed, by the largest weight of each direction, so that they never flip.
    """
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :width]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.where(axes[largest, np.arange(axes.shape[1])] < 0, -1.0, 1.0)
    return np.asarray(centred @ axes, np.float32)


def laid_out(points: Floats, seed: int) -> Floats:
    """Return (n, 2) places within [-1, 1], neighbours of `points` near one another."""
    count = len(points)
    start = principal_components(points, 2)
    places = np.zeros((count, 2))
    places[:, : start.shape[1]] = start
    if count > 3:
        places = _relaxed(places, *_graph(points, min(NEIGHBOURS, count - 1)), seed)
    return _scaled(places)


def _scaled(places: NDArray[np.float64]) -> Floats:
    centred = places - (places.max(axis=0) + places.min(axis=0)) / 2 if len(places) else places
    largest = np.abs(centred).max(initial=0.0)
    return (centred / largest if largest > 0 else centred).astype(np.float32)


def nearest(points: Floats, count: int) -> tuple[NDArray[np.int64], Floats]:
    """Return (n, count) indexes of each point's nearest others, and how far they are."""
    squares = (points**2).sum(axis=1)
    found, distances = [], []
    for first in range(0, len(points), _BLOCK):
        block = points[first : first + _BLOCK]
        far = squares[first : first + _BLOCK, None] + squares[None] - 2 * block @ points.T
        far[np.arange(len(block)), np.arange(first, first + len(block))] = np.inf
        near = np.argsort(far, axis=1, kind="stable")[:, :count]
        found.append(near)
        distances.append(np.sqrt(np.maximum(np.take_along_axis(far, near, axis=1), 0)))
    return np.concatenate(found), np.concatenate(distances)


def _graph(
    points: Floats, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the neighbour graph's edges, both ways, as (from, to, weight)."""
    near, distances = nearest(points, count)
    beyond = np.maximum(distances - distances[:, :1], 0).astype(np.float64)
    strength = np.exp(-beyond / _widths(beyond, np.log2(max(count, 2)))[:, None])
    tails = np.repeat(np.arange(len(points)), count)
    size = len(points)
    keys = np.concatenate([tails * size + near.ravel(), near.ravel() * size + tails])
    weights = np.concatenate([strength.ravel(), strength.ravel()])
    edges, where = np.unique(keys, return_inverse=True)
    # Either way round: a + b - ab, the probability that one of the two is there.
    missing = np.bincount(where, np.log1p(-np.minimum(weights, 1 - 1e-9)), len(edges))
    return edges // size, edges % size, 1 - np.exp(missing)


def _widths(beyond: NDArray[np.float64], target: float) -> NDArray[np.float64]:
    """Return the width of each row's kernel under which its weights add up to `target`."""
    low = np.zeros(len(beyond))
    high = np.full(len(beyond), np.inf)
    widths = np.ones(len(beyond))
    for _ in range(_SEARCH_STEPS):
        many = np.exp(-beyond / widths[:, None]).sum(axis=1) > target
        high = np.where(many, widths, high)
        low = np.where(many, low, widths)
        widths = np.where(np.isinf(high), widths * 2, (low + high) / 2)
    floor = 1e-3 * max(float(beyond.mean()), 1e-9)
    return np.clip(widths, floor, None)


def _relaxed(
    places: NDArray[np.float64],
    tails: NDArray[np.int64],
    heads: NDArray[np.int64],
    weights: NDArray[np.float64],
    seed: int,
) -> NDArray[np.float64]:
    """Let edges pull and all else push, ever less, until the places hardly move."""
    random = np.random.default_rng(seed)
    count = len(places)
    spread = places.std() or 1.0
    places = places / spread * 3 + random.normal(0, 1e-3, places.shape)
    total = np.bincount(tails, weights, count)[:, None]
    total = np.maximum(total, 1e-9)
    for epoch in range(EPOCHS):
        apart = places[heads] - places[tails]
        pull = (2 * weights / (1 + (apart**2).sum(axis=1)))[:, None] * apart
        step = np.stack([np.bincount(tails, pull[:, axis], count) for axis in (0, 1)], axis=1)
        others = random.integers(0, count, (count, NEGATIVES))
        away = places[:, None] - places[others]
        square = (away**2).sum(axis=2, keepdims=True)
        push = np.clip(2 * away / ((0.01 + square) * (1 + square)), -STEEPEST, STEEPEST)
        step = step / total + REPULSION * push.mean(axis=1)
        places = places + (1 - epoch / EPOCHS) * np.clip(step, -STEEPEST, STEEPEST)
    return places
