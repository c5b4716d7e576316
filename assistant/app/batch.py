"""Many questions at once, no more than so many at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from assistant.app.turns import Turn, Where
from assistant.cancellation import Cancellation
from assistant.errors import AssistantError
from assistant.types import Answer

if TYPE_CHECKING:
    from concurrent.futures import Future

AT_ONCE = 4
Asked = TypeVar("Asked")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question of a batch, where it is more than a text; `where` goes before the batch's."""

    text: str
    history: tuple[Turn, ...] = ()
    where: Where = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a question of a batch: its answer, or else the error that kept it back."""

    question: Question
    answer: Answer | None = None
    error: AssistantError | None = None


def in_order(
    ask: Callable[[Asked, Cancellation], Result],
    questions: Iterable[Asked],
    at_once: int,
    cancellation: Cancellation | None = None,
) -> Iterator[Result]:
    """Yield what `ask` returns for each question, in their order, `at_once` asked at a time.

    Questions are taken from the iterable as places come free, so that it may be endless. A
    reader that leaves early cancels what is being asked.
    """
    from concurrent.futures import ThreadPoolExecutor

    own = Cancellation()
    waiting: deque[Future[Result]] = deque()
    with (
        cancellation.telling(own.cancel) if cancellation else nullcontext(),
        ThreadPoolExecutor(at_once, thread_name_prefix="assistant-batch") as pool,
    ):
        try:
            for question in questions:
                waiting.append(pool.submit(ask, question, own))
                while waiting and (len(waiting) > at_once or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            own.cancel()
            for one in waiting:
                one.cancel()
