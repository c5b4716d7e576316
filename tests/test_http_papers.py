"""The plain endpoints, what the service refuses, and how it starts and ends."""

import asyncio
import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from assistant.app import Assistant
from assistant.errors import SettingsError
from assistant.http.guards import Guard, Limits
from assistant.http.server import serve
from tests.fakes import FakeServer, hangs
from tests.http_service import fetch, serving
from tests.samples import HIVE, SAMPLE

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "a long and random word"
QUESTION = {"question": "How many bees were tracked in fog?"}


@contextmanager
def commanded(
    home: Path, models: Path, *arguments: str, **environ: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `assistant serve` over a home that is there; yield its address and its process."""
    own = {"PYTHONPATH": str(ROOT), "ASSISTANT_HOME": str(home), "ASSISTANT_MODELS": str(models)}
    own |= {"ASSISTANT_MODEL": "extractive", "ASSISTANT_OFFLINE": "1", **environ}
    with subprocess.Popen(
        [sys.executable, "-m", "assistant", "serve", "--port", "0", *arguments],
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://[\w.]+:\d+", process.stdout.readline())
            assert found
            yield found.group(), process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def address(sample_home: Path, models_folder: Path) -> Iterator[str]:
    options: dict[str, Any] = {"home": sample_home, "models": models_folder, "offline": True}
    with Assistant(model="extractive", **options) as assistant, serving(assistant) as found:
        yield found


def test_ask_gives_what_the_command_prints(address: str, quoting: Callable[..., Assistant]) -> None:
    status, headers, answer = fetch(f"{address}/ask", QUESTION)
    assert status == 200
    assert headers["content-type"] == "application/json"
    expected = json.loads(quoting().ask(QUESTION["question"]).to_json())
    assert answer.keys() == expected.keys()
    assert answer["citations"] == expected["citations"]


def test_ask_streams_stages_text_and_the_answer(address: str) -> None:
    _, headers, text = fetch(f"{address}/ask", {**QUESTION, "stream": True})
    assert headers["content-type"].startswith("text/event-stream")
    events = re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)
    kinds = [kind for kind, _ in events]
    assert kinds[0] == "stage"
    assert kinds[-1] == "answer"
    said = "".join(json.loads(data)["text"] for kind, data in events if kind == "text")
    assert said == json.loads(events[-1][1])["text"]


def test_ask_takes_history_and_a_filter(address: str) -> None:
    turns = [
        {"role": "user", "content": "How did honeybees find home in fog?"},
        {"role": "assistant", "content": "They followed hedges."},
    ]
    body = {"question": "How many of them were tracked?", "history": turns}
    assert "240 bees" in fetch(f"{address}/ask", body)[2]["text"]
    assert "240 bees" not in fetch(f"{address}/ask", {**body, "where": "year>2020"})[2]["text"]


def test_search_ranks_papers(address: str) -> None:
    status, _, found = fetch(f"{address}/search?q=bees+in+fog&k=1")
    assert status == 200
    assert [row["paper"]["id"] for row in found["results"]] == [HIVE.id]
    assert set(found["results"][0]) == {"rank", "score", "scores", "paper", "passage"}


def test_papers_come_in_parts_and_one_by_one(address: str) -> None:
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        _, _, part = fetch(f"{address}/papers?limit=2&offset={offset}")
        seen += [paper["id"] for paper in part["papers"]]
        offset = part["next_offset"]
    assert seen == [paper.id for paper in SAMPLE]
    _, _, found = fetch(f"{address}/papers?where=year%3C2020")
    assert [paper["id"] for paper in found["papers"]] == [HIVE.id]
    for paper in SAMPLE:  # An id may hold a slash.
        assert fetch(f"{address}/papers/{paper.id}")[2]["abstract"] == paper.abstract


@pytest.mark.parametrize(
    ("path", "data", "status", "words"),
    [
        ("/papers/nothing", None, 404, "GET /papers lists them"),
        ("/papers?limit=0", None, 422, "limit: Input should be greater"),
        ("/papers?where=colour:red", None, 400, "Fields are year"),
        ("/search", None, 422, "q: Field required"),
        ("/search?q=%20", None, 400, "empty"),
        ("/ask", {"question": " "}, 400, "empty"),
        ("/ask", {"question": "x" * 4001}, 422, "at most 4000 characters"),
        ("/ask", {"questions": "x"}, 422, "question: Field required"),
        ("/ask", b"{broken", 422, "JSON decode error"),
        ("/ask", None, 405, "use POST"),
    ],
)
def test_a_wrong_request_gets_a_problem(
    address: str, path: str, data: Any, status: int, words: str
) -> None:
    found, headers, problem = fetch(address + path, data)
    assert found == status
    assert headers["content-type"] == "application/problem+json"
    assert words in problem["detail"]
    assert set(problem) == {"type", "title", "status", "detail"}


def test_what_a_website_can_make_a_browser_send_is_not_taken(address: str) -> None:
    status, _, _ = fetch(f"{address}/ask", QUESTION, Content_Type="text/plain")
    assert status == 422
    assert fetch(f"{address}/papers", Host="evil.example")[0] == 400


def test_the_docs_page_loads_nothing(address: str) -> None:
    status, headers, page = fetch(f"{address}/docs")
    assert status == 200
    assert "/v1/chat/completions" in page
    assert not re.search(r"<script|<link|<img|https?://", page)
    assert "content-security-policy" in headers
    assert fetch(f"{address}/openapi.json")[2]["paths"]["/ask"]["post"]


def test_health_and_readiness(address: str) -> None:
    assert fetch(f"{address}/healthz")[2] == {"status": "ok"}
    until = time.monotonic() + 30
    while (ready := fetch(f"{address}/readyz"))[0] != 200 and time.monotonic() < until:
        assert ready[0] == 503
        assert ready[2]["status"] == "starting"
        time.sleep(0.1)
    assert ready[2] == {"status": "ready", "papers": len(SAMPLE)}


# --- token ----------------------------------------------------------------------------------


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"me:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("/papers", "", 401),
        ("/papers", "Bearer wrong", 401),
        ("/papers", f"Bearer {TOKEN}", 200),
        ("/papers", basic(TOKEN), 401),  # A browser would send it for another site.
        ("/v1/models", "", 401),
        ("/v1/models", f"bearer {TOKEN}", 200),
        ("/openapi.json", "", 401),
        ("/docs", basic(TOKEN), 200),
        ("/docs", basic("wrong"), 401),
        ("/docs", "Basic %%%", 401),
        ("/", basic(TOKEN), 200),
        ("/", "", 401),
        ("/gradio_api/info", "", 401),
        ("/healthz", "", 200),
        ("/readyz/../papers", "", 401),
    ],
)
def test_a_token_opens_everything_and_its_lack_nothing(
    guarded: str, path: str, authorization: str, status: int
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    found, told, body = fetch(guarded + path, **headers)
    assert found == status
    assert TOKEN not in f"{told}{body}"
    if status == 401:
        api = path.startswith(("/papers", "/v1"))
        assert told["www-authenticate"].startswith("Bearer" if api else "Basic")


@pytest.fixture(scope="module")
def guarded(sample_home: Path, models_folder: Path) -> Iterator[str]:
    with commanded(sample_home, models_folder, ASSISTANT_TOKEN=TOKEN) as (address, process):
        yield address
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors == ""


def test_a_refusal_below_v1_is_in_openai_format(guarded: str) -> None:
    _, _, body = fetch(f"{guarded}/v1/models")
    assert body["error"]["type"] == "authentication_error"
    assert body["error"]["code"] == "invalid_api_key"


def test_other_machines_are_served_with_a_token_only(quoting: Callable[..., Assistant]) -> None:
    with pytest.raises(SettingsError, match="ASSISTANT_TOKEN is not set"):
        serve(quoting(), host="0.0.0.0", port=0)


def test_the_token_is_in_nothing_that_shows_settings(quoting: Callable[..., Assistant]) -> None:
    settings = quoting(token=TOKEN).settings
    assert TOKEN not in f"{settings!r}{settings.public()}"
    assert settings.public()["token_set"]


# --- limits ---------------------------------------------------------------------------------


def test_a_body_has_a_limit_whatever_its_head_says(quoting: Callable[..., Assistant]) -> None:
    with serving(quoting(), Limits(body_bytes=200)) as address:
        large = json.dumps({"question": "x" * 300}).encode()
        status, _, problem = fetch(f"{address}/ask", large)
        assert (status, "200 bytes" in problem["detail"]) == (413, True)
        status, _, problem = fetch(f"{address}/v1/chat/completions", large)
        assert (status, "200 bytes" in problem["error"]["message"]) == (413, True)


def ask_guard(guard: Guard, *parts: Any) -> list[Any]:
    """Send a request without length in parts, the last of which may never come."""
    sent: list[Any] = []
    coming = list(parts)

    async def receive() -> Any:
        if not coming:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": coming.pop(0), "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/ask", "method": "POST", "headers": []}
    asyncio.run(guard(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    ("limits", "parts", "status"),
    [
        (Limits(body_bytes=10), [b"12345678", b"12345678"], 413),
        (Limits(body_seconds=0.05), [b"1"], 408),
    ],
)
def test_a_body_without_length_is_bounded_too(
    limits: Limits, parts: list[bytes], status: int
) -> None:
    from starlette.exceptions import HTTPException

    async def reads_all(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass

    with pytest.raises(HTTPException) as caught:
        ask_guard(Guard(reads_all, "", limits), *parts)
    assert caught.value.status_code == status


def test_too_many_at_once_are_told_to_wait(
    online: Callable[..., Assistant], server: FakeServer
) -> None:
    server.will(hangs)
    limits = Limits(at_once=1, waiting=1)
    with serving(online(), limits) as address, ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(fetch, f"{address}/ask", QUESTION) for _ in range(4)]
        refused = [one.result() for one in islice(as_completed(asked), 2)]
        server.stopping.set()  # Now the model fails, and the others get their answers.
        answered = [one.result() for one in asked if one.result() not in refused]
    assert [reply[0] for reply in refused] == [429, 429]
    assert int(refused[0][1]["retry-after"]) > 0
    assert [reply[0] for reply in answered] == [200, 200]


def test_a_request_in_flight_is_answered_before_the_end(
    online: Callable[..., Assistant], server: FakeServer
) -> None:
    server.will(hangs)
    with ThreadPoolExecutor(1) as pool:
        with serving(online(), grace_seconds=60) as address:
            asked = pool.submit(fetch, f"{address}/ask", QUESTION)
            while not server.bodies:
                time.sleep(0.05)
            Timer(1, server.stopping.set).start()  # Then the model fails, and papers are quoted.
        assert asked.result()[0] == 200


# --- the command ----------------------------------------------------------------------------


def test_the_command_ends_when_a_service_manager_says_so(
    sample_home: Path, models_folder: Path
) -> None:
    with commanded(sample_home, models_folder, "--no-page") as (address, process):
        assert fetch(f"{address}/healthz")[0] == 200
        assert fetch(address)[0] == 404
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors == ""
