"""Build one store of vectors with one shape of its graph, and search it: cost and recall."""

import json
import math
import multiprocessing
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from assistant.adapters.chroma_graph import Graph
from assistant.adapters.chroma_store import ChromaStore
from assistant.protocols import PassageRecord, Vectors
from evals.scale.vectors import enlarged, exact

# What a search of the product asks for, and of how many of these the recall is told.
LIMIT = 100
NEAREST = 10
EMBEDDER = "all-MiniLM-L6-v2"
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Built:
    """What it took to store the vectors; `process` seconds are those of the processor."""

    vectors: int
    seconds: float
    process: float
    disk_bytes: int


@dataclass(frozen=True, kw_only=True)
class Searched:
    """How a store of one shape was searched: recall@10, seconds a query, bytes in memory."""

    graph: Graph
    built: Built
    recall: float
    p50: float
    p95: float
    process: float
    memory_bytes: int
    open_seconds: float


@dataclass(frozen=True, kw_only=True)
class Task:
    """One size of library, and where its vectors and stores are."""

    real: Path
    count: int
    size: int
    queries: Path
    cache: Path

    def folder(self, graph: Graph) -> Path:
        """Return where the store of this shape lives."""
        name = f"store-{self.real.stem}-{self.count}-{self.size}"
        return self.cache / f"{name}-{graph.neighbours}-{graph.weighed}"

    def parts(self) -> Iterator[Vectors]:
        """Return the vectors, in parts that are made as they are asked for."""
        return enlarged(np.load(self.real, mmap_mode="r")[: self.count], self.size)


def measure(
    task: Task, graphs: Sequence[Graph], searched: Sequence[int], say: Callable[[str], object]
) -> list[Searched]:
    """Build a store of each shape, unless it is there, and search it with each breadth."""
    queries = np.load(task.queries)
    truth = exact(task.parts(), queries, NEAREST)
    outcomes = []
    for graph in graphs:
        built = _in_a_process(build, task, graph)
        say(f"{task.size:,} vectors with {graph.neighbours} neighbours, {graph.weighed} weighed")
        for breadth in searched:
            shape = replace(graph, searched=breadth)
            outcomes.append(_in_a_process(search, task, shape, built, truth))
    return outcomes


def _in_a_process(work: Callable[..., _T], *arguments: object) -> _T:
    """Do the work where nothing else takes memory."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(work, *arguments).result()


def build(task: Task, graph: Graph) -> Built:
    """Store the vectors; what an earlier run stored stays, and its cost is on file."""
    folder = task.folder(graph)
    note = folder.with_suffix(".json")
    if note.exists():
        return Built(**json.loads(note.read_text(encoding="utf-8")))
    store = ChromaStore(folder, EMBEDDER, np.load(task.queries).shape[1], graph=graph)
    done, seconds, process = store.count(), 0.0, 0.0
    start = 0
    for part in task.parts():
        fresh = part[max(0, done - start) :]
        records = [_record(start + len(part) - len(fresh) + row) for row in range(len(fresh))]
        began = time.perf_counter(), time.process_time()
        store.upsert(records, fresh)
        seconds += time.perf_counter() - began[0]
        process += time.process_time() - began[1]
        start += len(part)
    store.close()
    stored = max(1, task.size - done)
    built = Built(
        vectors=task.size,
        # Where a run was cut off, its rest stands for the whole.
        seconds=seconds * task.size / stored,
        process=process * task.size / stored,
        disk_bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
    )
    note.write_text(json.dumps(vars(built)), encoding="utf-8")
    return built


def _record(place: int) -> PassageRecord:
    return PassageRecord(
        paper_id=f"p{place}",
        start=0,
        end=1000,
        content_hash=f"{place:016x}",
        year=2000 + place % 26,
        tags=(f"topic:t{place % 50}", f"source:s{place % 7}"),
    )


def search(task: Task, graph: Graph, built: Built, truth: Sequence[set[int]]) -> Searched:
    """Search a store as the product does; the first queries, which load it, don't count."""
    import chromadb  # noqa: F401 - what the package itself takes is no vector's

    queries = np.load(task.queries)
    before = memory()
    began = time.perf_counter()
    store = ChromaStore(task.folder(graph), EMBEDDER, queries.shape[1], graph=graph)
    store.search(queries[0], LIMIT)
    opened = time.perf_counter() - began
    seconds, process, hits = [], 0.0, 0
    for query, nearest in zip(queries, truth, strict=True):
        began, busy = time.perf_counter(), time.process_time()
        found = store.search(query, LIMIT)
        seconds.append(time.perf_counter() - began)
        process += time.process_time() - busy
        hits += len(nearest & {int(one.paper_id[1:]) for one, _ in found[:NEAREST]})
    held = memory() - before
    store.close()
    seconds.sort()
    return Searched(
        graph=graph,
        built=built,
        recall=hits / (NEAREST * len(queries)),
        p50=seconds[len(seconds) // 2],
        p95=seconds[math.ceil(0.95 * len(seconds)) - 1],
        process=process / len(queries),
        memory_bytes=held,
        open_seconds=opened,
    )


def memory() -> int:
    """Return the bytes that this process holds."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0
