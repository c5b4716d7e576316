"""All papers of the library without their abstracts, read once for each state of it."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from assistant.app import Assistant
from assistant.filters import matches, parse_filter, required
from assistant.types import Paper

# Of a search by words, whose later hits share a common word or two with it at most.
MOST_HITS = 1_000
_MOST_MATCHES_KEPT = 16
_PART = 500


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The papers as of one generation of the catalog, in the order added, and their files."""

    generation: int
    papers: tuple[Paper, ...]
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def sources_of(self, paper: Paper) -> Sequence[str]:
        """Return the names of the files that gave the paper."""
        return self.sources.get(paper.id) or ([paper.source] if paper.source else [])


class Shelves:
    """Keeps the latest shelf, and which of its papers pass what was asked last."""

    def __init__(self, assistant: Assistant) -> None:
        """Read nothing yet."""
        self._assistant = assistant
        self._lock = threading.Lock()
        self._shelf: Shelf | None = None
        self._matches: dict[tuple[str, str], tuple[Paper, ...]] = {}

    def latest(self) -> Shelf:
        """Return the shelf of the catalog as it is now.

        Raises:
            LibraryError: the catalog can't be read.
        """
        generation = self._assistant.catalog.generation()
        with self._lock:
            if self._shelf is None or self._shelf.generation != generation:
                self._shelf = _read(self._assistant, generation)
                self._matches.clear()
            return self._shelf

    def matching(self, words: str, where: str) -> tuple[Paper, ...]:
        """Return the papers that have any of the words and pass the filter.

        By relevance where there are words, else in the order added.

        Raises:
            FilterError: the filter can't be read.
            LibraryError: the library can't be read.
        """
        shelf = self.latest()
        key = (words.strip(), where.strip())
        with self._lock:
            known = self._matches.get(key)
        if known is not None:
            return known
        found = tuple(self._select(shelf, *key))
        with self._lock:
            if self._shelf is shelf:
                while len(self._matches) >= _MOST_MATCHES_KEPT:
                    del self._matches[next(iter(self._matches))]
                self._matches[key] = found
        return found

    def _select(self, shelf: Shelf, words: str, where: str) -> Iterator[Paper]:
        only = parse_filter(where) if where else None
        papers: Sequence[Paper] = shelf.papers
        if words:
            index = self._assistant.library.lexical
            hits = index.search(words, MOST_HITS, None if only is None else required(only))
            known = {paper.id: paper for paper in shelf.papers}
            papers = [known[paper_id] for paper_id, _ in hits if paper_id in known]
        for paper in papers:
            if only is None or matches(only, paper, shelf.sources_of(paper)):
                yield paper


def _read(assistant: Assistant, generation: int) -> Shelf:
    papers = tuple(replace(paper, abstract="", raw_abstract="") for paper in assistant.papers())
    sources: dict[str, Sequence[str]] = {}
    for start in range(0, len(papers), _PART):
        sources |= assistant.catalog.sources([one.id for one in papers[start : start + _PART]])
    return Shelf(generation=generation, papers=papers, sources=sources)
