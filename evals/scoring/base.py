"""What every scorer takes and gives; a value of None is "not scored", which is not zero.

Answers come as `Answer.to_dict()` gives them, so that saved ones can be scored again; what an
older one doesn't hold isn't scored. Papers are compared by `title_key`, since ids differ
between libraries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from assistant.text.cleaning import title_key
from evals.matching import without_marks
from evals.questions import Question

Answer = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A value, and why it is what it is."""

    value: float | None
    reason: str = ""


Scores = Mapping[str, Score]
"""Every metric's score of one answer, by name."""


class Scorer(Protocol):
    """Measures one thing."""

    @property
    def name(self) -> str:
        """What logs and tables call the metric."""

    def score(self, question: Question, answer: Answer, /) -> Score:
        """Return the value for one answer."""


def share(found: int, total: int, what: str) -> Score:
    """Return the share found, and in words of how many."""
    return Score(value=found / total, reason=f"{found} of {total} {what}")


def unscored(reason: str) -> Score:
    """Return that there is no value, and why."""
    return Score(value=None, reason=reason)


def abstained(answer: Answer) -> bool:
    """Whether the answer declines."""
    return bool(answer["status"] == "abstained")


def shown_text(answer: Answer) -> str:
    """Return the text without its citation marks."""
    return without_marks(answer["text"])


def cited_papers(answer: Answer) -> list[str]:
    """Return the title key of each citation's paper."""
    return [title_key(citation["paper"]["title"]) for citation in answer["citations"]]
