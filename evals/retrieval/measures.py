"""nDCG@10, recall and MRR@10 by `ir_measures` (trec_eval), with intervals and significance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evals.resampling import permutation_p
from evals.retrieval.collection import Query

MEASURES = {"nDCG@10": "nDCG@10", "recall@10": "R@10", "recall@100": "R@100", "MRR@10": "RR@10"}
RESAMPLES = 2000
Ranking = Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean over queries with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


def by_query(
    queries: Sequence[Query], rankings: Mapping[str, Ranking]
) -> dict[str, dict[str, float]]:
    """Return each measure's value by query id; a query that found nothing has 0."""
    import ir_measures

    parsed = {ir_measures.parse_measure(form): name for name, form in MEASURES.items()}
    qrels = {query.id: query.grades for query in queries}
    # Scores that fall: trec_eval breaks ties by document id, whatever the order.
    run = {
        name: {doc: float(-place) for place, doc in enumerate(ranking)}
        for name, ranking in rankings.items()
    }
    values = {name: dict.fromkeys(qrels, 0.0) for name in MEASURES}
    for one in ir_measures.iter_calc(list(parsed), qrels, run):
        values[parsed[one.measure]][one.query_id] = one.value
    return values


def interval(values: Sequence[float], seed: int = 0) -> Interval:
    """Return the mean with its percentile bootstrap interval (Efron & Tibshirani 1993)."""
    sample = np.asarray(values, np.float64)
    picks = np.random.default_rng(seed).integers(0, len(sample), (RESAMPLES, len(sample)))
    means = sample[picks].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(mean=float(sample.mean()), low=float(low), high=float(high))


def better_p(values: Mapping[str, float], baseline: Mapping[str, float], seed: int = 0) -> float:
    """Return the two-sided p of the paired difference between two methods' queries."""
    return permutation_p([values[name] - baseline[name] for name in baseline], seed)
