"""The tools, called by the official client: over standard input and output, and over HTTP."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from assistant.app import Assistant
from assistant.errors import SettingsError
from assistant.mcp import server as mcp_server
from tests.http_service import fetch, serving
from tests.samples import HIVE, TWIGNET

ROOT = Path(__file__).resolve().parents[1]
QUESTION = {"question": "How many bees were tracked in fog?"}
TOKEN = "a long and random word"


async def use(client: Client) -> dict[str, Any]:
    """Call every tool, rightly and wrongly; return what came."""
    listed = await client.list_tools()
    calls = {
        "answer": ("ask", QUESTION),
        "filtered": ("ask", {**QUESTION, "where": "year>2020"}),
        "found": ("search_papers", {"query": "pruning at initialization", "limit": 1}),
        "paper": ("get_paper", {"paper_id": HIVE.id}),
        "unknown": ("get_paper", {"paper_id": "nothing"}),
        "unreadable": ("search_papers", {"query": "bees", "where": "colour:red"}),
        "endless": ("ask", {"question": "x" * 5_000}),
    }
    made: dict[str, Any] = {"tools": listed.tools}
    for name, (tool, arguments) in calls.items():
        made[name] = await client.call_tool(tool, arguments)
    return made


def check(made: dict[str, Any]) -> None:
    assert {tool.name for tool in made["tools"]} == {"ask", "search_papers", "get_paper"}
    assert all(tool.description and tool.annotations.read_only_hint for tool in made["tools"])
    answer = made["answer"]
    assert "240 bees" in answer.content[0].text
    assert "[1] How Honeybees Find Home in Fog" in answer.content[0].text
    cited = answer.structured_content["citations"][0]
    assert cited["paper"]["id"] == HIVE.id
    assert HIVE.abstract[cited["start"] : cited["end"]] == cited["sentence"]
    assert "240 bees" not in made["filtered"].content[0].text
    results = made["found"].structured_content["results"]
    assert [row["paper"]["id"] for row in results] == [TWIGNET.id]
    assert made["paper"].structured_content["abstract"] == HIVE.abstract
    for name, words in (
        ("unknown", "search_papers gives the ids"),
        ("unreadable", "Fields are year"),
        ("endless", "at most 4000 characters"),
    ):
        assert made[name].is_error
        assert words in made[name].content[0].text
        assert "Traceback" not in made[name].content[0].text


def test_over_standard_input_and_output(sample_home: Path, models_folder: Path) -> None:
    import os
    import sys

    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "ASSISTANT_HOME": str(sample_home),
        "ASSISTANT_MODELS": str(models_folder),
        "ASSISTANT_MODEL": "extractive",
        "ASSISTANT_OFFLINE": "1",
    }
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "assistant", "mcp"], env=environ
    )

    async def main() -> dict[str, Any]:
        async with Client(stdio_client(command)) as client:
            return await use(client)

    check(anyio.run(main))


def test_over_http_with_a_token(quoting: Callable[..., Assistant]) -> None:
    async def main(address: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=200) as http,
            Client(streamable_http_client(f"{address}/mcp", http_client=http)) as client,
        ):
            return await use(client)

    with serving(quoting(token=TOKEN)) as address:
        check(anyio.run(main, address))
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        accept = "application/json, text/event-stream"
        assert fetch(f"{address}/mcp", body, Accept=accept)[0] == 401
        status, _, _ = fetch(
            f"{address}/mcp",
            body,
            Accept=accept,
            Authorization=f"Bearer {TOKEN}",
            Origin="https://evil.example",
        )
        assert status == 403


def test_without_the_extra_the_command_names_it(
    quoting: Callable[..., Assistant], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(SettingsError, match=r"pip install 'abstract-assistant\[mcp\]'"):
        mcp_server.serve_stdio(quoting())
