"""Answers: evidence, claims and the citations between them, and how they came about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from assistant.text.tables import for_terminal
from assistant.types.papers import Paper, Passage

Status = Literal["answered", "partial", "abstained"]
Role = Literal["system", "user", "assistant"]
Label = Literal["supported", "contradicted", "not found"]
Tier = Literal["verbatim", "features", "cross-encoder", "chat model", "adapted chat model"]
"""Who judged a claim: the same words, what can be counted, the cross-encoder, or a chat model by
its own word or by that of an adapter trained to judge."""


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
    `unreported`, and the `prompt` and `completion` tokens of the others; `usd` is what they cost
    at the model `paid`, None where unknown. `asked` is what the model was given to write the
    answer, as messages. `stages` are in their order, each with its `name`, `start` in seconds after
    the question, and `seconds`. `cached_from` is the id of the answer that this one repeats.
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
    paid: str = ""
    usd: float | None = None
    stages: tuple[Mapping[str, Any], ...] = ()
    cached_from: str = ""


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
    id: str = ""
    """Under which it can be looked at again; empty where past answers aren't kept."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data (a stable contract: see the README)."""
        return {
            "answer_id": self.id,
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
                "stages": list(self.trace.stages),
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
        """Notebook form where HTML isn't shown; nothing of a paper or model is markup."""
        from assistant.types.notebook import as_markdown

        return as_markdown(self)

    def _repr_html_(self) -> str:
        """Notebook form: the text, its sources to unfold, and what became of its sentences."""
        from assistant.types.notebook import as_html

        return as_html(self)
