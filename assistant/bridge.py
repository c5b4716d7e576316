"""Run the assistant's blocking work beside the event loop, within a time limit."""

import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Generic, Self, TypeVar

import anyio

from assistant.cancellation import Cancellation
from assistant.errors import AssistantError, RequestTimeoutError
from assistant.types import Answer, AnswerEvent, Event

T = TypeVar("T")


async def run(work: Callable[[], T], seconds: float) -> T:
    """Return what `work` returns, run in a thread.

    Raises:
        RequestTimeoutError: it takes longer; the thread's result is then lost.
    """
    with _within(seconds, seconds):
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


class Work(Generic[T]):
    """Events of blocking work, each made in a thread, within a time limit for all of them.

    Iterate in an `async with`: who leaves it early, or is cancelled, stops the work at once, and
    with it the model that it waits for.
    """

    def __init__(self, events: Callable[[Cancellation], Iterator[T]], seconds: float) -> None:
        """Take what makes the events, given the wish to stop that it is to hear."""
        self._cancellation = Cancellation()
        self._steps = _Steps(events(self._cancellation))
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._first: tuple[T, ...] | None = None

    async def begin(self) -> None:
        """Wait for the first event: what is wrong with a question shows there.

        Raises:
            RequestTimeoutError: it takes longer than the limit.
        """
        try:
            self._first = await self._step()
        except BaseException:
            self._leave()
            raise

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop what hasn't ended."""
        self._leave()

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield the events.

        Raises:
            RequestTimeoutError: they take longer than the limit.
        """
        found = await self._step() if self._first is None else self._first
        while found:
            yield found[0]
            found = await self._step()

    async def _step(self) -> tuple[T, ...]:
        with _within(self._until - time.monotonic(), self._seconds):
            return await anyio.to_thread.run_sync(self._steps.next, abandon_on_cancel=True)

    def _leave(self) -> None:
        if not self._steps.ended:
            self._cancellation.cancel()
            threading.Thread(target=self._steps.close, daemon=True).start()


async def answer_of(work: Work[Event]) -> Answer:
    """Return the answer that the events end in.

    Raises:
        RequestTimeoutError: it takes longer than the limit.
    """
    async with work:
        async for event in work:
            if isinstance(event, AnswerEvent):
                return event.answer
    raise AssistantError("No answer came; run 'assistant doctor'.")


class _Steps(Generic[T]):
    """An iterator that one thread advances and another may give up."""

    def __init__(self, events: Iterator[T]) -> None:
        self._events = events
        self._lock = threading.Lock()
        self.ended = False

    def next(self) -> tuple[T, ...]:
        """Return the next event alone in a tuple; an empty one at the end."""
        with self._lock:
            for event in () if self.ended else self._events:
                return (event,)
            self.ended = True
            return ()

    def close(self) -> None:
        """Close the iterator, as soon as its present step is done."""
        with self._lock:
            self.ended = True
            if isinstance(self._events, Generator):
                self._events.close()


@contextmanager
def _within(left: float, seconds: float) -> Iterator[None]:
    """Limit what is awaited to the seconds that are left of `seconds`."""
    try:
        with anyio.fail_after(max(0.0, left)):
            yield
    except TimeoutError as error:
        raise RequestTimeoutError(
            f"There was no whole answer within {seconds:g} seconds; ask for less, choose a faster "
            "model, or raise ASSISTANT_REQUEST_TIMEOUT on the server."
        ) from error
