"""Counts of papers by year, topic, source and cluster, and which papers chosen counts keep."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal, get_args

from assistant.types import Paper
from assistant.web.library.shelf import Shelf

Facet = Literal["year", "topic", "source", "cluster"]
Chosen = Set[tuple[Facet, str]]
FACETS: tuple[Facet, ...] = get_args(Facet)


@dataclass(frozen=True, kw_only=True)
class Count:
    """A value of a facet, how many of the papers have it, and whether it is chosen."""

    value: str
    papers: int
    chosen: bool


def values(paper: Paper, facet: Facet, shelf: Shelf, clusters: Mapping[str, str]) -> Sequence[str]:
    """Return the paper's values of a facet; `clusters` names the cluster of each paper id."""
    if facet == "year":
        return [str(paper.year)] if paper.year is not None else []
    if facet == "topic":
        return paper.topics
    if facet == "source":
        return shelf.sources_of(paper)
    return [clusters[paper.id]] if paper.id in clusters else []


def kept(
    papers: Iterable[Paper],
    chosen: Chosen,
    shelf: Shelf,
    clusters: Mapping[str, str],
) -> list[Paper]:
    """Return the papers that have, of each facet with a choice, one of the chosen values."""
    wanted = _by_facet(chosen)
    return [
        paper
        for paper in papers
        if all(
            not any_of.isdisjoint(values(paper, facet, shelf, clusters))
            for facet, any_of in wanted.items()
        )
    ]


def counted(
    papers: Sequence[Paper],
    chosen: Chosen,
    shelf: Shelf,
    clusters: Mapping[str, str],
) -> dict[Facet, list[Count]]:
    """Return the counts of each facet that has values: years down, others by size.

    A facet counts papers that pass the choices of the other facets, so that a click on a
    second value adds as many papers as it says.
    """
    found: dict[Facet, list[Count]] = {}
    for facet in FACETS:
        own = {value for of, value in chosen if of == facet}
        others = {one for one in chosen if one[0] != facet}
        among = kept(papers, others, shelf, clusters) if others else papers
        counts = Counter(
            value
            for paper in among
            for value in dict.fromkeys(values(paper, facet, shelf, clusters))
        )
        for value in own:
            counts.setdefault(value, 0)
        if facet == "year":
            order = sorted(counts, key=int, reverse=True)
        else:
            order = sorted(counts, key=lambda value: (-counts[value], value.casefold(), value))
        if order:
            found[facet] = [
                Count(value=value, papers=counts[value], chosen=value in own) for value in order
            ]
    return found


def _by_facet(chosen: Chosen) -> dict[Facet, set[str]]:
    found: dict[Facet, set[str]] = {}
    for facet, value in chosen:
        found.setdefault(facet, set()).add(value)
    return found
