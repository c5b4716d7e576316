"""Speed and memory of start-up, answers and the page."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from functools import partial
from pathlib import Path

from assistant import Assistant, Settings
from assistant.types import AnswerEvent, TextEvent
from evals.readings import Reading, seconds

QUESTIONS = (
    "Which subnetworks can be trained alone to the accuracy of the whole network?",
    "How fast is DDRNet-23-slim on Cityscapes, and on which graphics card?",
    "What does MiniLM distil from its teacher?",
    "How much do lottery tickets at initialization cut the carbon footprint?",
    "Which approach brings pseudo relevance feedback to dense retrievers?",
)
ADDRESS_WAIT = 120.0


def measure(settings: Settings, *, local: bool) -> list[Reading]:
    """Measure start-up, answers, and the page's memory; `local` includes the local model."""
    readings = [_help()]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with Assistant(settings, home=home, model="extractive", cache_mb=0) as assistant:
            assistant.add_bundled()
            readings.append(_extractive(assistant))
        if local:
            with Assistant(settings, home=home, model="local", cache_mb=0) as assistant:
                readings += _local(assistant)
        readings += _page(settings, home, "local" if local else "extractive")
    return readings


def _help() -> Reading:
    command = [str(Path(sys.executable).with_name("assistant")), "--help"]
    runs = [
        seconds(lambda: subprocess.run(command, capture_output=True, check=True))  # noqa: S603
        for _ in range(5)
    ]
    return Reading(name="assistant --help", value=statistics.median(runs), limit=0.3, unit="s")


def _extractive(assistant: Assistant) -> Reading:
    assistant.warm_up()
    runs = [seconds(partial(assistant.ask, question)) for question in QUESTIONS * 2]
    return Reading(
        name="extractive answer, warm (median)",
        value=statistics.median(runs),
        limit=0.3,
        unit="s",
    )


def _local(assistant: Assistant) -> list[Reading]:
    assistant.warm_up()
    firsts, totals = [], []
    for question in QUESTIONS:
        began = time.perf_counter()
        first = None
        for event in assistant.stream(question):
            if isinstance(event, TextEvent) and first is None:
                first = time.perf_counter() - began
            if isinstance(event, AnswerEvent):
                totals.append(time.perf_counter() - began)
        firsts.append(first or totals[-1])
    return [
        Reading(
            name="local model, first words (median)",
            value=statistics.median(firsts),
            limit=4,
            unit="s",
        ),
        Reading(name="local model, first words (worst)", value=max(firsts), limit=4, unit="s"),
        Reading(
            name="local model, whole answer (median)",
            value=statistics.median(totals),
            limit=15,
            unit="s",
        ),
        Reading(name="local model, whole answer (worst)", value=max(totals), limit=15, unit="s"),
    ]


def _page(settings: Settings, home: Path, model: str) -> list[Reading]:
    """Start the page as `make run` does the second time; then read its memory."""
    environ = {
        **os.environ,
        "ASSISTANT_HOME": str(home),
        "ASSISTANT_MODELS": str(settings.models),
        "ASSISTANT_MODEL": model,
    }
    command = [sys.executable, "-m", "assistant", "ui", "--sample", "--port", "7869"]
    began = time.perf_counter()
    page = subprocess.Popen(  # noqa: S603
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for("http://127.0.0.1:7869/")
        opened = time.perf_counter() - began
        time.sleep(20)  # the warm-up in the background ends
        resident = _resident(page.pid)
    finally:
        page.terminate()
        page.wait(20)
    return [
        Reading(name="page opens, second time", value=opened, limit=15, unit="s"),
        Reading(
            name=f"page with {model} model, resident", value=resident / 2**30, limit=2, unit="GB"
        ),
    ]


def _wait_for(address: str) -> None:
    until = time.monotonic() + ADDRESS_WAIT
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as reply:  # noqa: S310
                reply.read()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _resident(pid: int) -> float:
    """Return the resident bytes of a process and its children."""
    import psutil

    process = psutil.Process(pid)
    return float(sum(one.memory_info().rss for one in [process, *process.children(recursive=True)]))
