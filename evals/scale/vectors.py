"""Real vectors of many papers, kept in a file; and more of them, perturbed."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from assistant.adapters.embedders import embedded_embedder
from assistant.adapters.onnx_embedder import EncoderForm, OnnxEmbedder
from assistant.protocols import Vectors
from assistant.readers import read_papers
from assistant.settings import Settings
from assistant.types import Paper

WINDOW = 1024
# Two copies of a vector are then as near to each other as two papers of one topic.
NOISE = 0.035
PART = 10_000


def real_vectors(
    corpus: Path,
    settings: Settings,
    cache: Path,
    tokens: int,
    limit: int | None,
    say: Callable[[str], object],
) -> tuple[Path, int]:
    """Make vectors of papers' titles and abstracts; interrupted, it goes on.

    Each text is cut after so many tokens. Returns the file of (papers, dimension) vectors in the
    folder `cache`, named by corpus and tokens, and how many of them, `limit` at most, are made.
    """
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"vectors-{_digest(corpus)}-{tokens}.npy"
    mark = path.with_suffix(".done")
    done = int(mark.read_text(encoding="ascii")) if mark.exists() else 0
    size = np.load(path, mmap_mode="r").shape[0] if path.exists() else _count(corpus)
    wanted = min(size, limit or size)
    if done >= wanted:
        return path, wanted
    embedder = opened(settings, tokens)
    rows: Any = np.lib.format.open_memmap(
        path,
        mode="r+" if path.exists() else "w+",
        dtype=np.float32,
        shape=(size, embedder.dimension),
    )
    left = islice(papers_of(corpus), done, wanted)
    while window := list(islice(left, WINDOW)):
        rows[done : done + len(window)] = embedder.embed(
            [f"{paper.title}. {paper.abstract}" for paper in window]
        )
        rows.flush()
        done += len(window)
        mark.write_text(str(done), encoding="ascii")
        say(f"embedded {done:,} of {wanted:,} papers")
    return path, wanted


def opened(settings: Settings, tokens: int) -> OnnxEmbedder:
    """Return the embedded encoder, cutting each text after so many tokens.

    Raises:
        ModelFilesError: its files can't be had.
    """
    embedded_embedder(settings.models, settings.threads, _silent, offline=settings.offline)
    folder = settings.models / "all-MiniLM-L6-v2"
    return OnnxEmbedder(
        folder / "encoder.onnx",
        folder / "tokenizer.json",
        "all-MiniLM-L6-v2",
        settings.threads,
        EncoderForm(max_tokens=tokens),
    )


def enlarged(real: Vectors, size: int) -> Iterator[Vectors]:
    """Yield `size` unit vectors in parts: the real ones, then copies of them with noise.

    The same each time, so that what was stored can be made again for an exact search.
    """
    for start in range(0, size, PART):
        places = np.arange(start, min(start + PART, size))
        rows = np.array(real[places % len(real)])
        copies = places >= len(real)
        noise = np.random.default_rng(start).normal(scale=NOISE, size=rows.shape)
        rows[copies] += noise.astype(np.float32)[copies]
        yield rows / np.linalg.norm(rows, axis=1, keepdims=True)


def exact(parts: Iterator[Vectors], queries: Vectors, count: int) -> list[set[int]]:
    """Return the places of the `count` nearest vectors of each query, by looking at all."""
    best = np.full((len(queries), 0), 0.0, np.float32)
    places = np.full((len(queries), 0), 0, np.int64)
    start = 0
    for part in parts:
        here = np.broadcast_to(np.arange(start, start + len(part)), (len(queries), len(part)))
        scores = np.concatenate([best, queries @ part.T], axis=1)
        places = np.concatenate([places, here], axis=1)
        order = np.argpartition(-scores, min(count, scores.shape[1] - 1), axis=1)[:, :count]
        best = np.take_along_axis(scores, order, axis=1)
        places = np.take_along_axis(places, order, axis=1)
        start += len(part)
    return [set(map(int, row)) for row in places]


def _count(corpus: Path) -> int:
    return sum(1 for _ in papers_of(corpus))


def papers_of(corpus: Path) -> Iterator[Paper]:
    """Yield the papers of a file."""
    return (record for record in read_papers(corpus) if isinstance(record, Paper))


def _digest(corpus: Path) -> str:
    with corpus.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _silent(what: str, done: int, total: int) -> None:
    """Report no progress."""
