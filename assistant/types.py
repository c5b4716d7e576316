"""The domain: papers, what is cut out of them, and answers that cite them."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from assistant.text.tables import for_terminal

Status = Literal["answered", "partial", "abstained"]
Role = Literal["system", "user", "assistant"]
Label = Literal["supported", "contradicted", "not found"]
Tier = Literal["verbatim", "features", "cross-encoder", "chat model"]
"""Who judged a claim: the same words, what can be counted, or one of two models."""

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


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A sentence that bears on a question.

    `context` is the sentence before it that names what it refers to as "it" or "this method".
    `is_context` says that it was taken as such, for the sake of another one.
    """

    key: int
    passage: Passage
    score: float
    scores: Mapping[str, float] = field(default_factory=dict)
    context: Passage | None = None
    is_context: bool = False

    @property
    def paper(self) -> Paper:
        """The paper the sentence stands in."""
        return self.passage.paper

    @property
    def text(self) -> str:
        """The sentence."""
        return self.passage.text

    def to_dict(self) -> dict[str, Any]:
        """Return the evidence ready for JSON."""
        return {
            "key": self.key,
            "paper": self.paper.reference(),
            **self.passage.to_dict(),
            "score": round(self.score, 4),
            "scores": {name: round(value, 4) for name, value in self.scores.items()},
            "context": self.context and self.context.to_dict(),
            "is_context": self.is_context,
        }


@dataclass(frozen=True, kw_only=True)
class Support:
    """How well evidence supports a claim: a probability, why, and which tier judged last."""

    score: float
    label: Label = "supported"
    reasons: tuple[str, ...] = ()
    tier: Tier = "features"

    @property
    def supported(self) -> bool:
        """Whether the evidence says what the claim says."""
        return self.label == "supported"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence of the answer; the span in the answer's text includes its citation marks.

    One that no evidence supports is shown under the lenient policy only, and marked.
    """

    text: str
    start: int
    end: int
    supported: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return the claim ready for JSON (a stable contract: see the README)."""
        return vars(self).copy()


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What became of the sentences that a model wrote: how many were checked, kept, and so on.

    `shortened` ones lost an unsupported part and are among the kept; in place of `quoted` ones,
    left open, stands the sentence of the paper; `repeated` ones said what stood there already;
    `marked` ones are shown without support (lenient policy).
    """

    checked: int = 0
    kept: int = 0
    shortened: int = 0
    quoted: int = 0
    repeated: int = 0
    dropped: int = 0
    marked: int = 0

    def __str__(self) -> str:
        """Say it in one sentence; an empty string where nothing was checked."""
        if not self.checked:
            return ""
        noun = "sentence" if self.checked == 1 else "sentences"
        parts = [f"{self.kept} kept"]
        parts += [f"{self.shortened} of them shortened"] * bool(self.shortened)
        parts += [f"{self.quoted} replaced by the paper's own sentence"] * bool(self.quoted)
        parts += [f"{self.repeated} left out as a repetition"] * bool(self.repeated)
        parts += [f"{self.dropped} dropped"] * bool(self.dropped)
        parts += [f"{self.marked} shown though not supported"] * bool(self.marked)
        return f"{self.checked} {noun} checked against the papers: {', '.join(parts)}."


@dataclass(frozen=True, kw_only=True)
class Citation:
    """A numbered link from a claim to the sentence that supports it."""

    number: int
    claim: Claim
    evidence: Evidence
    support: Support

    def to_dict(self) -> dict[str, Any]:
        """Return the citation ready for JSON (a stable contract: see the README)."""
        evidence = self.evidence
        return {
            "number": self.number,
            "paper": evidence.paper.reference(),
            **evidence.passage.to_dict(),
            "context": evidence.context and evidence.context.to_dict(),
            "claim": self.claim.text,
            "support": round(self.support.score, 3),
            "tier": self.support.tier,
        }


@dataclass(frozen=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, kw_only=True)
class Flagged:
    """Text of a paper that may be meant for the model: where it stands, and what is odd."""

    paper_id: str
    field: str
    text: str
    reasons: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return every field ready for JSON."""
        return vars(self) | {"reasons": list(self.reasons)}


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What happened on the way to an answer, for audit.

    `tokens` counts the chat model's `requests`, those whose tokens the server left
    `unreported`, and the `prompt` and `completion` tokens of the others. `asked` is what the
    model was given to write the answer, as messages.
    """

    standalone_question: str
    model: str
    prompts: Mapping[str, str] = field(default_factory=dict)
    hits: tuple[Mapping[str, Any], ...] = ()
    answerability: Mapping[str, float] = field(default_factory=dict)
    rejected: tuple[Mapping[str, Any], ...] = ()
    unknown_numbers: tuple[str, ...] = ()
    flagged: tuple[Flagged, ...] = ()
    asked: tuple[Message, ...] = ()
    draft: str = ""
    tokens: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A cited answer, or an abstention that names the nearest papers."""

    question: str
    text: str
    status: Status
    citations: tuple[Citation, ...]
    evidence: tuple[Evidence, ...]
    nearest: tuple[Paper, ...]
    confidence: float
    model: str
    notices: tuple[str, ...]
    seconds: Mapping[str, float]
    trace: Trace
    claims: tuple[Claim, ...] = ()
    checks: Checks = Checks()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data (a stable contract: see the README)."""
        return {
            "question": self.question,
            "text": self.text,
            "status": self.status,
            "claims": [claim.to_dict() for claim in self.claims],
            "citations": [citation.to_dict() for citation in self.citations],
            "evidence": [evidence.to_dict() for evidence in self.evidence],
            "nearest": [paper.reference() for paper in self.nearest],
            "confidence": round(self.confidence, 4),
            "model": self.model,
            "checks": vars(self.checks).copy(),
            "notices": list(self.notices),
            "seconds": {name: round(value, 4) for name, value in self.seconds.items()},
            "trace": vars(self.trace)
            | {
                "hits": list(self.trace.hits),
                "flagged": [one.to_dict() for one in self.trace.flagged],
                "asked": [vars(message).copy() for message in self.trace.asked],
            },
        }

    def to_json(self) -> str:
        """Return the answer as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def sources(self) -> dict[int, Citation]:
        """Return the first citation of each number, in order of appearance."""
        found: dict[int, Citation] = {}
        for citation in self.citations:
            found.setdefault(citation.number, citation)
        return found

    def __str__(self) -> str:
        """Readable in a terminal: the text, then the sentence behind each number."""
        return f"{for_terminal(self.text)}\n{self.sources_text()}".rstrip("\n")

    def sources_text(self) -> str:
        """Return what stands below the text in a terminal: sources, checks and notices."""
        lines = []
        for number, citation in self.sources().items():
            evidence = citation.evidence
            year = f" ({evidence.paper.year})" if evidence.paper.year else ""
            kind = " [summary]" if evidence.paper.is_summary else ""
            lines.append(f"\n[{number}] {evidence.paper.title}{year}{kind}")
            lines += [f"    (“{evidence.context.text}”)"] if evidence.context else []
            lines.append(f"    “{evidence.text}”")
        lines += [f"\n{self.checks}"] * bool(self.checks.checked)
        lines += [f"\nNote: {notice}" for notice in self.notices]
        return "\n".join(lines)

    def _repr_markdown_(self) -> str:
        """Notebook form: the text and a list of sources."""
        lines = [self.text, ""]
        for number, citation in self.sources().items():
            evidence = citation.evidence
            name = _inert(evidence.paper.title)
            title = f"[{name}]({evidence.paper.link})" if evidence.paper.link else name
            context = f"(“{_inert(evidence.context.text)}”) " if evidence.context else ""
            lines.append(f"{number}. **{title}** — {context}“{_inert(evidence.text)}”")
        lines += [f"\n*{self.checks}*"] * bool(self.checks.checked)
        lines += [f"\n*Note: {notice}*" for notice in self.notices]
        return "\n".join(lines)


def _inert(text: str) -> str:
    """Return text of a paper so that Markdown shows its characters and makes no link of them."""
    return re.sub(r"([\\`*_\[\]()<>#!|])", r"\\\1", text).replace("://", ":&#47;/")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A record that was skipped, or text that was mended on the way in."""

    source: str
    line: int
    reason: str
    skipped: bool = True
    bare: bool = False
    """Nothing is wrong with the record but that it has no abstract."""

    def __str__(self) -> str:
        """`file, line N: reason`."""
        return f"{self.source}, line {self.line}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class NearDuplicate:
    """A record that was merged with a paper of nearly the same title and abstract."""

    paper_id: str
    title: str
    merged_title: str
    source: str
    likeness: float

    def __str__(self) -> str:
        """Say what was taken for what."""
        return (
            f"{self.source}: “{self.merged_title}” was taken for “{self.title}” [{self.paper_id}], "
            f"whose abstract is nearly the same ({self.likeness:.2f})"
        )


@dataclass(frozen=True, kw_only=True)
class AddReport:
    """What became of the records that were read."""

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    merged: int = 0
    skipped: int = 0
    problems: tuple[Problem, ...] = ()
    near_duplicates: tuple[NearDuplicate, ...] = ()
    pending: int = 0
    notices: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """Records that are in the library now, whatever the reason."""
        return self.added + self.replaced + self.unchanged + self.merged

    def to_dict(self) -> dict[str, Any]:
        """Return the counts and problems ready for JSON."""
        plain = vars(self) | {"notices": list(self.notices)}
        plain["near_duplicates"] = [vars(one) for one in self.near_duplicates]
        return plain | {"problems": [vars(problem) for problem in self.problems]}

    def __str__(self) -> str:
        """`140 added, 10 merged`; unchanged, replaced and skipped where there are any."""
        names = ("added", "replaced", "merged", "unchanged", "skipped")
        parts = [f"{getattr(self, name)} {name}" for name in names if getattr(self, name)]
        return ", ".join(parts) or "nothing to add"


@dataclass(frozen=True, kw_only=True)
class SyncReport:
    """What a folder's state added to the library, and what came from it and is gone."""

    added: AddReport
    vanished: tuple[Paper, ...] = ()
    kept_elsewhere: int = 0
    held_back: tuple[str, ...] = ()
    removed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return counts, and the vanished papers' references, ready for JSON."""
        return self.added.to_dict() | {
            "vanished": [paper.reference() for paper in self.vanished],
            "kept_elsewhere": self.kept_elsewhere,
            "held_back": list(self.held_back),
            "removed": self.removed,
        }


@dataclass(frozen=True, kw_only=True)
class StageEvent:
    """What is being done now, in words for the user."""

    name: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class TextEvent:
    """A verified piece of the answer's text, to be appended."""

    text: str


@dataclass(frozen=True, kw_only=True)
class AnswerEvent:
    """The whole answer; always the last event."""

    answer: Answer


Event = StageEvent | TextEvent | AnswerEvent
