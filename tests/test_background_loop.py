"""Calls in a loop of their own: what they began to read is closed in it, however they end."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator

import pytest

from assistant.adapters.background_loop import BackgroundLoop
from assistant.cancellation import Cancellation
from assistant.errors import CancelledError

Pieces = Generator[str, None, None]
LONG = 30.0


class Wire:
    """A stream within a stream, as clients nest them; none of them closes the other."""

    def __init__(self) -> None:
        self.closed: dict[str, str] = {}

    async def lines(self) -> AsyncIterator[str]:
        try:
            async for chunk in self.chunks():
                yield chunk
        finally:
            await self._close("lines")

    async def chunks(self) -> AsyncIterator[str]:
        try:
            while True:
                yield "a chunk"
                await asyncio.sleep(0.001)
        finally:
            await self._close("chunks")

    async def _close(self, what: str) -> None:
        await asyncio.sleep(0.01)  # A goodbye to the server takes its time.
        self.closed[what] = threading.current_thread().name

    async def read(self, put: Callable[[str], None]) -> None:
        async for line in self.lines():
            put(line)

    async def fail(self, put: Callable[[str], None]) -> None:
        async for line in self.lines():
            put(line)
            raise ValueError("not a line")


async def farewell() -> None:
    """Have nothing else to close."""


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    loop = BackgroundLoop(farewell)
    yield loop
    loop.end()


ALL = {"chunks": "model-calls", "lines": "model-calls"}


def test_an_error_comes_after_all_is_closed(wire: Wire, loop: BackgroundLoop) -> None:
    with pytest.raises(ValueError, match="not a line"):
        list(loop.pieces(wire.fail, LONG, Cancellation()))
    assert wire.closed == ALL


def test_a_time_limit_comes_after_all_is_closed(wire: Wire, loop: BackgroundLoop) -> None:
    with pytest.raises(TimeoutError):
        list(loop.pieces(wire.read, 0.1, Cancellation()))
    assert wire.closed == ALL


def closed_early(pieces: Pieces, cancellation: Cancellation) -> None:
    pieces.close()


def cancelled(pieces: Pieces, cancellation: Cancellation) -> None:
    cancellation.cancel()
    with pytest.raises(CancelledError):
        list(pieces)


def collected(pieces: Pieces, cancellation: Cancellation) -> None:
    """Do nothing: the caller lets go of it."""


@pytest.mark.parametrize("leave", [closed_early, cancelled, collected])
def test_a_loop_ends_after_all_is_closed(
    leave: Callable[[Pieces, Cancellation], None], wire: Wire, loop: BackgroundLoop
) -> None:
    cancellation = Cancellation()
    pieces = loop.pieces(wire.read, LONG, cancellation)
    assert next(pieces) == "a chunk"
    leave(pieces, cancellation)
    del pieces
    loop.end()
    assert wire.closed == ALL


def test_a_loop_that_ends_while_it_reads_closes_all(wire: Wire, loop: BackgroundLoop) -> None:
    pieces = loop.pieces(wire.read, LONG, Cancellation())
    assert next(pieces) == "a chunk"
    loop.end()
    assert wire.closed == ALL
    pieces.close()


def test_an_error_of_the_closing_does_not_hide_the_result(loop: BackgroundLoop) -> None:
    async def broken() -> AsyncIterator[str]:
        try:
            yield "a line"
        finally:
            raise OSError("the connection is gone")

    async def read(put: Callable[[str], None]) -> str:
        async for line in broken():
            put(line)
            break
        return "stop"

    def drain() -> Pieces:
        ended.append((yield from loop.pieces(read, LONG, Cancellation())))

    ended: list[str] = []
    assert list(drain()) == ["a line"]
    assert ended == ["stop"]


def test_calls_at_once_close_only_their_own(wire: Wire, loop: BackgroundLoop) -> None:
    going_on = loop.pieces(wire.read, LONG, Cancellation())
    assert next(going_on) == "a chunk"

    async def one() -> str:
        return "whole"

    assert loop.result(one(), LONG, Cancellation()) == "whole"
    assert next(going_on) == "a chunk"
    assert wire.closed == {}
    going_on.close()
