"""Puts questions to the assistant; what goes wrong is recorded with the question."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

from assistant.types import Message
from evals.questions import Question

Done = TypeVar("Done")


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
    """What became of one question: an answer, or the error in its place; wall seconds.

    `verdict` is a judge's, where one was asked whether the answer states the reference.
    """

    id: str
    answer: Mapping[str, Any] | None
    error: str
    seconds: float
    verdict: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return every field ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Case":
        """Rebuild a case from a record that may say more."""
        fields = cls.__dataclass_fields__
        return cls(**{name: value for name, value in record.items() if name in fields})


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


def at_once(
    jobs: int, work: Callable[[Question], Done], questions: Iterable[Question]
) -> Generator[Done, None, None]:
    """Yield what `work` makes of each question as soon as it is there, `jobs` at a time.

    Where the reader stops early, as at Ctrl-C, no further one is begun, and those under way
    are waited for. With one job all is done in the reader's own thread.
    """
    if jobs == 1:
        yield from map(work, questions)
        return
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="question")
    try:
        for future in as_completed([pool.submit(work, question) for question in questions]):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
