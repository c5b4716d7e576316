"""Run the real page in a process of its own, and a real browser on it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from assistant.app import Assistant
from assistant.settings import Settings
from assistant.types import Paper

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
# Keeps Chromium itself from asking its maker for anything.
_QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_ADDRESS = re.compile(r"http://[\w.:\[\]-]+")
STOP_SECONDS = 20


def environment(home: Path, models: Path, **more: str) -> dict[str, str]:
    """Return the variables of a process that knows this library and nothing else."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "ASSISTANT_HOME": str(home),
        "ASSISTANT_MODELS": str(models),
        "ASSISTANT_MODEL": "extractive",
        "ASSISTANT_OFFLINE": "1",
        **more,
    }


def fill(home: Path, models: Path, papers: Sequence[Paper] = ()) -> None:
    """Put the bundled library into a home, and papers as they are: no reader cleans them."""
    settings = Settings(home=home, models=models, model="extractive", offline=True, cache_mb=0)
    with Assistant(settings) as assistant:
        assistant.add_bundled()
        assistant.add_papers(papers)


@contextmanager
def served(home: Path, models: Path, **more: str) -> Iterator[str]:
    """Serve the page of a filled home on a free port; yield its address."""
    command = [sys.executable, "-m", "assistant", "ui", "--port", "0"]
    with (
        (home / "errors.txt").open("a", encoding="utf-8") as errors,
        subprocess.Popen(
            command,
            cwd=home,
            env=environment(home, models, **more),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = _ADDRESS.search(line)
            assert found, f"no address in {line!r}; see {home / 'errors.txt'}"
            yield found.group()
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            finally:
                process.kill()


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a headless Chromium: the system's if there is one, else Playwright's.

    Raises:
        FileNotFoundError: there is neither.
    """
    path = str(CHROMIUM) if CHROMIUM.exists() else None
    with sync_playwright() as playwright:
        if path is None and not Path(playwright.chromium.executable_path).exists():
            raise FileNotFoundError("there is no Chromium; 'apt-get install chromium' brings one")
        chromium = playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        yield chromium
        chromium.close()
