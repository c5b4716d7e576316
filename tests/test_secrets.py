"""Whatever is written or said during a session, no secret is in it."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.app import Assistant
from assistant.doctor import examine
from assistant.settings import Settings
from tests import fakes
from tests.fakes import KEY, FakeServer
from tests.http_service import fetch, serving

TOKEN = "token-planted-8472"
PASSWORD = "password-planted-5519"
LOGIN = "login-planted-3307"
PLANTED = (KEY, TOKEN, PASSWORD, LOGIN)
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"


def files_with_secrets(folder: Path) -> list[str]:
    """Return the files below a folder that hold a planted secret, and which."""
    found = []
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        found += [f"{path.name}: {one}" for one in PLANTED if one.encode() in content]
    return found


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Log down to the last detail, the vendors' loggers too."""
    with caplog.at_level(logging.DEBUG):
        yield caplog


def test_a_session_writes_and_says_no_secret(
    library: Callable[..., Assistant],
    server: FakeServer,
    tmp_path: Path,
    everything_logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    home = tmp_path / "home"
    address = server.address.replace("://", f"://someone:{LOGIN}@")
    assistant = library(
        home=home, model="openai", openai_api_key=KEY, openai_base_url=address,
        openai_model="fake-model", token=TOKEN, user="ann", password=PASSWORD, cache_mb=8,
        answerable_at=0.0,
    )  # fmt: skip
    said: list[Any] = []
    # One answer, then refusals that repeat the key, as some servers do.
    server.will(fakes.says("TwigNet removes 92% of the weights [1]."))
    said.append(assistant.ask(QUESTION).to_dict())
    server.will(fakes.fails(401))
    said.append(assistant.ask(f"{QUESTION} Truly?").to_dict())
    server.will(fakes.breaks_off("TwigNet"))
    said.append(assistant.ask(f"{QUESTION} Now?").to_dict())
    with serving(assistant) as there:
        ask = {"question": f"{QUESTION} Here?"}
        server.will(fakes.fails(500))
        for authorization in (f"Bearer {TOKEN}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN):
            said.append(fetch(f"{there}/ask", ask, Authorization=authorization))
            said.append(fetch(f"{there}/nowhere", Authorization=authorization))
            said.append(fetch(f"{there}/v1/models", Authorization=authorization))
        said.append(fetch(f"{there}/ask", {"question": 7}, Authorization=f"Bearer {TOKEN}"))
    said += [
        repr(assistant.settings),
        assistant.settings.public(),
        list(assistant.answers.recent()),
    ]
    assistant.close()
    out, err = capfd.readouterr()
    told = "\n".join([json.dumps(said, default=str), out, err, everything_logged.text])
    assert [one for one in PLANTED if one in told] == []
    assert len(told) > 10_000
    assert list(home.rglob("*.json")), "nothing was kept, so nothing was looked at"
    assert files_with_secrets(home) == []


def test_commands_show_no_secret(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    named = {
        "OPENAI_API_KEY": KEY, "ASSISTANT_TOKEN": TOKEN, "ASSISTANT_USER": "ann",
        "ASSISTANT_PASSWORD": PASSWORD, "ASSISTANT_MODEL": "openai",
        "OPENAI_BASE_URL": f"http://someone:{LOGIN}@127.0.0.1:9/v1",
    }  # fmt: skip
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    said = [run("doctor", "--quick").output, run("doctor", "--quick", "--json").output]
    said += [run("ask", "What now?").output, run("serve", "--port", "99999").output]
    said += [str(examine(quick=True)), repr(Settings.load()), repr(replace(Settings.load()))]
    assert [one for one in PLANTED if one in "\n".join(said)] == []
    assert "a key is set" in said[0]
    assert files_with_secrets(tmp_path) == []


def test_a_secret_that_is_written_is_found(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text(f"Authorization: Bearer {TOKEN}")
    assert files_with_secrets(tmp_path) == [f"log.txt: {TOKEN}"]
