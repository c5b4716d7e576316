"""Questions from code that runs in an event loop: the same chain, in threads of the loop's."""

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from typing import TypeVar

from assistant.cancellation import Cancellation

Item = TypeVar("Item")


async def beside(
    items: Callable[[Cancellation], Iterator[Item]], leave: Callable[[], None]
) -> AsyncGenerator[Item, None]:
    """Yield the items as a thread of the running loop's pool produces them.

    Where the reader stops, or its task is cancelled, the thread is told to stop, and with it
    the model that it waits for. `leave` is called in the thread at its end.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[tuple[Item] | None] = asyncio.Queue()
    cancellation = Cancellation()

    def tell(item: tuple[Item] | None) -> None:
        with suppress(RuntimeError):  # The loop has ended, and with it who wanted to know.
            loop.call_soon_threadsafe(arrived.put_nowait, item)

    def work() -> None:
        try:
            for item in items(cancellation):
                tell((item,))
        finally:
            leave()
            tell(None)

    # With the caller's context, in which its spans are.
    working = loop.run_in_executor(None, contextvars.copy_context().run, work)
    # An error that comes after the reader has left is nobody's any more.
    working.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        while (item := await arrived.get()) is not None:
            yield item[0]
        await working
    finally:
        cancellation.cancel()
