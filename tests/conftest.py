"""Fixtures: no network but loopback, the real embedder, libraries of made-up papers."""

import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from assistant.app import Assistant
from assistant.protocols import Embedder
from assistant.settings import Settings
from assistant.types import Paper
from tests.fakes import KEY, FakeServer
from tests.samples import SAMPLE

SEEDS = Path(__file__).resolve().parents[2] / "shared" / "seeds"

# The hub's client reads this at import: a closed port of this machine stands for "no network".
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
# A suite that is started in the background ignores Ctrl-C, and so would the commands it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
_OWN = "OPENAI_API_KEY OPENAI_BASE_URL ASSISTANT_HOME ASSISTANT_MODEL ASSISTANT_EMBEDDER".split()
for name in _OWN:
    os.environ.pop(name, None)

settings.register_profile(
    "local", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


class NetworkBlockedError(RuntimeError):
    """A test reached for an address outside this machine."""


_attempts: list[str] = []


def _is_local(host: Any) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        text = host.decode() if isinstance(host, bytes) else str(host)
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse(host: Any) -> None:
    _attempts.append(str(host))
    raise NetworkBlockedError(f"tests stay on this machine; something asked for {host!r}")


def _guard_sockets() -> None:
    """Wrap the ways out: connect, connect_ex, sendto, and look-ups of names."""
    lookup = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not _is_local(host) and host not in ("0.0.0.0", "::"):
            _refuse(host)
        return lookup(host, *args, **kwargs)

    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: socket.socket, *args: Any) -> Any:
            address = args[-1]
            inside = self.family not in (socket.AF_INET, socket.AF_INET6)
            if not inside and not _is_local(address[0]):
                _refuse(address)
            return method(self, *args)

        return call

    socket.getaddrinfo = getaddrinfo
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, guarded(getattr(socket.socket, name)))


_guard_sockets()


@pytest.fixture(autouse=True)
def network() -> Iterator[list[str]]:
    """Fail the test that reached outside, also where the error was swallowed."""
    _attempts.clear()
    yield _attempts
    assert not _attempts, f"reached for the network: {_attempts}"


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """Return a folder that has the embedder; fetched once into a cache where there is none."""
    from platformdirs import user_cache_dir

    from assistant.adapters.model_files import fetch, is_present, known_model

    embedder = known_model("embedder")
    named = os.environ.get("ASSISTANT_TEST_MODELS")
    folder = Path(named) if named else Settings.load().models
    if not named and not is_present(embedder, folder):
        folder = Path(user_cache_dir("abstract-assistant-tests", appauthor=False))
    fetch(embedder, folder, lambda what, done, total: None)
    return folder


@pytest.fixture(scope="session")
def embedder(models_folder: Path) -> Embedder:
    """Return the real MiniLM encoder."""
    from assistant.adapters.embedders import embedded_embedder

    return embedded_embedder(models_folder, 2, lambda what, done, total: None, offline=True)


@pytest.fixture
def library(tmp_path: Path, models_folder: Path) -> Iterator[Callable[..., Assistant]]:
    """Return a maker of assistants: `library(papers, **settings)`, extractive, in a new home.

    `home=` shares one home between several. All are closed at the end.
    """
    made: list[Assistant] = []

    def make(papers: Iterable[Paper] = SAMPLE, **overrides: Any) -> Assistant:
        values = {
            "home": tmp_path / f"home-{len(made)}",
            "models": models_folder,
            "model": "extractive",
            "offline": True,
            "threads": 2,
            "cache_mb": 0,
        }
        assistant = Assistant(Settings(**{**values, **overrides}))
        made.append(assistant)
        if papers:
            assistant.add_papers(papers)
        return assistant

    yield make
    for assistant in made:
        assistant.close()


@pytest.fixture
def run(tmp_path: Path, models_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a runner of commands in a home of its own, extractive."""
    from click.testing import CliRunner

    from assistant.cli import main

    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ASSISTANT_MODELS", str(models_folder))
    monkeypatch.setenv("ASSISTANT_MODEL", "extractive")
    monkeypatch.setenv("ASSISTANT_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: Any, **options: Any) -> Any:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], **options)

    return call


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """Return a running OpenAI-compatible server; program it with `server.will(…)`."""
    fake = FakeServer()
    yield fake
    fake.stop()


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Iterator[Path]:
    """Return a home whose library holds the sample papers; to be read only."""
    home = tmp_path_factory.mktemp("sample")
    with Assistant(Settings(home=home, models=models_folder, model="extractive")) as assistant:
        assistant.add_papers(SAMPLE)
    return home


@pytest.fixture
def quoting(library: Callable[..., Assistant], sample_home: Path) -> Callable[..., Assistant]:
    """Return a maker of assistants over the sample papers that quote."""
    return partial(library, (), home=sample_home)


@pytest.fixture
def online(quoting: Callable[..., Assistant], server: FakeServer) -> Callable[..., Assistant]:
    """Return a maker of assistants over the sample papers that ask the fake server."""
    return partial(
        quoting,
        model="openai",
        openai_api_key=KEY,
        openai_base_url=server.address,
        openai_model="fake-model",
        answer_timeout=20.0,
    )


@pytest.fixture(scope="session")
def seeds() -> list[Path]:
    """Return the seed pages that the bundled library summarises; skip where they are absent."""
    found = sorted(SEEDS.glob("*.txt"))
    if not found:
        pytest.skip(f"no seed pages at {SEEDS}: they are not part of the repository")
    return found
