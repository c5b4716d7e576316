"""Puts questions to the assistant; what goes wrong is recorded with the question."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from assistant.types import Message
from evals.questions import Question


class Answered(Protocol):
    """What an assistant returns."""

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain data."""


class Ask(Protocol):
    """What answers a question: `Assistant.ask`."""

    def __call__(
        self, question: str, history: Sequence[Message], /, *, where: str | None
    ) -> Answered:
        """Return the answer; `where` says which papers may be read, None all."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What became of one question: an answer, or the error in its place; wall seconds."""

    id: str
    answer: Mapping[str, Any] | None
    error: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return every field ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Case":
        """Rebuild a case from a record that may say more."""
        return cls(**{name: record[name] for name in cls.__dataclass_fields__})


def solve(question: Question, ask: Ask) -> Case:
    """Ask one question."""
    began = time.perf_counter()
    answer, error = None, ""
    try:
        where = question.where or None
        answer = ask(question.question, question.history, where=where).to_dict()
    except Exception as fault:  # noqa: BLE001  One question's failure must not cost the others.
        error = f"{type(fault).__name__}: {fault}"
    seconds = round(time.perf_counter() - began, 4)
    return Case(id=question.id, answer=answer, error=error, seconds=seconds)


def solve_all(questions: Iterable[Question], ask: Ask) -> Iterator[Case]:
    """Yield a case for each question, as soon as it is there."""
    for question in questions:
        yield solve(question, ask)
