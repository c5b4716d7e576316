"""Copy a library to a Chroma server and back, and ask all three the same questions."""

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from assistant import Assistant, Settings
from assistant.adapters.chroma_places import server_of
from assistant.errors import StoreUnavailableError
from assistant.library.copying import copy
from assistant.readers import read_papers
from assistant.types import CopyReport, Hit, Paper
from evals.bench_library import fill
from evals.questions import QUESTIONS, load
from evals.readings import seconds

TOP = 10
EMBEDDED = 256
START_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one library gave for each question: the best papers, the answer, the seconds."""

    top: list[list[str]]
    answers: list[tuple[str, tuple[str, ...]]]
    seconds: list[float]


@dataclass(kw_only=True)
class Outcome:
    """What the copies are like, and what they answer beside the original."""

    papers: int = 0
    there: CopyReport = field(default_factory=CopyReport)
    back: CopyReport = field(default_factory=CopyReport)
    copying: dict[str, float] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs anywhere."""
        original = self.asked["folder"]
        same = all(
            one.top == original.top and one.answers == original.answers
            for one in self.asked.values()
        )
        return same and not (self.there.faults or self.back.faults)

    def __str__(self) -> str:
        """A table: one line for each store."""
        original = self.asked["folder"]
        count = len(original.top)
        lines = [
            f"{self.papers:,} papers, {self.there.passages:,} passages, {count} questions",
            f"folder → server: {self.copying['there']:.0f} s; {self.there}",
            f"server → folder: {self.copying['back']:.0f} s; {self.back}",
            "",
            f"{'store':<12}{'same top 10':>13}{'same answers':>14}{'p50 ms':>9}{'p95 ms':>9}",
        ]
        for name, one in self.asked.items():
            top = sum(mine == theirs for mine, theirs in zip(one.top, original.top, strict=True))
            answers = sum(
                mine == theirs for mine, theirs in zip(one.answers, original.answers, strict=True)
            )
            times = sorted(one.seconds)
            p95 = times[int(0.95 * (len(times) - 1))] * 1000
            lines.append(
                f"{name:<12}{f'{top}/{count}':>13}{f'{answers}/{count}':>14}"
                f"{statistics.median(times) * 1000:>9.0f}{p95:>9.0f}"
            )
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which library, by how many questions; without `papers` that of the settings."""

    settings: Settings
    questions: int = 50
    papers: Path | None = None
    limit: int | None = None
    perturbed: bool = False
    """Give the papers vectors near those of a few, instead of computing all."""


def check(plan: Plan, say: Callable[[str], object]) -> Outcome:
    """Copy the library there and back and compare.

    Raises:
        LibraryError: the server can't be started, or a copy fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        settings = replace(
            plan.settings, model="extractive", cache_mb=0.0, chroma_url="", chroma_timeout=60.0
        )
        if plan.papers is not None:
            settings = replace(settings, home=work / "home")
            _make(plan, settings, say)
        with running_server(work / "server", settings) as url:
            return _compare(settings, url, work / "back", plan, say)


def _make(plan: Plan, settings: Settings, say: Callable[[str], object]) -> None:
    """Make a library of the plan's papers."""
    records = read_papers(plan.papers) if plan.papers else iter(())
    papers = (record for record in records if isinstance(record, Paper))
    with Assistant(settings) as assistant:
        assistant.library.add_papers(islice(papers, plan.limit), vectors=False)
        say(f"{assistant.count():,} papers are found by their words")
        embedder = assistant.library.embedder()
        if plan.perturbed and embedder is not None:
            few = list(islice(assistant.papers(), EMBEDDED))
            fill(assistant, embedder.embed([f"{one.title}. {one.abstract}" for one in few]))
        else:
            assistant.library.index(sentences=False)
        say(f"{assistant.passage_count():,} passages have vectors")


def _compare(
    settings: Settings, url: str, back: Path, plan: Plan, say: Callable[[str], object]
) -> Outcome:
    outcome = Outcome()
    home = str(settings.home)

    def timed(name: str, source: str, target: str) -> CopyReport:
        found: list[CopyReport] = []
        outcome.copying[name] = seconds(
            lambda: found.append(copy(source, target, settings, lambda *_: None))
        )
        say(f"{source} → {target}: {found[0]}")
        return found[0]

    outcome.there = timed("there", home, url)
    outcome.back = timed("back", url, str(back))
    # An answer keeps the vectors of the sentences it read, and they rank the next ones: each store
    # gets a catalog of its own, in which nothing was asked yet.
    beside = back.with_name("beside")
    _copy_catalog(settings.home, beside)
    stores = {
        "folder": settings,
        "server": replace(settings, home=beside, chroma_url=url),
        "folder again": replace(settings, home=back),
    }
    for name, one in stores.items():
        with Assistant(one) as assistant:
            outcome.papers = assistant.count()
            outcome.asked[name] = _ask(assistant, _questions(assistant, plan))
        say(f"{name}: asked")
    return outcome


def _copy_catalog(home: Path, target: Path) -> None:
    """Copy papers and words, which nobody writes meanwhile, without the vectors."""
    shutil.copytree(home / "library", target / "library", ignore=shutil.ignore_patterns("chroma*"))


def _questions(assistant: Assistant, plan: Plan) -> list[str]:
    """Return the fixed questions where the library has their papers, else titles from all over."""
    if any(paper.is_summary for paper in islice(assistant.papers(), 1)):
        return [one.question for one in load([QUESTIONS]) if not (one.history or one.where)][
            : plan.questions
        ]
    step = max(1, assistant.count() // plan.questions)
    return [paper.title for paper in islice(assistant.papers(), 0, None, step)][: plan.questions]


def _ask(assistant: Assistant, questions: Sequence[str]) -> Asked:
    assistant.warm_up()
    top, answers, times = [], [], []
    for question in questions:
        hits: list[Hit] = []
        times.append(seconds(lambda: hits.extend(assistant.search(question, TOP))))  # noqa: B023
        top.append([hit.paper.id for hit in hits])
        answer = assistant.ask(question)
        sources = tuple(one.evidence.paper.id for one in answer.citations)
        answers.append((answer.text, sources))
    return Asked(top=top, answers=answers, seconds=times)


@contextmanager
def running_server(folder: Path, settings: Settings) -> Iterator[str]:
    """Run `chroma run` on a free port of this machine; yield its address.

    Raises:
        StoreUnavailableError: it doesn't come up.
    """
    folder.mkdir(parents=True)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    arguments = ["run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603
        [str(Path(sys.executable).with_name("chroma")), *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, replace(settings, chroma_timeout=5.0), url)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", settings: Settings, url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            server_of(settings, url).version()
        except StoreUnavailableError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.3)
        else:
            return
