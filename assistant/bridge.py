"""Run the assistant's blocking work beside the event loop, within a time limit."""

import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import anyio

from assistant.errors import RequestTimeoutError

T = TypeVar("T")


async def run(work: Callable[[], T], seconds: float) -> T:
    """Return what `work` returns, run in a thread.

    Raises:
        RequestTimeoutError: it takes longer; the thread's result is then lost.
    """
    try:
        with anyio.fail_after(seconds):
            return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
    except TimeoutError as error:
        raise _too_slow(seconds) from error


@asynccontextmanager
async def stepped(events: Iterator[T], seconds: float) -> AsyncIterator[AsyncIterator[T]]:
    """Give the events of an iterator, each made in a thread; leaving early closes the iterator.

    `seconds` is the limit for all of them together.

    Raises:
        RequestTimeoutError: they take longer.
    """
    steps = _Steps(events)
    until = time.monotonic() + seconds

    async def each() -> AsyncIterator[T]:
        while True:
            try:
                with anyio.fail_after(max(0.0, until - time.monotonic())):
                    found = await anyio.to_thread.run_sync(steps.next, abandon_on_cancel=True)
            except TimeoutError as error:
                raise _too_slow(seconds) from error
            if not found:
                return
            yield found[0]

    try:
        yield each()
    finally:
        steps.leave()


class _Steps(Generic[T]):
    """An iterator that one thread advances and another may give up."""

    def __init__(self, events: Iterator[T]) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._ended = False

    def next(self) -> tuple[T, ...]:
        """Return the next event alone in a tuple; an empty one at the end."""
        with self._lock:
            for event in () if self._ended else self._events:
                return (event,)
            self._ended = True
            return ()

    def leave(self) -> None:
        """Close the iterator, as soon as its present step is done."""
        if not self._ended:
            threading.Thread(target=self._close, daemon=True).start()

    def _close(self) -> None:
        with self._lock:
            self._ended = True
            if isinstance(self._events, Generator):
                self._events.close()


def _too_slow(seconds: float) -> RequestTimeoutError:
    return RequestTimeoutError(
        f"There was no whole answer within {seconds:g} seconds; ask for less, choose a faster "
        "model, or raise ASSISTANT_REQUEST_TIMEOUT on the server."
    )
