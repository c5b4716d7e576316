"""Which papers a conversation may read: what the filters beside the chat say."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.filters import And, FieldHas, Filter, IdIs, Or, YearIs
from assistant.filters.tree import Field, words
from assistant.types import Paper

MOST_CHOICES = 300
"""Topics, sources or papers that a list offers; further papers are given by id."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Years from `low` to `high`; any of the topics; any of the sources; any of the papers."""

    low: int | None = None
    high: int | None = None
    topics: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()

    def filter(self) -> Filter | None:
        """Return the filter that the assistant takes; None where nothing is restricted."""
        parts: list[Filter] = []
        if (self.low, self.high) != (None, None):
            parts.append(YearIs(self.low, self.high))
        parts += _any_of("topic", self.topics)
        parts += _any_of("source", self.sources)
        if self.papers:
            parts.append(IdIs(self.papers))
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def count(self) -> int:
        """Return how many kinds of restriction hold."""
        years = (self.low, self.high) != (None, None)
        return years + sum(bool(part) for part in (self.topics, self.sources, self.papers))

    def __str__(self) -> str:
        """Say it in words; an empty string where nothing is restricted."""
        parts = []
        if self.low is not None and self.high is not None:
            parts.append(f"from {self.low} to {self.high}")
        elif self.low is not None:
            parts.append(f"from {self.low} on")
        elif self.high is not None:
            parts.append(f"up to {self.high}")
        parts += [f"on {' or '.join(self.topics)}"] * bool(self.topics)
        parts += [f"out of {' or '.join(self.sources)}"] * bool(self.sources)
        which = ["the chosen paper", f"the {len(self.papers)} chosen papers"]
        if self.papers:
            return ", ".join([which[len(self.papers) > 1], *parts])
        return f"papers {', '.join(parts)}" if parts else ""


EVERYTHING = Scope()


def _any_of(field: Field, values: Iterable[str]) -> list[Filter]:
    # What has no word, such as a topic "+", would match everything.
    each = tuple(FieldHas(field, value) for value in values if words(value))
    return [each[0] if len(each) == 1 else Or(each)] if each else []


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the filters offer: topics and sources, the most frequent first, and (title, id)."""

    topics: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    papers: tuple[tuple[str, str], ...] = ()


def choices(papers: Iterable[Paper]) -> Choices:
    """Return what the papers offer to filter by, at most `MOST_CHOICES` of each."""
    topics, sources = Counter[str](), Counter[str]()
    named: list[tuple[str, str]] = []
    for paper in papers:
        topics.update(paper.topics)
        sources[paper.source] += bool(paper.source)
        if len(named) < MOST_CHOICES:
            named.append((paper.title or paper.id, paper.id))
    return Choices(
        topics=tuple(topic for topic, _ in topics.most_common(MOST_CHOICES)),
        sources=tuple(source for source, _ in sources.most_common(MOST_CHOICES) if source),
        papers=tuple(sorted(named)),
    )
