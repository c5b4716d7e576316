"""Which stages a search runs, and how much each counts."""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A search's stages; a weight of 0 leaves its stage out.

    The defaults are the winner of `python -m evals retrieval --table`, chosen coarsely, with
    each collection left out in turn. `depth` counts the candidates of each index, `pool` those
    that are reranked; 0 ends the search with the fusion of both indexes. With `kindred`,
    `coverage` also counts words of like meaning. `judged` counts the best of them that a
    `Reranker` judges, where there is one.
    """

    lexical: float = 0.5
    dense: float = 0.5
    fusion: Literal["convex", "ranks"] = "convex"
    depth: int = 100
    pool: int = 50
    sentence: float = 0.3
    coverage: float = 0.4
    kindred: bool = True
    proximity: float = 0.2
    title: float = 0.0
    feedback: float = 0.0
    neighbours: float = 0.3
    diversity: float = 0.0
    judged: int = 0
    understand: bool = True
    acronyms: bool = True

    def __post_init__(self) -> None:
        """Refuse a search that looks nowhere."""
        if not (self.lexical or self.dense):
            raise ValueError("a plan needs the words, the vectors, or both")


DEFAULT = Plan()
CONVEX = Plan(pool=0, understand=False, acronyms=False)
BM25 = replace(CONVEX, lexical=1.0, dense=0.0)
DENSE = replace(CONVEX, lexical=0.0, dense=1.0)
RRF = replace(CONVEX, fusion="ranks")
BASELINES = {"bm25": BM25, "dense": DENSE, "rrf": RRF}
