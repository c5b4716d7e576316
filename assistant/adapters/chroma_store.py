"""Passage vectors in a Chroma collection, in a folder or on a server."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from assistant.adapters.chroma_graph import GRAPH, Graph
from assistant.adapters.chroma_places import EMBEDDED, ChromaFolder, Place
from assistant.adapters.chroma_segments import blank_unused
from assistant.errors import EmbedderMismatchError
from assistant.protocols import PassageRecord, Vectors
from assistant.types import AllOf, AnyOf, HasTag, Required, YearBetween

COLLECTION = "passages"
_CHUNK = 500
UNKNOWN_YEAR = -1
# The index is searched approximately, and is another each time it is built. Up to so many
# passages all are asked for, some 2 ms more: then the best are always the same.
EXACT = 1000


class ChromaStore:
    """Passages in one cosine collection that names the embedder it was made with."""

    def __init__(
        self,
        place: Path | Place,
        embedder: str,
        dimension: int,
        collection: str = COLLECTION,
        graph: Graph = GRAPH,
    ) -> None:
        """Open or create the collection in `place`, where a path means a folder.

        A new one gets the graph's shape.

        Raises:
            EmbedderMismatchError: the stored vectors come from another embedder.
            StoreUnavailableError: the server can't be reached.
            LibraryError: Chroma can't open the folder.
        """
        self._place = _place(place)
        self.name = collection
        self._graph = graph
        self._dimension = dimension
        self._identity = {"embedder": embedder, "dimension": dimension, "distance": "cosine"}
        self._lock = self._place.lock()
        self._blanked: dict[Path, int] = {}
        self._open()

    def _open(self) -> None:
        self._is_large = False
        self._client = self._place.open()
        try:
            with _translated(self._place):
                self._collection = self._client.get_or_create_collection(
                    self.name,
                    metadata=self._identity,
                    embedding_function=None,
                    configuration={"hnsw": {"space": "cosine", **self._graph.as_configuration()}},
                )
                self._search_as_wanted()
            self._check_identity()
        except BaseException:
            self._client.close()
            raise

    @property
    def key(self) -> str:
        """What tells this store from every other that a library may have had."""
        return (
            EMBEDDED if isinstance(self._place, ChromaFolder) else f"server {self._collection.id}"
        )

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
        """See what another process has written: Chroma reads its index only at the start.

        A server tells what is there.
        """
        if isinstance(self._place, ChromaFolder):
            with self._lock:
                self._client.close()
                self._open()

    def ask(self) -> None:
        """Make sure that a server answers; a folder always does.

        Raises:
            StoreUnavailableError: it doesn't.
        """
        if not isinstance(self._place, ChromaFolder):
            with _translated(self._place):
                self._client.version()

    def close(self) -> None:
        """Release Chroma's files, or the connections."""
        with self._lock:
            self._client.close()

    def drop(self) -> None:
        """Delete the collection."""
        with self._lock, _translated(self._place):
            self._client.delete_collection(self.name)

    def _check_identity(self) -> None:
        stored = self._collection.metadata or {}
        for name, mine in self._identity.items():
            if stored.get(name) != mine:
                raise EmbedderMismatchError(
                    f"The vectors in {self._place} were made with {name} {stored.get(name)!r}, "
                    f"now it is {mine!r}; run 'assistant doctor --rebuild' to "
                    "compute them anew."
                )

    @classmethod
    def renewed(
        cls, place: Path | Place, embedder: str, dimension: int, collection: str = COLLECTION
    ) -> "ChromaStore":
        """Return an empty store in place of what is there, whatever its state.

        A damaged folder is set aside, not deleted; what is wrong with a server is raised.
        """
        place = _place(place)
        try:
            drop_collection(place, collection)
            return cls(place, embedder, dimension, collection)
        except Exception as error:
            # Whatever is wrong with it, a new one is made.
            if not place.set_aside():
                raise place.error(error) from error
            return cls(place, embedder, dimension, collection)

    @contextlib.contextmanager
    def _written(self) -> Iterator[None]:
        """Write; the files that Chroma made of this process's memory keep nothing else of it."""
        self._is_large = False
        with _translated(self._place):
            yield
            if isinstance(self._place, ChromaFolder):
                self._blanked = blank_unused(self._place.folder, self._blanked)

    def upsert(self, passages: Sequence[PassageRecord], vectors: Vectors) -> None:
        """Store passages; the same passage twice is stored once."""
        size = self._client.get_max_batch_size()
        for start in range(0, len(passages), size):
            batch = passages[start : start + size]
            with self._written():
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
            with self._written():
                self._collection.delete(ids=stale[start : start + _CHUNK])

    def retag(self, current: Mapping[str, tuple[int | None, Sequence[str]]]) -> None:
        """Store year and tags anew, by paper id, with the passages there are."""
        stored = self._stored(list(current))
        for start in range(0, len(stored), _CHUNK):
            part = stored[start : start + _CHUNK]
            with self._written():
                self._collection.update(
                    ids=[passage_id for passage_id, _ in part],
                    metadatas=[_metadata(paper_id, *current[paper_id]) for _, paper_id in part],
                )

    def _stored(self, paper_ids: Sequence[str]) -> list[tuple[str, str]]:
        """Return (passage id, paper id) of all passages of the papers."""
        stored: list[tuple[str, str]] = []
        for start in range(0, len(paper_ids), _CHUNK):
            with _translated(self._place):
                found = self._collection.get(
                    where={"paper_id": {"$in": list(paper_ids[start : start + _CHUNK])}},
                    include=["metadatas"],
                )
            owners = [str(metadata["paper_id"]) for metadata in found["metadatas"] or []]
            stored += zip(found["ids"], owners, strict=True)
        return stored

    def discard(self, passages: Sequence[PassageRecord]) -> None:
        """Delete these passages."""
        for start in range(0, len(passages), _CHUNK):
            with self._written():
                self._collection.delete(
                    ids=[_passage_id(passage) for passage in passages[start : start + _CHUNK]]
                )

    def remove(self, paper_ids: Sequence[str]) -> None:
        """Delete all passages of the papers."""
        for start in range(0, len(paper_ids), _CHUNK):
            with self._written():
                self._collection.delete(
                    where={"paper_id": {"$in": list(paper_ids[start : start + _CHUNK])}}
                )

    def vectors(self, current: Mapping[str, str]) -> dict[str, Vectors]:
        """Return (passages, dimension) vectors by paper id, of passages with the given hash."""
        found: dict[str, list[tuple[int, Vectors]]] = {}
        ids = list(current)
        for start in range(0, len(ids), _CHUNK):
            with self._lock, _translated(self._place):
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

    def read(self, paper_ids: Sequence[str]) -> tuple[list[PassageRecord], Vectors]:
        """Return all passages of the papers, in the order of their ids, and their vectors."""
        rows: list[tuple[str, Mapping[str, Any], Any]] = []
        for start in range(0, len(paper_ids), _CHUNK):
            with self._lock, _translated(self._place):
                found = self._collection.get(
                    where={"paper_id": {"$in": list(paper_ids[start : start + _CHUNK])}},
                    include=["embeddings", "metadatas"],
                )
            parts = (found["ids"], found["metadatas"] or [], found["embeddings"])
            rows += zip(*parts, strict=True)
        rows.sort(key=lambda row: row[0])
        vectors = np.array([row[2] for row in rows], np.float32)
        records = [_whole(passage_id, metadata) for passage_id, metadata, _ in rows]
        return records, vectors.reshape(len(rows), self._dimension)

    def search(
        self, vector: Vectors, limit: int, required: Required | None = None
    ) -> list[tuple[PassageRecord, float]]:
        """Return the nearest passages with their cosine similarity, best first."""
        with self._lock, _translated(self._place):
            found = self._collection.query(
                query_embeddings=vector.reshape(1, -1),
                n_results=self._asked_for(limit),
                where=None if required is None else _where(required),
                include=["distances"],
            )
        distances = (found["distances"] or [[]])[0]
        return [
            (_record(passage_id), 1.0 - float(distance))
            for passage_id, distance in zip(found["ids"][0][:limit], distances[:limit], strict=True)
        ]

    def _asked_for(self, limit: int) -> int:
        """Return how many to ask for: of a few passages all.

        Many are counted once: Chroma takes 0.1 s to count a million, and 7 ms to search them.
        """
        if not self._is_large:
            count = int(self._collection.count())
            self._is_large = count > EXACT
            return limit if self._is_large else max(limit, count)
        return limit

    def passages(self) -> Iterator[tuple[str, str]]:
        """Yield (paper id, content hash) of every passage there is."""
        for start in range(0, self.count(), _CHUNK):
            with _translated(self._place):
                found = self._collection.get(limit=_CHUNK, offset=start, include=[])
            for passage_id in found["ids"]:
                record = _record(passage_id)
                yield record.paper_id, record.content_hash

    def count(self) -> int:
        """Return the number of passages."""
        with _translated(self._place):
            return int(self._collection.count())


def drop_collection(place: Place, name: str) -> None:
    """Delete a collection, if there is one of that name.

    Raises:
        LibraryError: the place can't be opened or written.
    """
    import chromadb.errors

    with _translated(place):
        client = place.open()
        try:
            with contextlib.suppress(chromadb.errors.NotFoundError):
                client.delete_collection(name)
        finally:
            client.close()


@contextlib.contextmanager
def _translated(place: Place) -> Iterator[None]:
    """Turn whatever Chroma raises into a `LibraryError` that says what to do."""
    try:
        yield
    except Exception as error:
        raise place.error(error) from error


def _place(place: Path | Place) -> Place:
    return ChromaFolder(folder=place) if isinstance(place, Path) else place


def _passage_id(passage: PassageRecord) -> str:
    """Return an id that says which passage it is: ids come with a search, the rest costs more."""
    return f"{passage.start}-{passage.end}-{passage.content_hash}-{passage.paper_id}"


def _record(passage_id: str) -> PassageRecord:
    start, end, content_hash, paper_id = passage_id.split("-", 3)
    return PassageRecord(
        paper_id=paper_id, start=int(start), end=int(end), content_hash=content_hash
    )


def _whole(passage_id: str, metadata: Mapping[str, Any]) -> PassageRecord:
    """Return the record with what its metadata tells."""
    year = int(metadata["year"])
    tags = tuple(str(tag) for tag in metadata.get("tags") or ())
    return replace(_record(passage_id), year=None if year == UNKNOWN_YEAR else year, tags=tags)


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
