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

# A paper's title and the opening of its abstract: a quarter of the work of the whole, which
# would take hours here. What a graph of vectors costs and finds doesn't hang on the texts' length.
OPENING_TOKENS = 64
WINDOW = 1024


def real_vectors(
    corpus: Path, settings: Settings, cache: Path, say: Callable[[str], object]
) -> Vectors:
    """Return (papers, dimension) vectors of titles and openings; interrupted, it goes on.

    They stay in the folder `cache`, in a file named by the corpus.
    """
    size = sum(1 for _ in papers_of(corpus))
    embedder = opening_embedder(settings)
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"vectors-{_digest(corpus)}-{OPENING_TOKENS}.npy"
    mark = path.with_suffix(".done")
    rows: Any = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
        path,
        mode="r+" if path.exists() else "w+",
        dtype=np.float32,
        shape=(size, embedder.dimension),
    )
    done = int(mark.read_text(encoding="ascii")) if mark.exists() else 0
    left = islice(papers_of(corpus), done, None)
    while window := list(islice(left, WINDOW)):
        rows[done : done + len(window)] = embedder.embed(
            [f"{paper.title}. {paper.abstract}" for paper in window]
        )
        rows.flush()
        done += len(window)
        mark.write_text(str(done), encoding="ascii")
        say(f"embedded {done:,} of {size:,} papers")
    found: Vectors = np.load(path, mmap_mode="r")
    return found


def opening_embedder(settings: Settings) -> OnnxEmbedder:
    """Return the embedded encoder, cutting each text after its opening.

    Raises:
        ModelFilesError: its files can't be had.
    """
    embedded_embedder(settings.models, settings.threads, _silent, offline=settings.offline)
    folder = settings.models / "all-MiniLM-L6-v2"
    return OnnxEmbedder(
        folder / "encoder.onnx",
        folder / "tokenizer.json",
        "openings",
        settings.threads,
        EncoderForm(max_tokens=OPENING_TOKENS),
    )


def papers_of(corpus: Path) -> Iterator[Paper]:
    """Yield the papers of a file."""
    return (record for record in read_papers(corpus) if isinstance(record, Paper))


def _digest(corpus: Path) -> str:
    with corpus.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _silent(what: str, done: int, total: int) -> None:
    """Report no progress."""
