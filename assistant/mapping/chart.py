"""The map of a library as data: drawn from papers and vectors, stored as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.mapping.clusters import cluster_count, clustered
from assistant.mapping.naming import cluster_names
from assistant.mapping.projection import Floats, laid_out, principal_components
from assistant.types import Paper

SEED = 7
WIDTH = 50  # principal components that clusters and neighbours are found in
VERSION = 1  # of how maps are drawn: a higher one makes stored maps be drawn anew


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A paper's place, both coordinates within [-1, 1], and its cluster's number."""

    paper_id: str
    title: str
    year: int | None
    x: float
    y: float
    cluster: int


@dataclass(frozen=True, kw_only=True)
class LibraryMap:
    """The dots of papers, clusters' names from the largest down, and the library's size."""

    dots: tuple[Dot, ...]
    names: tuple[str, ...]
    papers: int


def sampled(paper_ids: Sequence[str], most: int, seed: int = SEED) -> list[str]:
    """Return all ids, or `most` of them drawn at random, in the order given."""
    if len(paper_ids) <= most:
        return list(paper_ids)
    drawn = np.random.default_rng(seed).choice(len(paper_ids), most, replace=False)
    return [paper_ids[place] for place in sorted(drawn)]


def draw_map(papers: Sequence[Paper], vectors: Floats, total: int, seed: int = SEED) -> LibraryMap:
    """Return the map of `papers`, whose (n, dimension) `vectors` say which are alike.

    `total` is the size of the library that they are a sample of.
    """
    if not papers:
        return LibraryMap(dots=(), names=(), papers=total)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    points = principal_components(vectors / np.maximum(lengths, 1e-9), WIDTH)
    labels = clustered(points, cluster_count(len(papers)), seed)
    places = laid_out(points, seed)
    texts = [f"{paper.title}.\n{paper.abstract}" for paper in papers]
    dots = tuple(
        Dot(
            paper_id=paper.id,
            title=paper.title or paper.id,
            year=paper.year,
            x=round(float(x), 4),
            y=round(float(y), 4),
            cluster=int(label),
        )
        for paper, (x, y), label in zip(papers, places, labels, strict=True)
    )
    return LibraryMap(dots=dots, names=tuple(cluster_names(texts, labels.tolist())), papers=total)


def save_map(path: Path, fingerprint: str, chart: LibraryMap) -> None:
    """Store the map with what it was drawn from; a reader sees the old one or the new one.

    Raises:
        OSError: the file can't be written.
    """
    record = {"version": VERSION, "fingerprint": fingerprint, **asdict(chart)}
    half = path.with_suffix(".part")
    half.write_text(json.dumps(record), encoding="utf-8")
    half.replace(path)


def load_map(path: Path, fingerprint: str) -> LibraryMap | None:
    """Return the stored map, or None where there is none that was drawn from the same."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if (record["version"], record["fingerprint"]) != (VERSION, fingerprint):
            return None
        dots = tuple(Dot(**dot) for dot in record["dots"])
        return LibraryMap(dots=dots, names=tuple(record["names"]), papers=record["papers"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # Damaged or of another version: it is drawn anew.
