"""Many askers and some writers at one server: no answer wrong or mixed up, memory flat."""

import json
import multiprocessing
import random
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from http.client import HTTPConnection, HTTPException
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from assistant.app import Assistant
from assistant.errors import LibraryBusyError
from assistant.settings import Settings
from assistant.types import Paper
from evals.torture.commands import Commands
from evals.torture.outcome import Outcome
from evals.torture.plan import Plan

_ADDRESS = re.compile(r"http://([\d.]+):(\d+)")
_START_SECONDS = 240.0
_ASK_SECONDS = 180.0
_MEGABYTE = 1_048_576
# Of the papers, so many are added and removed again by each writer.
_BATCH = 10
_MOST_TRIES = 10
_MOST_GROWTH = 1.15
_SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu".split()


@dataclass
class LoadReport:
    """What the askers saw, and how the server fared."""

    outcome: Outcome
    seconds: float
    askers: int
    writers: int
    waits: list[float] = field(default_factory=list)
    written: int = 0
    told_to_wait: int = 0
    memory: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        """A row of the table, and a line of figures."""
        if len(self.waits) < 2 or len(self.memory) < 4:
            return f"{self.outcome}\n  too few answers to tell"
        p50, p95 = statistics.median(self.waits), statistics.quantiles(self.waits, n=20)[-1]
        early, late = self.early_and_late
        return (
            f"{self.outcome}\n  {self.askers} askers, {self.writers} writers, "
            f"{self.seconds:.0f} s: {len(self.waits):,} answers, p50 {p50:.2f} s, p95 {p95:.2f} s; "
            f"{self.written:,} papers written, a writer told {self.told_to_wait} times to wait for "
            f"another; memory {early:,.0f} MB in the second quarter, {late:,.0f} MB in the last"
        )

    @property
    def early_and_late(self) -> tuple[float, float]:
        """Megabytes in the second and in the last quarter of the time."""
        quarter = len(self.memory) // 4
        early, late = self.memory[quarter : 2 * quarter], self.memory[-quarter:]
        return statistics.mean(early) / _MEGABYTE, statistics.mean(late) / _MEGABYTE


def stations(count: int, seed: int) -> list[Paper]:
    """Return papers on made-up places, each with a number that no other has."""
    chance = random.Random(seed)  # noqa: S311 - a test's dice
    names: dict[str, None] = {}
    while len(names) < count:
        names["".join(chance.choice(_SYLLABLES) for _ in range(4)).capitalize()] = None
    return [
        Paper(
            id=f"{seed}-{name.lower()}",
            title=f"The quarry of {name}",
            abstract=f"We visited {name} in spring. The quarry of {name} holds "
            f"{chance.randrange(10**6, 10**7)} stones of basalt. Its walls are steep.",
            source=f"stations-{seed}",
        )
        for name in names
    ]


def run_load(plan: Plan, seconds: float, askers: int, writers: int) -> LoadReport:
    """Let askers and writers at a server for so many seconds, and look at every answer."""
    outcome = Outcome(fault=f"{askers} askers, {writers} writers")
    report = LoadReport(outcome, seconds, askers, writers)
    settings, say = plan.settings, plan.say
    asked_of = stations(plan.papers, plan.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        here = replace(settings, home=home, model="extractive", cache_mb=0)
        with Assistant(here) as assistant:
            assistant.add_papers(asked_of)
        with _server(home, here, outcome) as (host, port, process_id):
            say(f"serving {len(asked_of):,} papers at {host}:{port}")
            _let_loose(report, here, (host, port), process_id, asked_of)
        with Assistant(here) as assistant:
            left = sorted(paper.id for paper in assistant.papers())
        expected = sorted(paper.id for paper in asked_of)
        outcome.lost = len(set(expected) - set(left))
        outcome.doubled = len(left) - len(set(left))
        if left != expected:
            outcome.wrong.append(f"{len(left)} papers are left, not {len(expected)}")
    _judge_memory(report)
    say(str(report))
    return report


def _judge_memory(report: LoadReport) -> None:
    if len(report.memory) >= 4:
        early, late = report.early_and_late
        if late > early * _MOST_GROWTH:
            report.outcome.wrong.append(f"memory grew from {early:,.0f} to {late:,.0f} MB")


@contextmanager
def _server(home: Path, settings: Settings, outcome: Outcome) -> Iterator[tuple[str, int, int]]:
    """Start `assistant serve`; yield host, port and process id when it is ready."""
    options = {"ASSISTANT_ANSWERABLE_AT": "0", "ASSISTANT_CACHE_MB": "0", "ASSISTANT_THREADS": "2"}
    run = Commands(home=home, models=settings.models, outcome=outcome, environ=options)
    process = run.start("serve", "--no-page", "--port", "0")
    said: list[str] = []
    lines = threading.Thread(target=lambda: _listen(process.stdout, said), daemon=True)
    lines.start()
    try:
        until = time.monotonic() + _START_SECONDS
        while (found := _ADDRESS.search("".join(said))) is None or not _is_ready(found):
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError(f"the server didn't start: {''.join(said)[-1000:]}")
            time.sleep(0.2)
        yield found.group(1), int(found.group(2)), process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)
        lines.join(timeout=10)
        outcome.heard("".join(said))


def _listen(stream: Any, said: list[str]) -> None:
    with stream:
        said.extend(line.decode(errors="replace") for line in stream)


def _is_ready(found: "re.Match[str]") -> bool:
    try:
        return _fetch((found.group(1), int(found.group(2))), "GET", "/readyz")[0] == 200
    except OSError:
        return False


def _fetch(address: tuple[str, int], method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = HTTPConnection(*address, timeout=_ASK_SECONDS)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def _let_loose(
    report: LoadReport,
    settings: Settings,
    address: tuple[str, int],
    process_id: int,
    papers: list[Paper],
) -> None:
    """Start askers, writers and the watch on memory; return when the time is over."""
    import psutil

    lock, ended = threading.Lock(), threading.Event()
    context = multiprocessing.get_context("spawn")
    stop, complaints = context.Event(), context.Queue()
    writers = [
        context.Process(target=_write, args=(settings, number + 1, stop, complaints))
        for number in range(report.writers)
    ]
    askers = [
        threading.Thread(target=_ask, args=(report, lock, ended, address, papers, number))
        for number in range(report.askers)
    ]
    for writer in writers:
        writer.start()
    for asker in askers:
        asker.start()
    watched = psutil.Process(process_id)
    until = time.monotonic() + report.seconds
    while time.monotonic() < until and watched.is_running():
        report.memory.append(watched.memory_info().rss)
        time.sleep(min(1.0, report.seconds / 20))
    ended.set()
    stop.set()
    for asker in askers:
        asker.join()
    for _ in writers:
        written, waits, complaint = complaints.get(timeout=_ASK_SECONDS)
        report.written += written
        report.told_to_wait += waits
        if complaint:
            report.outcome.wrong.append(f"a writer: {complaint}")
    for writer in writers:
        writer.join()


def _ask(
    report: LoadReport,
    lock: threading.Lock,
    ended: threading.Event,
    address: tuple[str, int],
    papers: list[Paper],
    seed: int,
) -> None:
    """Ask about one paper after the other, and check each answer."""
    chance = random.Random(seed)  # noqa: S311 - a test's dice
    while not ended.is_set():
        paper = chance.choice(papers)
        name = paper.title.rpartition(" ")[2]
        question = f"How many stones of basalt does the quarry of {name} hold?"
        began = time.monotonic()
        try:
            status, answer = _fetch(address, "POST", "/ask", {"question": question})
            fault = f"status {status}: {answer}"[:300] if status != 200 else ""
        except (OSError, HTTPException, ValueError) as error:
            fault, answer = f"{type(error).__name__}: {error}", {}
        waited = time.monotonic() - began
        fault = fault or wrong_in(answer, question, paper)
        with lock:
            report.outcome.trials += 1
            report.waits.append(waited)
            if fault:
                report.outcome.wrong.append(f"{question} {fault}")


def wrong_in(answer: dict[str, Any], question: str, paper: Paper) -> str:
    """Say what is wrong with an answer about a paper; an empty string where nothing is."""
    number = re.findall(r"\d{7}", paper.abstract)[0]
    if answer["question"] != question:
        return f"got the answer to {answer['question']!r}"
    if number not in answer["text"]:
        return f"isn't answered with {number}: {answer['text']!r}"
    for one in answer["citations"]:
        if one["paper"]["id"] == paper.id:
            if paper.abstract[one["start"] : one["end"]] != one["sentence"]:
                return f"a citation isn't the paper's own words: {one['sentence']!r}"
            if number in one["sentence"]:
                return ""
    return "has no citation of the sentence that answers it"


def _write(settings: Settings, number: int, stop: Event, complaints: Any) -> None:
    """Add papers and take them out again, over and over; for a process of its own."""
    written = waits = 0
    complaint = ""
    try:
        with Assistant(settings) as assistant:
            turn = 0
            while not stop.is_set():
                batch = stations(_BATCH, 1000 * number + turn)
                waits += _insisted(partial(assistant.add_papers, batch))
                waits += _insisted(partial(assistant.remove, *(paper.id for paper in batch)))
                written += len(batch)
                turn += 1
                stop.wait(1.0)
    except Exception as error:  # noqa: BLE001 - whatever it is, the report names it
        complaint = f"{type(error).__name__}: {error}"
    complaints.put((written, waits, complaint))


def _insisted(work: Callable[[], object]) -> int:
    """Try again where another writer has the library, as the error says; return how often."""
    for tried in range(_MOST_TRIES):
        try:
            work()
        except LibraryBusyError:
            continue
        return tried
    raise TimeoutError(f"another writer had the library {_MOST_TRIES} times in a row")
