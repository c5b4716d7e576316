"""Papers, what is cut out of them, and what a search finds."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BUNDLED_SOURCE = "bundled library (summaries)"


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One paper's record; `abstract` is the cleaned text that all offsets refer to."""

    id: str
    title: str
    abstract: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    venue: str = ""
    url: str = ""
    doi: str = ""
    arxiv_id: str = ""
    pmid: str = ""
    topics: tuple[str, ...] = ()
    source: str = ""
    record_id: str = ""
    raw_abstract: str = ""

    @property
    def content_hash(self) -> str:
        """Hash of what is indexed: 16 hex digits over title and abstract."""
        return hashlib.sha256(f"{self.title}\n{self.abstract}".encode()).hexdigest()[:16]

    @property
    def is_summary(self) -> bool:
        """Whether the abstract is this project's summary, not the authors' text."""
        return self.source == BUNDLED_SOURCE

    def to_dict(self) -> dict[str, Any]:
        """Return the non-empty fields, ready for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
            if value not in ("", (), None) or name in ("id", "title", "abstract")
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Paper":
        """Rebuild a paper from `to_dict`."""
        lists = {name: tuple(record.get(name, ())) for name in ("authors", "topics")}
        return cls(**{**record, **lists})

    def reference(self) -> dict[str, Any]:
        """Return the short form that stands beside a citation."""
        return {
            "id": self.id,
            "title": self.title,
            "year": self.year,
            "url": self.link,
            "record_id": self.record_id,
        }

    @property
    def link(self) -> str:
        """The best web address known for the paper, or an empty string."""
        if self.url:
            return self.url
        if self.doi:
            return f"https://doi.org/{self.doi}"
        if self.arxiv_id:
            return f"https://arxiv.org/abs/{self.arxiv_id}"
        return f"https://pubmed.ncbi.nlm.nih.gov/{self.pmid}/" if self.pmid else ""


@dataclass(frozen=True)
class HasTag:
    """The paper carries the tag, as "author:smith"."""

    tag: str


@dataclass(frozen=True)
class YearBetween:
    """The paper has a year, from `low` to `high`, both included; None is open."""

    low: int | None
    high: int | None


@dataclass(frozen=True)
class AllOf:
    """Every part holds."""

    parts: "tuple[Required, ...]"


@dataclass(frozen=True)
class AnyOf:
    """One part holds at least."""

    parts: "tuple[Required, ...]"


Required = HasTag | YearBetween | AllOf | AnyOf
"""What a paper must have to pass a filter, in the form that both indexes understand."""


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A slice of a paper's abstract, so that it can't misquote."""

    paper: Paper
    start: int
    end: int

    @property
    def text(self) -> str:
        """The exact characters of the abstract."""
        return self.paper.abstract[self.start : self.end]

    def to_dict(self) -> dict[str, Any]:
        """Return the sentence and its place in the abstract, ready for JSON."""
        return {"sentence": self.text, "start": self.start, "end": self.end}


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A paper found for a query, its best passage, and the scores of each stage."""

    paper: Paper
    score: float
    start: int
    end: int
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def passage(self) -> Passage:
        """The passage that matched best."""
        return Passage(paper=self.paper, start=self.start, end=self.end)

    def to_dict(self) -> dict[str, Any]:
        """Return the hit ready for JSON (a stable contract: see the README)."""
        return {
            "score": round(self.score, 6),
            "scores": dict(self.scores),
            "paper": self.paper.reference(),
            "passage": self.passage.text,
        }
