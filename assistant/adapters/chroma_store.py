"""Passage vectors in a persistent Chroma collection."""

import contextlib
import secrets
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import EmbedderMismatchError, LibraryError
from assistant.protocols import PassageRecord, Vectors
from assistant.types import AllOf, AnyOf, HasTag, Required, YearBetween

COLLECTION = "passages"
_CHUNK = 500
UNKNOWN_YEAR = -1
# The index is searched approximately, and is another each time it is built. Up to so many
# passages all are asked for, some 2 ms more: then the best are always the same.
EXACT = 1000


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The shape of the index (HNSW, Malkov & Yashunin 2018); docs/scale.md has the measurements.

    How many neighbours a vector is linked to, and how many candidates are weighed for them and in
    a search. What is stored keeps its links; the last counts from the next opening on.
    """

    neighbours: int = 32
    weighed: int = 200
    searched: int = 200


GRAPH = Graph()


class ChromaStore:
    """Passages in one cosine collection that names the embedder it was made with."""

    def __init__(
        self,
        folder: Path,
        embedder: str,
        dimension: int,
        collection: str = COLLECTION,
        graph: Graph = GRAPH,
    ) -> None:
        """Open or create the collection below `folder`; a new one gets the graph's shape.

        Raises:
            EmbedderMismatchError: the stored vectors come from another embedder.
            LibraryError: Chroma can't open the folder.
        """
        self._folder = folder
        self.name = collection
        self._graph = graph
        self._identity = {"embedder": embedder, "dimension": dimension, "distance": "cosine"}
        self._lock = threading.RLock()
        self._open()

    def _open(self) -> None:
        self._client = _open_client(self._folder)
        try:
            self._collection = self._client.get_or_create_collection(
                self.name,
                metadata=self._identity,
                embedding_function=None,
                configuration={
                    "hnsw": {
                        "space": "cosine",
                        "max_neighbors": self._graph.neighbours,
                        "ef_construction": self._graph.weighed,
                        "ef_search": self._graph.searched,
                    }
                },
            )
            self._search_as_wanted()
        except Exception as error:
            raise _library_error(self._folder, error) from error
        self._check_identity()

    def _search_as_wanted(self) -> None:
        """Search a collection that was made with other settings as one that is made now.

        One that can't be written is searched as it was made.
        """
        import chromadb.errors

        stored = (self._collection.configuration_json or {}).get("hnsw") or {}
        if stored.get("ef_search") != self._graph.searched:
            with warnings.catch_warnings(), contextlib.suppress(chromadb.errors.ChromaError):
                # Chroma warns of every collection whose vectors it doesn't compute itself.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._collection.modify(configuration={"hnsw": {"ef_search": self._graph.searched}})

    def reopen(self) -> None:
        """See what another process has written: Chroma reads its index only at the start."""
        with self._lock:
            self._client.close()
            self._open()

    def close(self) -> None:
        """Release Chroma's files."""
        with self._lock:
            self._client.close()

    def drop(self) -> None:
        """Delete the collection."""
        with self._lock, _translated(self._folder):
            self._client.delete_collection(self.name)

    def _check_identity(self) -> None:
        stored = self._collection.metadata or {}
        for name, mine in self._identity.items():
            if stored.get(name) != mine:
                raise EmbedderMismatchError(
                    f"The vectors in {self._folder} were made with {name} {stored.get(name)!r}, "
                    f"now it is {mine!r}; run 'assistant doctor --rebuild' to "
                    "compute them anew."
                )

    @classmethod
    def renewed(
        cls, folder: Path, embedder: str, dimension: int, collection: str = COLLECTION
    ) -> "ChromaStore":
        """Return an empty store in place of what is there, whatever its state.

        A damaged folder is set aside, not deleted.
        """
        import chromadb.api.shared_system_client as shared
        import chromadb.errors

        try:
            with contextlib.suppress(chromadb.errors.NotFoundError):
                _open_client(folder).delete_collection(collection)
            return cls(folder, embedder, dimension, collection)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is made
            # Chroma keeps what it once opened; a new folder of the same name needs a new start.
            shared.SharedSystemClient.clear_system_cache()
            aside = folder.with_name(f"{folder.name}-damaged-{time.time_ns()}")
            folder.rename(aside)
            return cls(folder, embedder, dimension, collection)

    def upsert(self, passages: Sequence[PassageRecord], vectors: Vectors) -> None:
        """Store passages; the same passage twice is stored once."""
        size = self._client.get_max_batch_size()
        for start in range(0, len(passages), size):
            batch = passages[start : start + size]
            with _translated(self._folder):
                self._collection.upsert(
                    ids=[_passage_id(passage) for passage in batch],
                    embeddings=vectors[start : start + size],
                    metadatas=[
                        _metadata(passage.paper_id, passage.year, passage.tags) for passage in batch
                    ],
                )

    def remove_stale(self, current: Mapping[str, str]) -> None:
        """Delete passages of the named papers whose content hash isn't the current one."""
        stale = [
            passage_id
            for passage_id, paper_id in self._stored(list(current))
            if f"-{current[paper_id]}-" not in passage_id
        ]
        for start in range(0, len(stale), _CHUNK):
            with _translated(self._folder):
                self._collection.delete(ids=stale[start : start + _CHUNK])

    def retag(self, current: Mapping[str, tuple[int | None, Sequence[str]]]) -> None:
        """Store year and tags anew, by paper id, with the passages there are."""
        stored = self._stored(list(current))
        for start in range(0, len(stored), _CHUNK):
            part = stored[start : start + _CHUNK]
            with _translated(self._folder):
                self._collection.update(
                    ids=[passage_id for passage_id, _ in part],
                    metadatas=[_metadata(paper_id, *current[paper_id]) for _, paper_id in part],
                )

    def _stored(self, paper_ids: Sequence[str]) -> list[tuple[str, str]]:
        """Return (passage id, paper id) of all passages of the papers."""
        stored: list[tuple[str, str]] = []
        for start in range(0, len(paper_ids), _CHUNK):
            with _translated(self._folder):
                found = self._collection.get(
                    where={"paper_id": {"$in": list(paper_ids[start : start + _CHUNK])}},
                    include=["metadatas"],
                )
            owners = [str(metadata["paper_id"]) for metadata in found["metadatas"] or []]
            stored += zip(found["ids"], owners, strict=True)
        return stored

    def remove(self, paper_ids: Sequence[str]) -> None:
        """Delete all passages of the papers."""
        for start in range(0, len(paper_ids), _CHUNK):
            with _translated(self._folder):
                self._collection.delete(
                    where={"paper_id": {"$in": list(paper_ids[start : start + _CHUNK])}}
                )

    def vectors(self, current: Mapping[str, str]) -> dict[str, Vectors]:
        """Return (passages, dimension) vectors by paper id, of passages with the given hash."""
        found: dict[str, list[tuple[int, Vectors]]] = {}
        ids = list(current)
        for start in range(0, len(ids), _CHUNK):
            with self._lock, _translated(self._folder):
                part = self._collection.get(
                    where={"paper_id": {"$in": ids[start : start + _CHUNK]}},
                    include=["embeddings"],
                )
            for passage_id, row in zip(part["ids"], part["embeddings"], strict=True):
                record = _record(passage_id)
                if record.content_hash == current[record.paper_id]:
                    found.setdefault(record.paper_id, []).append((record.start, row))
        return {
            paper_id: np.array([row for _, row in sorted(rows, key=lambda one: one[0])], np.float32)
            for paper_id, rows in found.items()
        }

    def search(
        self, vector: Vectors, limit: int, required: Required | None = None
    ) -> list[tuple[PassageRecord, float]]:
        """Return the nearest passages with their cosine similarity, best first."""
        with self._lock, _translated(self._folder):
            count = int(self._collection.count())
            found = self._collection.query(
                query_embeddings=vector.reshape(1, -1),
                n_results=max(limit, count) if count <= EXACT else limit,
                where=None if required is None else _where(required),
                include=["distances"],
            )
        distances = (found["distances"] or [[]])[0]
        return [
            (_record(passage_id), 1.0 - float(distance))
            for passage_id, distance in zip(found["ids"][0][:limit], distances[:limit], strict=True)
        ]

    def passages(self) -> Iterator[tuple[str, str]]:
        """Yield (paper id, content hash) of every passage there is."""
        for start in range(0, self.count(), _CHUNK):
            with _translated(self._folder):
                found = self._collection.get(limit=_CHUNK, offset=start, include=[])
            for passage_id in found["ids"]:
                record = _record(passage_id)
                yield record.paper_id, record.content_hash

    def count(self) -> int:
        """Return the number of passages."""
        with _translated(self._folder):
            return int(self._collection.count())


class _translated:  # noqa: N801 - reads as a statement: `with _translated(folder):`
    """Turn whatever Chroma raises into a `LibraryError` that says what to do."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            raise _library_error(self._folder, error) from error


def _library_error(folder: Path, error: Exception) -> LibraryError:
    return LibraryError(
        f"Chroma failed on {folder} ({type(error).__name__}: {error}); check free disk space and "
        "that no other program writes there; 'assistant doctor --rebuild' restores the vectors."
    )


def _open_client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    try:
        folder.mkdir(parents=True, exist_ok=True)
        return chromadb.PersistentClient(
            _own_spelling(folder), settings=Settings(anonymized_telemetry=False, allow_reset=False)
        )
    except Exception as error:
        raise _library_error(folder, error) from error


def _own_spelling(folder: Path) -> str:
    """Return the folder written as no other client writes it.

    Clients that name one folder alike share what they have read of it, and closing one of them
    makes none read it again.
    """
    marks = ("/." if bit == "1" else "/" for bit in f"{secrets.randbits(32):032b}")
    return str(folder) + "".join(marks)


def _passage_id(passage: PassageRecord) -> str:
    """Return an id that says which passage it is: ids come with a search, the rest costs more."""
    return f"{passage.start}-{passage.end}-{passage.content_hash}-{passage.paper_id}"


def _record(passage_id: str) -> PassageRecord:
    start, end, content_hash, paper_id = passage_id.split("-", 3)
    return PassageRecord(
        paper_id=paper_id, start=int(start), end=int(end), content_hash=content_hash
    )


def _metadata(paper_id: str, year: int | None, tags: Sequence[str]) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "paper_id": paper_id,
        # An update keeps what isn't named, and takes a missing value for nothing to change.
        "year": UNKNOWN_YEAR if year is None else year,
    }
    return metadata | {"tags": list(tags)} if tags else metadata


def _where(required: Required) -> dict[str, Any]:
    """Return the condition in Chroma's language."""
    match required:
        case HasTag(tag):
            return {"tags": {"$contains": tag}}
        case YearBetween(low, high):
            least = {"year": {"$gte": UNKNOWN_YEAR + 1 if low is None else low}}
            return least if high is None else {"$and": [least, {"year": {"$lte": high}}]}
        case AllOf(parts):
            return {"$and": [_where(part) for part in parts]}
        case AnyOf(parts):
            return {"$or": [_where(part) for part in parts]}
