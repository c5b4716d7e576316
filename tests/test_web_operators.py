"""Only who runs the page says where questions are sent: others can't make the server call."""

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from assistant.app import Assistant
from assistant.web.access import Operators, operators
from assistant.web.page import page
from assistant.web.server import LOOPBACK
from assistant.web.settings_tab import NOT_YOURS
from tests.fakes import FakeServer, says

HERE = LOOPBACK[0]
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_the_operator_is_the_first_user_or_who_sits_at_the_machine() -> None:
    assert operators(HERE, LOOPBACK, (), "").admit("")
    assert not operators(HERE, LOOPBACK, (), "a-token").admit("")
    assert not operators("0.0.0.0", LOOPBACK, (), "").admit("")
    first = operators("0.0.0.0", LOOPBACK, ("ann", "bob"), "")
    assert first.admit("ann")
    assert not first.admit("bob")
    assert not first.admit("")


@pytest.fixture(autouse=True)
def event_loops() -> Iterator[None]:
    """Take away the event loops that Gradio makes for a page's locks, and never closes."""
    yield
    asyncio.set_event_loop(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def handler(blocks: gr.Blocks, name: str) -> Callable[..., Any]:
    """Return the settings tab's function of this name."""
    [found] = [
        one.fn
        for one in blocks.fns.values()
        if getattr(one.fn, "__qualname__", "").endswith(f"settings_tab.<locals>.{name}")
    ]
    assert found is not None
    return found


@pytest.mark.parametrize("user", ["bob", "", None])
def test_others_can_neither_test_nor_apply_an_address(
    quoting: Callable[..., Assistant], server: FakeServer, user: str | None
) -> None:
    assistant = quoting()
    blocks = page(assistant, Operators(user="ann"))
    form = ("openai", "m", server.address, "k", False, "strict", 6, 110)
    request = gr.Request(username=user)
    before = replace(assistant.settings)
    assert NOT_YOURS in handler(blocks, "tested")(request, *form)
    assert NOT_YOURS in handler(blocks, "applied")(request, True, *form)[0]
    assert assistant.settings == before
    assert not (assistant.settings.home / "settings.env").exists()
    assert server.paths == []
    assert NOT_YOURS in handler(blocks, "hint")(request)


def test_the_operator_can(quoting: Callable[..., Assistant], server: FakeServer) -> None:
    assistant = quoting()
    blocks = page(assistant, Operators(user="ann"))
    form = ("openai", "m", server.address, "k", False, "strict", 6, 110)
    request = gr.Request(username="ann")
    server.will(says("ready"))
    assert "It works" in handler(blocks, "tested")(request, *form)
    assert server.paths
    handler(blocks, "applied")(request, False, *form)
    assert assistant.settings.openai_base_url == server.address
    assert handler(blocks, "hint")(request) == ""
