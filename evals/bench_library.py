"""Speed, memory and growth of a library of many papers, against llama-index's own pipeline."""

import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from assistant.app import Assistant
from assistant.filters import tags
from assistant.protocols import PassageRecord
from assistant.readers import read_papers
from assistant.settings import Settings
from assistant.types import Paper
from evals.readings import Reading, seconds

ARXIV = Path(__file__).resolve().parents[2] / "shared" / "eval" / "arxiv-75k" / "corpus.jsonl.gz"
SIZES = (1_000, 10_000, 74_728)
TARGETS = (1_000_000, 2_700_000)
EMBEDDED = 512
QUERIES = 300
RARE = 1e-9
TWO = 2


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What a library of one size costs."""

    papers: int
    add_seconds: float
    again_seconds: float
    peak_bytes: float
    disk_bytes: float
    search_seconds: float


def find_corpus() -> Path:
    """Return the big collection, else the bundled library."""
    return ARXIV if ARXIV.exists() else Path(__file__).parents[1] / "assistant/data/library.jsonl"


def measure_library(settings: Settings, corpus: Path) -> tuple[list[Reading], str]:
    """Measure adding, adding again, embedding and searching; return readings and a table."""
    available = sum(isinstance(record, Paper) for record in read_papers(corpus))
    sizes = [size for size in SIZES if size < available] + [available]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        growth = [_grow(settings, corpus, size, work / str(size)) for size in sizes]
        largest = work / str(sizes[-1])
        sample = list(islice(_papers(corpus), EMBEDDED))
        readings = [
            *_limits(growth[-1]),
            *_embedding(settings, sample, work),
            _searching(settings, largest),
            *_against_llama_index(settings, sample, work),
        ]
    return readings, _table(growth)


def _papers(corpus: Path) -> Iterator[Paper]:
    return (record for record in read_papers(corpus) if isinstance(record, Paper))


def _grow(settings: Settings, corpus: Path, size: int, home: Path) -> Growth:
    """Add the first `size` papers by the command, twice, and measure each time."""
    home.mkdir()
    part = home / "papers.jsonl"
    with part.open("w", encoding="utf-8") as file:
        file.writelines(_line(paper) for paper in islice(_papers(corpus), size))
    first, peak = _command(settings, home, "add", "--no-vectors", str(part))
    again, _ = _command(settings, home, "add", "--no-vectors", str(part))
    library = home / "library"
    disk = sum(path.stat().st_size for path in library.rglob("*") if path.is_file())
    with Assistant(settings, home=home, model="extractive") as assistant:
        queries = _queries(assistant)
        search = statistics.median(
            seconds(lambda query=query: assistant.library.lexical.search(query, 100))  # type: ignore[misc]
            for query in queries
        )
    return Growth(
        papers=size,
        add_seconds=first,
        again_seconds=again,
        peak_bytes=peak,
        disk_bytes=disk,
        search_seconds=search,
    )


def _line(paper: Paper) -> str:
    return json.dumps(replace(paper, raw_abstract="").to_dict(), ensure_ascii=False) + "\n"


def _command(settings: Settings, home: Path, *arguments: str) -> tuple[float, float]:
    """Run `assistant`; return seconds, and the most bytes that it held."""
    environ = {
        **os.environ,
        "ASSISTANT_HOME": str(home),
        "ASSISTANT_MODELS": str(settings.models),
        "ASSISTANT_MODEL": "extractive",
    }
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "assistant", *arguments],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _peak(process.pid))
        time.sleep(0.05)
    if process.returncode:
        raise RuntimeError(f"assistant {' '.join(arguments)} failed")
    return time.perf_counter() - began, peak


def _peak(pid: int) -> float:
    """Return the most bytes that a running process has held; 0 where it has just ended.

    Not what `wait4` tells, which counts the parent's memory before the program was started.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return float(found.group(1)) * 1024 if found else 0.0


def _queries(assistant: Assistant) -> list[str]:
    """Return titles from all over the library, as questions."""
    step = max(1, assistant.count() // QUERIES)
    return [paper.title for paper in islice(assistant.papers(), 0, None, step)][:QUERIES]


def _limits(largest: Growth) -> list[Reading]:
    papers = f"{largest.papers:,} papers"
    return [
        Reading(name=f"{papers}: words find them", value=largest.add_seconds, limit=90, unit="s"),
        Reading(name=f"{papers}: added again", value=largest.again_seconds, limit=20, unit="s"),
        Reading(
            name=f"{papers}: peak memory while adding, words",
            value=largest.peak_bytes / 2**30,
            limit=1.5,
            unit="GB",
        ),
    ]


def _embedding(settings: Settings, sample: Sequence[Paper], work: Path) -> list[Reading]:
    """Compare the rate of the index with that of the bare encoder on the same texts.

    Both in turns, so that a machine that is slow for a while is slow for both.
    """
    raw: list[float] = []
    indexed: list[float] = []
    quarter = max(1, len(sample) // 4)
    with Assistant(settings, home=work / "dense", model="extractive") as assistant:
        library = assistant.library
        embedder = library.embedder()
        if embedder is None:
            raise RuntimeError("the embedder can't be had; run 'assistant doctor --repair'")
        library.store()  # opened beforehand, and the splitter loaded
        library.split(sample[0].abstract)
        for start in range(0, len(sample), quarter):
            part = sample[start : start + quarter]
            texts = [
                f"{paper.title}. {paper.abstract[a:b]}"
                for paper in part
                for a, b in library.split(paper.abstract)
            ]
            raw.append(seconds(lambda texts=texts: embedder.embed(texts)))  # type: ignore[misc]
            library.add_papers(part, vectors=False)
            indexed.append(seconds(lambda: library.index(sentences=False)))
    peak = _command(settings, _filled(sample, work / "peak"), "add", str(work / "peak.jsonl"))[1]
    return [
        Reading(
            name=f"vectors indexed, of the bare encoder's {len(sample) / sum(raw):.1f} papers/s",
            value=sum(raw) / sum(indexed),
            limit=0.9,
            unit="",
            at_least=True,
        ),
        Reading(
            name=f"peak memory while adding {len(sample)} papers with vectors",
            value=peak / 2**30,
            limit=1.5,
            unit="GB",
        ),
    ]


def _filled(sample: Sequence[Paper], home: Path) -> Path:
    home.with_suffix(".jsonl").write_text("".join(map(_line, sample)), encoding="utf-8")
    home.mkdir()
    return home


def _searching(settings: Settings, home: Path) -> Reading:
    """Search by words and by meaning in the largest library.

    Its vectors are those of some papers, perturbed: they take as long to search as real ones,
    and computing all would take an hour.
    """
    with Assistant(settings, home=home, model="extractive") as assistant:
        library = assistant.library
        embedder = library.embedder()
        if embedder is None:
            raise RuntimeError("the embedder can't be had; run 'assistant doctor --repair'")
        papers = list(islice(assistant.papers(), 256))
        real = embedder.embed([f"{paper.title}. {paper.abstract}" for paper in papers])
        fill(assistant, real)
        queries = _queries(assistant)
        for query in queries[:5]:
            assistant.search(query)
        times = sorted(seconds(lambda query=query: assistant.search(query)) for query in queries)  # type: ignore[misc]
        half = statistics.median(times)
        return Reading(
            name=f"{assistant.count():,} papers: hybrid search, p95 (p50 {half * 1000:.0f} ms)",
            value=times[math.ceil(0.95 * len(times)) - 1] * 1000,
            limit=50,
            unit="ms",
        )


def fill(assistant: Assistant, real: np.ndarray) -> None:
    """Give every paper a vector near a real one."""
    chance = np.random.default_rng(0)
    library = assistant.library
    while ids := library.catalog.todo("vectors", 2000):
        papers = library.catalog.get_many(ids)
        rows = real[chance.integers(0, len(real), len(papers))]
        rows = rows + chance.normal(scale=0.03, size=rows.shape).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        library.store().upsert(
            [
                PassageRecord(
                    paper_id=paper.id,
                    start=0,
                    end=len(paper.abstract),
                    content_hash=paper.content_hash,
                    year=paper.year,
                    tags=tuple(tags(paper)),
                )
                for paper in papers.values()
            ],
            rows,
        )
        library.catalog.done("vectors", ids)


def _against_llama_index(settings: Settings, sample: Sequence[Paper], work: Path) -> list[Reading]:
    """Add the same papers here and there, again, and then a new edition of every tenth."""
    from evals.peer_llama_index import Pipeline

    edited = [
        replace(paper, abstract=f"{paper.abstract} This is a new edition.")
        if number % 10 == 0
        else paper
        for number, paper in enumerate(sample)
    ]
    with Assistant(settings, home=work / "ours", model="extractive") as assistant:
        embedder = assistant.library.embedder()
        if embedder is None:
            raise RuntimeError("the embedder can't be had; run 'assistant doctor --repair'")
        assistant.library.store()  # opened beforehand, as theirs is
        theirs = Pipeline(work / "theirs", embedder)
        readings = []
        for name, papers in (
            ("first time", sample),
            ("again, unchanged", sample),
            ("again, every tenth edited", edited),
        ):
            ours = seconds(lambda papers=papers: _add(assistant, papers))  # type: ignore[misc]
            peer = seconds(lambda papers=papers: theirs.add(papers))  # type: ignore[misc]
            title = f"{len(papers)} papers, {name}: seconds by llama-index's {peer:.2f}"
            readings.append(Reading(name=title, value=ours / peer, limit=1, unit=""))
        faults = _faults(assistant, edited)
    title = f"passages missing, stale or doubled then (llama-index's: {theirs.faults(edited)})"
    return [*readings, Reading(name=title, value=faults, limit=1, unit="")]


def _add(assistant: Assistant, papers: Sequence[Paper]) -> None:
    assistant.library.add_papers(papers, vectors=False)
    assistant.library.index(sentences=False)


def _faults(assistant: Assistant, papers: Sequence[Paper]) -> int:
    """Return how many papers have no passage, and how many passages are of no present text."""
    stored = set(assistant.library.store().passages())
    expected = {(paper.id, paper.content_hash) for paper in papers}
    return len(stored ^ expected)


def _table(growth: Sequence[Growth]) -> str:
    """Return what each size costs, how it grows, and what that makes of larger ones."""
    columns = (
        ("words find them, s", "add_seconds", 1.0),
        ("added again, s", "again_seconds", 1.0),
        ("peak memory, MB", "peak_bytes", 2.0**20),
        ("disk without vectors, MB", "disk_bytes", 2.0**20),
        ("search by words, ms", "search_seconds", 1e-3),
    )
    sizes = [one.papers for one in growth]
    head = "".join(f"{size:>12,}" for size in [*sizes, *TARGETS])
    lines = [f"{'papers':<26}{head}   grows as n to the power", "-" * 26]
    for name, field, unit in columns:
        values = [getattr(one, field) / unit for one in growth]
        power = _power(sizes[-2:], values[-2:])
        ahead = [values[-1] * (target / sizes[-1]) ** power for target in TARGETS]
        cells = "".join(f"{value:>12.3g}" for value in [*values, *ahead])
        lines.append(f"{name:<26}{cells}   {power:.2f}")
    lines.append("The last two columns are projected from the growth between the two before.")
    return "\n".join(lines)


def _power(sizes: Sequence[int], values: Sequence[float]) -> float:
    """Return the exponent of growth between two sizes; 1 where there is one size only."""
    if len(sizes) < TWO or sizes[0] == sizes[1]:
        return 1.0
    ratio = math.log(max(values[1], RARE) / max(values[0], RARE))
    return max(0.0, ratio / math.log(sizes[1] / sizes[0]))
