"""Whether the sentences that hold the answer are read, and cited."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assistant.text.cleaning import title_key
from evals.matching import contains
from evals.questions import Question
from evals.scoring.base import Answer, Score, abstained, share, unscored

NO_SOURCE = "no source named"


@dataclass(frozen=True, kw_only=True)
class EvidenceRecall:
    """The share of a question's sources that are among the sentences the model could read."""

    name: str = "evidence_recall"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look for each source's words in one sentence of its paper."""
        if not question.evidence:
            return unscored(NO_SOURCE)
        if "evidence" not in answer:
            return unscored("the log holds no evidence")
        return _recall(question, answer["evidence"])


@dataclass(frozen=True, kw_only=True)
class CitedEvidenceRecall:
    """The share of a question's sources that are among the sentences an answer cites."""

    name: str = "cited_evidence_recall"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look for each source's words in one cited sentence of its paper."""
        if not question.evidence:
            return unscored(NO_SOURCE)
        if abstained(answer):
            return unscored("abstained")
        if any("sentence" not in one for one in answer["citations"]):
            return unscored("the log holds no cited sentences")
        return _recall(question, answer["citations"])


def _recall(question: Question, sentences: Iterable[Mapping[str, Any]]) -> Score:
    """Return the share of the sources that stand in one of the sentences, of the same paper."""
    texts: dict[str, list[str]] = {}
    for one in sentences:
        texts.setdefault(title_key(one["paper"]["title"]), []).append(one["sentence"])
    found = sum(
        any(
            all(contains(text, phrase) for phrase in source.find)
            for text in texts.get(title_key(source.paper), ())
        )
        for source in question.evidence
    )
    return share(found, len(question.evidence), "sources")
