"""Combine rankings."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
RRF_CONSTANT = 60
SURE_COSINE = 0.4


def reciprocal_rank_fusion(rankings: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the fused score of each id, scaled so that first in all rankings is 1.

    RRF, k = 60: Cormack, Clarke & Büttcher, SIGIR 2009.
    """
    best = len(rankings) / (RRF_CONSTANT + 1)
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + 1 / (RRF_CONSTANT + rank) / best
    return scores


def convex_combination(
    lexical: Mapping[str, float], dense: Mapping[str, float], weight: float = 0.5
) -> dict[str, float]:
    """Return weight * dense + (1 - weight) * lexical, each scaled to [0, 1] over its list.

    Min-max scaling: the lowest score of a list counts 0, as a missing one does. Convex
    combination with it beats rank fusion in Bruch, Gai & Ingber, TOIS 2023.
    """
    # A best cosine of 0.2 is noise: stretched to 1 it would outvote a rare word that matches.
    scaled_lexical, scaled_dense = min_max(lexical), min_max(dense, least_high=SURE_COSINE)
    return {
        key: weight * scaled_dense.get(key, 0.0) + (1.0 - weight) * scaled_lexical.get(key, 0.0)
        for key in {**lexical, **dense}
    }


def min_max(scores: Mapping[Key, float], least_high: float = 0.0) -> dict[Key, float]:
    """Return the scores scaled to [0, 1]: the lowest is 0, the highest 1 if over `least_high`."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(max(scores.values()), least_high)
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {key: (score - low) / (high - low) for key, score in scores.items()}
