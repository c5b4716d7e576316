"""How far a paper's words are those of a query, or like them."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assistant.retrieval.kindred import FindKin, Kin, no_kin
from assistant.text.words import places, terms, vocabulary
from assistant.types import Paper

Scores = NDArray[np.float64]
WINDOW = 8


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What of a query is looked for: its terms in order, and the idf and kin of each."""

    asked: Sequence[str]
    idf: Mapping[str, float]
    kin: Kin

    @cached_property
    def pairs(self) -> dict[tuple[str, str], float]:
        """Adjacent terms, each pair with the idf of its commoner word."""
        return {
            (one, two): min(self.idf[one], self.idf[two])
            for one, two in itertools.pairwise(self.asked)
            if one != two
        }


@dataclass(frozen=True, kw_only=True)
class Matches:
    """What was found in each paper, as shares in [0, 1]."""

    covered: Scores
    kindred: Scores
    near: Scores
    titled: Scores


def looked_for(
    query: str, papers: Sequence[Paper], rarity: Callable[[str], float], kin: FindKin = no_kin
) -> Wanted:
    """Return what of a query is to be looked for in the papers."""
    asked = terms(query)
    idf = {term: rarity(term) for term in dict.fromkeys(asked)}
    among: set[str] = set()
    if kin is not no_kin:
        among = vocabulary(*(text for paper in papers for text in (paper.title, paper.abstract)))
    return Wanted(asked=asked, idf=idf, kin=kin(list(idf), among))


def matches(wanted: Wanted, papers: Sequence[Paper]) -> Matches:
    """Look for the words in title and abstract.

    Of the query's words the share that a paper has, and the share that it has or has the like
    of, each by its nearest word (the late interaction of Khattab & Zaharia, SIGIR 2020, between
    words out of context); of the adjacent pairs those within eight words; of the words those in
    the title; each weighted by idf.
    """
    total, pair_total = sum(wanted.idf.values()) or 1.0, sum(wanted.pairs.values()) or 1.0
    roles, asked = _roles(wanted), frozenset(wanted.idf)
    every = frozenset(roles)
    covered, kindred, near, titled = (np.zeros(len(papers)) for _ in range(4))
    for row, paper in enumerate(papers):
        found = places(every, paper.title, paper.abstract)
        covered[row] = sum(wanted.idf[term] for term in asked & found.keys()) / total
        titled[row] = sum(wanted.idf[term] for term in places(asked, paper.title)) / total
        nearest: dict[str, float] = {}
        for one in found:
            for term, weight in roles[one]:
                nearest[term] = max(nearest.get(term, 0.0), weight)
        kindred[row] = sum(wanted.idf[term] * weight for term, weight in nearest.items()) / total
        for (one, two), weight in wanted.pairs.items():
            if _are_near(found.get(one, ()), found.get(two, ())):
                near[row] += weight / pair_total
    return Matches(covered=covered, kindred=kindred, near=near, titled=titled)


def _roles(wanted: Wanted) -> dict[str, list[tuple[str, float]]]:
    """Return, by word looked for, the query's terms that it stands for, and with what weight."""
    roles: dict[str, list[tuple[str, float]]] = {}
    for term, kin in wanted.kin.items():
        for one, weight in kin.items():
            roles.setdefault(one, []).append((term, weight))
    return roles


def _are_near(some: Sequence[int], others: Sequence[int]) -> bool:
    return any(abs(one - other) <= WINDOW for one in some for other in others)
