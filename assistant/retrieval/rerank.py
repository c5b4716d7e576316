"""Rank a small pool of candidates by what is too costly to ask of a whole library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.protocols import Vectors
from assistant.retrieval.fusion import min_max
from assistant.retrieval.plan import Plan
from assistant.retrieval.wording import Wanted, matches
from assistant.types import Paper

Scores = NDArray[np.float64]
SURE_COSINE = 0.4
NEAREST = 5
SHARPNESS = 4
FEEDBACK_PAPERS = 5
FEEDBACK_WEIGHT = 0.5


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A paper that may be relevant, with its BM25 score and unit vectors where there are any.

    `passages` and `sentences` are (count, dimension); an empty one means that there is none.
    `dense` is the best passage's cosine; None where neither the search nor the vectors tell.
    """

    paper: Paper
    bm25: float
    dense: float | None
    passages: Vectors
    sentences: Vectors


def rerank(
    wanted: Wanted,
    query_vector: Vectors | None,
    pool: Sequence[Candidate],
    plan: Plan,
) -> tuple[Scores, dict[str, Scores]]:
    """Return the pool's scores, and what each stage made of it, in the pool's order.

    The score adds, each scaled to [0, 1] over the pool: BM25, the best passage's cosine, the
    best sentence's cosine (late interaction between sentences), the idf-weighted share of the
    query's words or of words of like meaning, the share of its adjacent pairs that stand near
    each other (sequential dependence: Metzler & Croft, SIGIR 2005), and then a share of the
    scores of each paper's nearest neighbours in the pool (score regularisation: Diaz, CIKM 2005).
    """
    found = matches(wanted, [one.paper for one in pool])
    stages: dict[str, Scores] = {"bm25": _scaled([one.bm25 for one in pool])}
    if query_vector is not None:
        dense = _known([one.dense for one in pool])
        stages["dense"] = _scaled(dense, SURE_COSINE)
        sentences = [_best(one.sentences, query_vector) for one in pool]
        instead = [
            cosine if best is None else best for best, cosine in zip(sentences, dense, strict=True)
        ]
        stages["sentence"] = _scaled(instead, SURE_COSINE)
    stages |= {
        "coverage": found.covered,
        "kindred": found.kindred,
        "proximity": found.near,
        "title": found.titled,
    }
    weights = {
        "bm25": plan.lexical,
        "dense": plan.dense,
        "sentence": plan.sentence,
        "kindred": plan.coverage,
        "proximity": plan.proximity,
        "title": plan.title,
    }
    total = _sum(weights, stages, len(pool))
    if plan.feedback and query_vector is not None:
        stages["feedback"] = _feedback(query_vector, pool, total, dense)
        total = total + plan.feedback * stages["feedback"]
    if plan.neighbours and len(pool) > 1:
        stages["neighbours"] = smoothed(total, [one.passages for one in pool])
        total = total + plan.neighbours * stages["neighbours"]
    return total, stages


def _sum(weights: Mapping[str, float], stages: Mapping[str, Scores], size: int) -> Scores:
    total = np.zeros(size)
    for name, weight in weights.items():
        if weight and name in stages:
            total = total + weight * stages[name]
    return total


def _scaled(values: Sequence[float], least_high: float = 0.0) -> Scores:
    keyed = min_max(dict(enumerate(values)), least_high)
    return np.array([keyed[place] for place in range(len(values))])


def _known(values: Sequence[float | None]) -> list[float]:
    """Return the values, the lowest known one in place of one that isn't known."""
    low = min((value for value in values if value is not None), default=0.0)
    return [low if value is None else value for value in values]


def _best(rows: Vectors, vector: Vectors) -> float | None:
    return float((rows @ vector).max()) if len(rows) else None


def _feedback(
    query_vector: Vectors, pool: Sequence[Candidate], scores: Scores, dense: Sequence[float]
) -> Scores:
    """Return cosines with the query moved towards the best papers' best passages.

    Vector pseudo-relevance feedback (Li et al., TOIS 2023) after Rocchio.
    """
    best = [pool[int(place)].passages for place in np.argsort(-scores)[:FEEDBACK_PAPERS]]
    nearest = [rows[int((rows @ query_vector).argmax())] for rows in best if len(rows)]
    if not nearest:
        return np.zeros(len(pool))
    moved = query_vector + FEEDBACK_WEIGHT * np.mean(nearest, axis=0)
    moved /= np.linalg.norm(moved)
    cosines = [_best(one.passages, moved) for one in pool]
    instead = [known if one is None else one for one, known in zip(cosines, dense, strict=True)]
    return _scaled(instead, SURE_COSINE)


def smoothed(scores: Scores, passages: Sequence[Vectors]) -> Scores:
    """Return the mean score of each paper's five nearest in the pool, the nearer the more.

    A neighbour counts by its cosine to the fourth power; papers without vectors have none.
    """
    centres = _centres(passages)
    near = np.maximum(centres @ centres.T, 0.0)
    np.fill_diagonal(near, 0.0)
    count = min(NEAREST, len(scores) - 1)
    nearest = np.argpartition(-near, count, axis=1)[:, :count] if len(scores) > count + 1 else None
    if nearest is None:
        nearest = np.argsort(-near, axis=1, kind="stable")[:, :count]
    weights = np.take_along_axis(near, nearest, axis=1) ** SHARPNESS
    total = weights.sum(axis=1)
    means: Scores = (weights * scores[nearest]).sum(axis=1) / np.maximum(total, 1e-9)
    return means


def _centres(passages: Sequence[Vectors]) -> Vectors:
    """Return one unit vector a paper; zeros where it has no passage."""
    width = max((rows.shape[1] for rows in passages if len(rows)), default=1)
    centres = np.zeros((len(passages), width), np.float32)
    for row, rows in enumerate(passages):
        if len(rows):
            mean = rows.mean(axis=0)
            centres[row] = mean / max(float(np.linalg.norm(mean)), 1e-9)
    return centres


def diversified(scores: Scores, passages: Sequence[Vectors], weight: float) -> list[int]:
    """Return places, best first, each chosen for its score less its likeness to those before.

    Maximal marginal relevance: Carbonell & Goldstein, SIGIR 1998; `weight` is 1 - lambda.
    """
    centres = _centres(passages)
    left, chosen = list(range(len(scores))), []
    likeness = np.zeros(len(scores))
    scale = float(scores.max()) or 1.0 if len(scores) else 1.0
    while left:
        best = max(
            left, key=lambda place: (scores[place] / scale - weight * likeness[place], -place)
        )
        left.remove(best)
        chosen.append(best)
        likeness = np.maximum(likeness, centres @ centres[best])
    return chosen
