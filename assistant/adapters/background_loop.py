"""An event loop in a thread of its own, for calls that can be cut off at any instant.

A blocking client can't be stopped while it waits for a server: a model would go on reading for
nobody. A task can; its connection closes, which servers, the local one too, take as "stop".
"""

import asyncio
import queue
import sys
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from concurrent.futures import CancelledError as FutureCancelledError
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

from assistant.cancellation import Cancellation

Result = TypeVar("Result")
FAREWELL_SECONDS = 2.0
# What a call closes at its end.
_begun: ContextVar[AsyncExitStack] = ContextVar("begun")


class BackgroundLoop:
    """Starts with its first call, and ends when nobody holds it any more, or the program ends."""

    def __init__(self, farewell: Callable[[], Awaitable[None]]) -> None:
        """Take what is to be closed in the loop at its end; it must not refer to this object."""
        self._farewell = farewell
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._finish: Callable[[], object] | None = None

    def pieces(
        self,
        read: Callable[[Callable[[str], None]], Coroutine[Any, Any, Result]],
        seconds: float,
        cancellation: Cancellation,
    ) -> Generator[str, None, Result]:
        """Yield what `read` gives to the function it is called with; return what it returns.

        Left early, or cancelled by another thread, it stops `read` where it waits.

        Raises:
            TimeoutError: `read` takes longer than `seconds` over all.
            CancelledError: it was cancelled.
        """
        arrived: queue.SimpleQueue[tuple[str] | None] = queue.SimpleQueue()
        working = self._submit(_within(read(lambda piece: arrived.put((piece,))), seconds))
        working.add_done_callback(lambda _done: arrived.put(None))
        try:
            with cancellation.telling(working.cancel):
                while (piece := arrived.get()) is not None:
                    yield piece[0]
            return _result(working, cancellation)
        finally:
            working.cancel()

    def result(
        self, work: Coroutine[Any, Any, Result], seconds: float, cancellation: Cancellation
    ) -> Result:
        """Return what the work returns.

        Raises:
            TimeoutError: it takes longer than `seconds`.
            CancelledError: it was cancelled.
        """
        working = self._submit(_within(work, seconds))
        try:
            with cancellation.telling(working.cancel):
                return _result(working, cancellation)
        finally:
            working.cancel()

    def end(self) -> None:
        """Cut off what still runs, and close what it holds; the next call begins anew."""
        with self._lock:
            finish, self._finish, self._loop = self._finish, None, None
        if finish is not None:
            finish()

    def _submit(self, work: Coroutine[Any, Any, Result]) -> "Future[Result]":
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=_run, args=(self._loop, self._farewell), daemon=True, name="model-calls"
                )
                thread.start()
                self._finish = weakref.finalize(self, _end, self._loop, thread)
        return asyncio.run_coroutine_threadsafe(work, self._loop)


async def _within(work: Coroutine[Any, Any, Result], seconds: float) -> Result:
    """Return what the work returns; every async generator that it began is closed by then.

    A client leaves some half read: after an error, and after each stream's last event. Those that
    an error's frames hold would be freed by the collector, at any time and in any thread, while
    this one closes them.
    """
    async with AsyncExitStack() as begun:
        _begun.set(begun)
        async with asyncio.timeout(seconds):
            return await work


def _note_generators() -> None:
    """Have each async generator of this thread noted where the call that begins it finds it."""
    told = sys.get_asyncgen_hooks().firstiter

    def begins(generator: AsyncGenerator[Any, None]) -> None:
        if told is not None:
            told(generator)
        if begun := _begun.get(None):
            begun.push_async_callback(_close, generator)

    sys.set_asyncgen_hooks(firstiter=begins)


async def _close(generator: AsyncGenerator[Any, None]) -> None:
    with suppress(Exception):  # What was read, or why it wasn't, is known: this adds nothing.
        await generator.aclose()


def _result(working: "Future[Result]", cancellation: Cancellation) -> Result:
    try:
        return working.result()
    except FutureCancelledError:
        cancellation.check()
        raise


def _run(loop: asyncio.AbstractEventLoop, farewell: Callable[[], Awaitable[None]]) -> None:
    """Run the loop until it is stopped, then end what is left in it."""

    async def tidy() -> None:
        tasks = asyncio.all_tasks(loop) - {asyncio.current_task()}
        for task in tasks:
            if not task.cancelling():  # Told a second time, it would leave its closing unfinished.
                task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), FAREWELL_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(farewell(), FAREWELL_SECONDS)

    asyncio.set_event_loop(loop)
    try:
        loop.call_soon(_note_generators)  # The loop sets its own hooks when it starts.
        loop.run_forever()
        loop.run_until_complete(tidy())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    with suppress(RuntimeError):  # It has ended already.
        loop.call_soon_threadsafe(loop.stop)
    if thread is not threading.current_thread():
        thread.join(2 * FAREWELL_SECONDS)
