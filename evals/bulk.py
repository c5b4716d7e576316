"""Adding by Ray's workers: two actors against one, and a node killed in the middle."""

import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from assistant.app import Assistant
from assistant.indexing import EMBED_BATCH
from assistant.readers import read_file, read_papers
from assistant.settings import Settings
from assistant.types import Paper
from evals.readings import Reading

BAR = 1.7
TWO = 2
ADDED_AGAIN = 3
# The node that stays is full: its actor's batches wait so long for a place before they begin anew.
PATIENCE = 90.0


@dataclass(frozen=True, kw_only=True)
class Survival:
    """What a library held after a node of its workers was killed, and the command given again."""

    papers: int
    killed_at: int
    lost: int
    doubled: int
    embedded_again: int

    def __str__(self) -> str:
        """One line."""
        return (
            f"{self.papers} papers on two nodes, one killed after {self.killed_at} had their "
            f"vectors: {self.lost} passages lost, {self.doubled} doubled; given again, the "
            f"command embedded {self.embedded_again} papers"
        )

    @property
    def is_clean(self) -> bool:
        """Whether a node was killed in the middle, and nothing was lost, doubled or done twice."""
        in_time = 0 < self.killed_at < self.papers
        return in_time and not (self.lost or self.doubled or self.embedded_again)


def sample(corpus: Path, size: int) -> list[Paper]:
    """Return the first papers of a file."""
    records = (record for record in read_papers(corpus) if isinstance(record, Paper))
    return list(islice(records, size))


def compare_actors(settings: Settings, papers: Sequence[Paper], rounds: int) -> list[Reading]:
    """Measure how many times as fast two actors embed as one, in turns, each of one thread.

    What is measured begins when every actor has done its first batch: it has its model then.
    """
    texts = [f"{paper.title}. {paper.abstract}" for paper in papers]
    batches = [texts[start : start + EMBED_BATCH] for start in range(0, len(texts), EMBED_BATCH)]
    rates: dict[int, list[float]] = {1: [], TWO: []}
    for _ in range(rounds):
        for actors, found in rates.items():
            found.append(_rate(settings, batches, actors))
    one, two = (sum(found) / len(found) for found in rates.values())
    ratios = ", ".join(f"{b / a:.2f}" for a, b in zip(rates[1], rates[TWO], strict=True))
    return [
        Reading(
            name=f"two actors' {two:.1f} papers/s to one's {one:.1f} (rounds: {ratios})",
            value=two / one,
            limit=BAR,
            unit="",
            at_least=True,
        )
    ]


def _rate(settings: Settings, batches: Sequence[Sequence[str]], actors: int) -> float:
    """Return papers per second."""
    from assistant.adapters.embedders import embedder_name
    from assistant.adapters.ray_workers import RayWorkers

    name = embedder_name(settings.embedder)
    with RayWorkers(read_file, name, settings, actors=actors) as workers:
        began, done = 0.0, 0
        for number, (place, _) in enumerate(workers.embed(batches), start=1):
            if number > actors:
                done += len(batches[place])
            else:
                began = time.perf_counter()
        return done / (time.perf_counter() - began)


def kill_a_node(settings: Settings, papers: Sequence[Paper], *, by_files: int = 4) -> Survival:
    """Add papers, some of them given twice, on two nodes here; kill one amid the embedding.

    Then give the same command again. Each node has one processor, so each holds one actor.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        files = _write(papers, work, by_files)
        settings = replace(settings, home=work / "home")
        killed_at = _add_and_kill(settings, files, len(papers))
        embedded: list[int] = []
        with Assistant(settings, progress=_counting(embedded)) as assistant:
            assistant.add_in_bulk(*files, actors=1)
            library = assistant.library
            expected = Counter(
                (paper.id, paper.content_hash)
                for paper in assistant.papers()
                for _ in library.split(paper.abstract)
            )
            found = Counter(library.store().passages())
            missing = len(papers) - assistant.count()
        return Survival(
            papers=len(papers),
            killed_at=killed_at,
            lost=(expected - found).total() + max(0, missing),
            doubled=(found - expected).total() + max(0, -missing),
            embedded_again=max(embedded, default=0),
        )


def _write(papers: Sequence[Paper], folder: Path, count: int) -> list[Path]:
    """Write the papers in shards, every third of them in two."""
    shards: list[list[Paper]] = [[] for _ in range(count)]
    for number, paper in enumerate(papers):
        shards[number % count].append(paper)
        if number % ADDED_AGAIN == 0:
            shards[(number + 1) % count].append(paper)
    files = [folder / f"shard-{number}.jsonl" for number in range(count)]
    for file, shard in zip(files, shards, strict=True):
        lines = [json.dumps(replace(paper, raw_abstract="").to_dict()) for paper in shard]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return files


def _add_and_kill(settings: Settings, files: Sequence[Path], total: int) -> int:
    """Add the files on a cluster of two nodes; return how many had vectors at the kill."""
    from assistant.adapters.ray_workers import ENVIRONMENT

    os.environ.update(ENVIRONMENT)
    from ray.cluster_utils import Cluster

    # Ray gives a node 30 seconds to start: what nobody looks at here is left out.
    bare: dict[str, Any] = {"include_dashboard": False, "include_log_monitor": False}
    bare |= {"num_cpus": 1}
    cluster: Any = Cluster(initialize_head=True, head_node_args=bare | {"no_monitor": True})
    node = cluster.add_node(**bare)
    cluster.wait_for_nodes()
    killed_at = 0

    def kill(what: str, done: int, _: int) -> None:
        nonlocal killed_at
        if what == "embedding papers" and not killed_at and done >= total // 4:
            cluster.remove_node(node, allow_graceful=False)
            killed_at = done

    try:
        with Assistant(settings, progress=kill) as assistant:
            assistant.add_in_bulk(*files, address=cluster.address, actors=TWO, patience=PATIENCE)
    finally:
        cluster.shutdown()
    return killed_at


def _counting(embedded: list[int]) -> Callable[[str, int, int], None]:
    def note(what: str, done: int, _: int) -> None:
        if what == "embedding papers":
            embedded.append(done)

    return note
