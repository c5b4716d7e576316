"""What is measured of one answer; a value of None is "not scored", which is not zero.

Answers come as `Answer.to_dict()` gives them, so that saved ones can be scored again.
Papers are compared by `title_key`, since ids differ between libraries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from assistant.text.cleaning import title_key
from evals.matching import contains, without_marks
from evals.questions import Question
from evals.solver import Case

Answer = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A value, and why it is what it is."""

    value: float | None
    reason: str = ""


class Scorer(Protocol):
    """Measures one thing."""

    @property
    def name(self) -> str:
        """What logs and tables call the metric."""

    def score(self, question: Question, answer: Answer, /) -> Score:
        """Return the value for one answer."""


@dataclass(frozen=True, kw_only=True)
class HitAt:
    """The share of the gold papers that is among the first `k` found."""

    k: int

    @property
    def name(self) -> str:
        """`hit@k`."""
        return f"hit@{self.k}"

    def score(self, question: Question, answer: Answer) -> Score:
        """Compare the first titles of the trace with the gold ones."""
        if not question.gold:
            return Score(value=None, reason="no gold paper")
        gold = question.gold_keys
        found = gold & set(_ranked(answer)[: self.k])
        return Score(
            value=len(found) / len(gold), reason=f"{len(found)} of {len(gold)} gold papers"
        )


@dataclass(frozen=True, kw_only=True)
class ReciprocalRank:
    """1 / rank of the first gold paper, 0 where none is found (Voorhees 1999, TREC-8 QA)."""

    name: str = "mrr"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look for the first gold title in the trace."""
        if not question.gold:
            return Score(value=None, reason="no gold paper")
        for rank, key in enumerate(_ranked(answer), start=1):
            if key in question.gold_keys:
                return Score(value=1 / rank, reason=f"rank {rank}")
        return Score(value=0.0, reason="not found")


@dataclass(frozen=True, kw_only=True)
class CitationPrecision:
    """The share of an answer's citations whose paper is a gold one."""

    name: str = "citation_precision"

    def score(self, question: Question, answer: Answer) -> Score:
        """Count citations, one paper cited twice counting twice."""
        cited = _cited(answer)
        if not question.gold or _abstained(answer) or not cited:
            return Score(value=None, reason="no gold paper, or nothing cited")
        right = sum(key in question.gold_keys for key in cited)
        return Score(value=right / len(cited), reason=f"{right} of {len(cited)} citations")


@dataclass(frozen=True, kw_only=True)
class CitationRecall:
    """The share of the gold papers that an answer cites."""

    name: str = "citation_recall"

    def score(self, question: Question, answer: Answer) -> Score:
        """Count gold papers."""
        gold = question.gold_keys
        if not gold or _abstained(answer):
            return Score(value=None, reason="no gold paper, or abstained")
        found = gold & set(_cited(answer))
        return Score(value=len(found) / len(gold), reason=f"{len(found)} of {len(gold)} papers")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The share of the required facts that an answer states in one of their wordings."""

    name: str = "facts"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look for each fact; an abstention states none, whichever titles it names."""
        facts = question.must_include
        if not facts:
            return Score(value=None, reason="no fact required")
        if _abstained(answer):
            return Score(value=0.0, reason="abstained")
        text = _text(answer)
        missing = [fact for fact in facts if not any(contains(text, phrase) for phrase in fact)]
        reason = f"missing: {'; '.join(fact[0] for fact in missing)}" if missing else "all stated"
        return Score(value=1 - len(missing) / len(facts), reason=reason)


@dataclass(frozen=True, kw_only=True)
class AllFacts:
    """Whether an answer states every required fact."""

    name: str = "all_facts"

    def score(self, question: Question, answer: Answer) -> Score:
        """Ask whether the share is 1."""
        share = Facts().score(question, answer)
        value = None if share.value is None else float(share.value == 1)
        return Score(value=value, reason=share.reason)


@dataclass(frozen=True, kw_only=True)
class Violations:
    """Whether an answer states what it must not."""

    name: str = "violations"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look for each forbidden phrase."""
        if not question.must_not_include or _abstained(answer):
            return Score(value=None, reason="nothing forbidden, or abstained")
        text = _text(answer)
        stated = [phrase for phrase in question.must_not_include if contains(text, phrase)]
        return Score(value=float(bool(stated)), reason=f"states: {'; '.join(stated) or 'none'}")


@dataclass(frozen=True, kw_only=True)
class RightAbstention:
    """Whether a question that the papers don't answer is declined."""

    name: str = "abstention_recall"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look at the status."""
        if question.answerable:
            return Score(value=None, reason="answerable")
        return Score(value=float(_abstained(answer)), reason=answer["status"])


@dataclass(frozen=True, kw_only=True)
class WrongAbstention:
    """Whether a question that the papers do answer is declined."""

    name: str = "wrong_abstention"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look at the status."""
        if not question.answerable:
            return Score(value=None, reason="unanswerable")
        return Score(value=float(_abstained(answer)), reason=answer["status"])


@dataclass(frozen=True, kw_only=True)
class Words:
    """The length of an answer in words."""

    name: str = "words"

    def score(self, _question: Question, answer: Answer) -> Score:
        """Count what stands between spaces, without citation marks."""
        if _abstained(answer):
            return Score(value=None, reason="abstained")
        return Score(value=float(len(_text(answer).split())))


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """The time from question to whole answer, in seconds."""

    name: str = "seconds"

    def score(self, _question: Question, answer: Answer) -> Score:
        """Read the answer's own clock."""
        return Score(value=float(answer["seconds"]["total"]))


SCORERS: tuple[Scorer, ...] = (
    HitAt(k=1),
    HitAt(k=5),
    ReciprocalRank(),
    CitationPrecision(),
    CitationRecall(),
    Facts(),
    AllFacts(),
    Violations(),
    RightAbstention(),
    WrongAbstention(),
    Words(),
    Seconds(),
)


def score_case(question: Question, case: Case) -> dict[str, Score]:
    """Return every metric's score by name; none where there is no answer."""
    if case.answer is None:
        return {one.name: Score(value=None, reason=f"error: {case.error}") for one in SCORERS}
    return {one.name: one.score(question, case.answer) for one in SCORERS}


def _ranked(answer: Answer) -> list[str]:
    return [title_key(hit["title"]) for hit in answer["trace"]["hits"]]


def _cited(answer: Answer) -> list[str]:
    return [title_key(citation["paper"]["title"]) for citation in answer["citations"]]


def _abstained(answer: Answer) -> bool:
    return bool(answer["status"] == "abstained")


def _text(answer: Answer) -> str:
    return without_marks(answer["text"])
