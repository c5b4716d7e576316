"""What a system must do to be compared, and how its reply becomes an `Answer`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from assistant.grounding.citations import marked
from assistant.grounding.claims import split_claims
from assistant.text.sentences import split_sentences
from assistant.types import (
    Answer,
    Citation,
    Claim,
    Evidence,
    Paper,
    Passage,
    Support,
    Trace,
)

# How a system declines. Anywhere in the reply: that it can't answer.
_CANNOT = re.compile(
    r"\b(?:can(?:no|['’ ])t|can not|could(?:n['’]t| not)|(?:am|is|are)? ?unable to|"
    r"not possible to)\s+(?:be )?(?:directly |fully |definitively )?answer(?:ed)?\b",
    re.IGNORECASE,
)
# In its first sentence: that what it has read doesn't tell.
_SILENT = re.compile(
    r"\b(?:sources?|context|excerpts?|passages?|papers?|abstracts?|information|text|evidence)\b"
    r"[^.]{0,60}\b(?:do(?:es)?|did|is|are|was|were)(?:n['’]t| not)\b[^.]{0,30}"
    r"\b(?:provid|contain|mention|specif|state|includ|address|discuss|giv|say|indicat|help|"
    r"relevant|answer|sufficient|available)|"
    r"\bnone of the (?:provided )?(?:sources|abstracts|papers|passages)\b|"
    r"\b(?:no|insufficient|not enough) (?:\w+ )?information\b|^empty response\b",
    re.IGNORECASE,
)
# Nobody has checked these systems' citations, so that none counts as supported.
UNCHECKED = Support(score=0.0, label="not found", reasons=("not checked",))


class Peer(Protocol):
    """A question-answering system over papers."""

    @property
    def name(self) -> str:
        """What logs and tables call it."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What its answers depend on beside the chat server, ready for JSON."""

    def add(self, papers: Sequence[Paper], /) -> None:
        """Take in the papers; called once, before any question."""

    def ask(self, question: str, /) -> Answer:
        """Answer with citations, or decline; `seconds["total"]` is what that took."""

    def close(self) -> None:
        """Free what it has opened."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a system has read of a paper."""

    passage: Passage
    score: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a system wrote, with marks like [2] that name its `sources`, and what it found."""

    question: str
    text: str
    sources: Mapping[int, Source]
    seconds: float
    model: str
    found: Sequence[Source] = field(default_factory=tuple)


def declines(text: str) -> bool:
    """Whether a reply says that it is none.

    The rule is the same for all systems but ours, which says so in its status: an empty
    reply; "cannot answer" (or can't, unable to, …) anywhere; or a first sentence which says
    that the sources, context, papers, … don't provide, mention, … it, that none of them
    helps, that there is no or not enough information, or "Empty Response".
    """
    spans = split_sentences(text)
    if not spans:
        return True
    start, end = spans[0]
    return bool(_CANNOT.search(text) or _SILENT.search(text[start:end]))


def as_answer(reply: Reply) -> Answer:
    """Return the reply in the form that the scorers read, sentence by sentence.

    Marks that name no source are left out of the text and kept in the trace.
    """
    text, claims, citations, unknown = "", [], [], []
    is_abstention = declines(reply.text)
    for one in split_claims(reply.text):
        known = [number for number in one.numbers if number in reply.sources]
        unknown += [str(number) for number in one.numbers if number not in reply.sources]
        start = len(text) + bool(text)
        shown = marked(one.text, known)
        text += f" {shown}" if text else shown
        claim = Claim(text=one.text, start=start, end=len(text), supported=bool(known))
        claims.append(claim)
        citations += [
            Citation(
                number=number,
                claim=claim,
                evidence=_evidence(number, reply.sources[number]),
                support=UNCHECKED,
            )
            for number in known
        ]
    return Answer(
        question=reply.question,
        text=reply.text if is_abstention else text,
        status="abstained" if is_abstention else "answered",
        claims=() if is_abstention else tuple(claims),
        citations=() if is_abstention else tuple(citations),
        evidence=tuple(_evidence(number, one) for number, one in reply.sources.items()),
        nearest=(),
        confidence=0.0 if is_abstention else 1.0,
        model=reply.model,
        notices=(),
        seconds={"total": reply.seconds},
        trace=Trace(
            standalone_question=reply.question,
            model=reply.model,
            hits=_hits(reply.found),
            unknown_numbers=tuple(unknown),
            draft=reply.text,
        ),
    )


def whole(paper: Paper) -> Passage:
    """Return the whole abstract."""
    return Passage(paper=paper, start=0, end=len(paper.abstract))


def located(paper: Paper, text: str) -> Passage:
    """Return the part of the abstract that is `text`; all of it where it can't be found."""
    start = paper.abstract.find(text) if text else -1
    if start < 0:
        return whole(paper)
    return Passage(paper=paper, start=start, end=start + len(text))


def _evidence(number: int, source: Source) -> Evidence:
    return Evidence(key=number, passage=source.passage, score=source.score)


def _hits(found: Sequence[Source]) -> tuple[dict[str, Any], ...]:
    """Return each paper once, as found first."""
    first: dict[str, Source] = {}
    for one in found:
        first.setdefault(one.passage.paper.id, one)
    return tuple(
        {"paper": name, "title": one.passage.paper.title, "score": one.score, "scores": {}}
        for name, one in first.items()
    )
