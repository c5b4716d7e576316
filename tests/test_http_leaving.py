"""A client that leaves stops what is worked on for it, down to the request to the model."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import anyio
import pytest
from mcp import Client

from assistant.app import Assistant
from assistant.bridge import Work
from assistant.cancellation import Cancellation
from assistant.errors import RequestTimeoutError
from assistant.http.guards import Limits
from assistant.mcp.server import tools
from tests.fakes import FakeServer, says, waits_until_left
from tests.http_service import fetch, serving

QUESTION = "How many weights of a ResNet-50 does TwigNet remove?"
ASK = {"question": QUESTION}
COMPLETE = {"model": "abstract-assistant", "messages": [{"role": "user", "content": QUESTION}]}
ONE = Limits(at_once=1, waiting=0)
PATIENCE = 120.0
SOON = 20.0
"""Seconds, far less than the time limits of the model and of the request."""


@pytest.fixture
def asking(online: Callable[..., Assistant]) -> Assistant:
    """Return an assistant that waits long for its model."""
    return online(answer_timeout=PATIENCE)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("path", "body"), [("/ask", ASK), ("/v1/chat/completions", COMPLETE)])
def test_a_client_that_leaves_stops_the_model(
    path: str, body: dict[str, object], stream: bool, asking: Assistant, server: FakeServer
) -> None:
    server.will(waits_until_left, says("It removes 92% of the weights of a ResNet-50 [1]."))
    with serving(asking, ONE) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
        text = json.dumps({**body, "stream": stream})
        connection.request("POST", path, text, {"Content-Type": "application/json"})
        if stream:
            reply = connection.getresponse()
            assert reply.read(1)
            reply.close()
        assert server.asked.wait(PATIENCE)
        assert not server.left.is_set()
        since = time.monotonic()
        connection.close()
        assert server.left.wait(SOON)
        # And its place is free for another: with one place, and none to wait, else it were refused.
        while (asked := fetch(f"{address}{path}", body))[0] == 429:
            assert time.monotonic() < since + SOON
        assert asked[0] == 200
    assert len(server.bodies) == 2


def test_work_beyond_its_limit_is_told_to_stop() -> None:
    stopped = threading.Event()

    def endless(running: Cancellation) -> Iterator[int]:
        yield 1
        with running.telling(stopped.set):
            stopped.wait(PATIENCE)
        running.check()

    async def main() -> list[int]:
        async with Work(endless, seconds=0.3) as work:
            return [one async for one in work]

    with pytest.raises(RequestTimeoutError, match=r"within 0\.3 seconds"):
        anyio.run(main)
    assert stopped.wait(SOON)


def test_work_that_ended_is_not_cancelled() -> None:
    wishes: list[Cancellation] = []

    def short(running: Cancellation) -> Iterator[int]:
        wishes.append(running)
        yield from (1, 2)

    async def main() -> list[int]:
        work = Work(short, seconds=PATIENCE)
        await work.begin()
        async with work:
            return [one async for one in work]

    assert anyio.run(main) == [1, 2]
    assert not wishes[0].is_wished


def test_a_tool_call_that_is_given_up_stops_the_model(
    asking: Assistant, server: FakeServer
) -> None:
    server.will(waits_until_left)

    async def main() -> None:
        async with Client(tools(asking)) as client, anyio.create_task_group() as calls:
            calls.start_soon(client.call_tool, "ask", ASK)
            assert await anyio.to_thread.run_sync(server.asked.wait, PATIENCE)
            calls.cancel_scope.cancel()

    anyio.run(main)
    assert server.left.wait(SOON)
