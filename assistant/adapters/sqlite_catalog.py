"""The catalog of papers in SQLite: the one record from which all else can be rebuilt."""

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from assistant.adapters.catalog_schema import prepare
from assistant.errors import LibraryError
from assistant.protocols import CatalogEntry, SourceRecord, Stage, Vectors
from assistant.types import Paper

_CHUNK = 500
_VectorTable = Literal["sentence_vectors", "passage_vectors"]
WAIT_SECONDS = 30


class SqliteCatalog:
    """Papers, their keys and sources, what each index must still take in, and vectors.

    Vectors of sentences, passages and words are kept as float16. Each thread has a connection
    of its own.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the catalog at `path`; an older schema is brought up to date.

        Raises:
            LibraryError: the folder can't be written, or a newer program made the file.
        """
        self._path = path
        self._local = threading.local()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            prepare(self._connection(), path)
        except (OSError, sqlite3.Error) as error:
            if path.parent.exists() and not os.access(path.parent, os.W_OK):
                raise LibraryError(
                    f"The library at {path} can't be opened: its folder can't be written (a "
                    "read-only file system, or no permission); make it writable, or set "
                    "ASSISTANT_HOME to another folder."
                ) from error
            raise LibraryError(
                f"The library at {path} can't be opened ({error}); check that the folder is "
                "writable and the disk not full, or set ASSISTANT_HOME to another folder."
            ) from error

    def _connection(self) -> sqlite3.Connection:
        """Return this thread's own connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=WAIT_SECONDS)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    @contextlib.contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        try:
            with connection:
                yield connection
        except sqlite3.Error as error:
            raise LibraryError(
                f"Writing to {self._path} failed ({error}); free disk space or check that the "
                "folder is writable, then run the command again: nothing stored was lost."
            ) from error

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    @property
    def folder(self) -> Path:
        """The folder that holds the catalog."""
        return self._path.parent

    # --- papers ------------------------------------------------------------------------

    def get(self, paper_id: str) -> Paper | None:
        """Return the paper, or None."""
        return self.get_many([paper_id]).get(paper_id)

    def get_many(self, paper_ids: Sequence[str]) -> dict[str, Paper]:
        """Return those of the papers that exist, by id."""
        rows = self._select("SELECT id, record FROM papers WHERE id IN ({})", paper_ids)
        return {paper_id: Paper.from_dict(json.loads(record)) for paper_id, record in rows}

    def owners(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """Return the ids of the papers that carry each key, the oldest first."""
        rows = self._select(
            "SELECT number, key, id FROM keys JOIN papers ON papers.id = keys.paper_id "
            "WHERE key IN ({})",
            keys,
        )
        found: dict[str, list[str]] = {}
        for _, key, paper_id in sorted(rows):
            found.setdefault(key, []).append(paper_id)
        return found

    def records(self, paper_ids: Sequence[str]) -> dict[str, list[SourceRecord]]:
        """Return the records that each paper came from, by paper id."""
        found: dict[str, list[SourceRecord]] = {}
        for paper_id, source, record_hash, run in self._select(
            "SELECT paper_id, source, record_hash, run FROM sources WHERE paper_id IN ({})",
            paper_ids,
        ):
            record = SourceRecord(source=source, record_hash=record_hash, run=run)
            found.setdefault(paper_id, []).append(record)
        return found

    def seen(self, records: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, int]]:
        """Return, for each (source, record hash) stored before, paper id and the paper's run."""
        wanted = set(records)
        rows = self._select(
            "SELECT source, record_hash, paper_id, "
            "(SELECT max(run) FROM sources AS any_of WHERE any_of.paper_id = sources.paper_id) "
            "FROM sources WHERE record_hash IN ({})",
            [record_hash for _, record_hash in wanted],
        )
        return {
            (source, record_hash): (paper_id, run)
            for source, record_hash, paper_id, run in rows
            if (source, record_hash) in wanted
        }

    def sources(self, paper_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the names of all files that gave each paper."""
        found: dict[str, list[str]] = {}
        query = "SELECT DISTINCT paper_id, source FROM sources WHERE paper_id IN ({})"
        for paper_id, source in sorted(self._select(query, paper_ids)):
            found.setdefault(paper_id, []).append(source)
        return found

    def papers(self) -> Iterator[Paper]:
        """Yield every paper in the order added."""
        # In parts: a reader that takes its time must not hold up the writers' checkpoints.
        last = 0
        while rows := self._select_all(
            "SELECT number, record FROM papers WHERE number > ? ORDER BY number LIMIT ?",
            (last, _CHUNK),
        ):
            last = rows[-1][0]
            for _, record in rows:
                yield Paper.from_dict(json.loads(record))

    def count(self) -> int:
        """Return the number of papers."""
        return int(self._select_all("SELECT count(*) FROM papers")[0][0])

    def generation(self) -> int:
        """Return a number that grows with every change of the papers."""
        return int(self.meta("generation") or 0)

    # --- changes -----------------------------------------------------------------------

    def begin_run(self) -> int:
        """Return a number for one run of `add`, higher than any before."""
        with self._write() as connection:
            return _next_number(connection, "run")

    def put(self, entries: Sequence[CatalogEntry], run: int) -> None:
        """Store papers with their keys and source records, all or none."""
        # Of several entries of one paper the last tells how it is; all their records count.
        last = {entry.paper.id: entry for entry in entries}
        query = "SELECT id, content_hash, tag_hash FROM papers WHERE id IN ({})"
        before = {row[0]: row[1:] for row in self._select(query, list(last))}
        with self._write() as connection:
            connection.executemany(
                "INSERT INTO papers (id, content_hash, tag_hash, record) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET content_hash = excluded.content_hash, "
                "tag_hash = excluded.tag_hash, record = excluded.record",
                [_row(entry) for entry in last.values()],
            )
            connection.executemany(
                "INSERT OR IGNORE INTO keys VALUES (?, ?)",
                [(key, entry.paper.id) for entry in entries for key in entry.keys],
            )
            for entry in entries:
                if entry.edited:
                    connection.execute(
                        "DELETE FROM sources WHERE paper_id = ? AND source = ? AND run < ?",
                        (entry.paper.id, entry.source, run),
                    )
                connection.execute(
                    "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?)",
                    (entry.paper.id, entry.source, entry.record_hash, run),
                )
            _enlist(connection, list(_stages(last.values(), before)))
            _next_number(connection, "generation")

    def touch(self, records: Sequence[tuple[str, str]], run: int) -> None:
        """Note that the (source, record hash) pairs were met again, unchanged."""
        with self._write() as connection:
            connection.executemany(
                "UPDATE sources SET run = ? WHERE source = ? AND record_hash = ?",
                [(run, source, record_hash) for source, record_hash in records],
            )

    def remove(self, paper_ids: Sequence[str]) -> int:
        """Forget the papers; return how many there were."""
        removed = 0
        with self._write() as connection:
            for chunk, marks in _chunks(paper_ids):
                gone = [
                    row[0]
                    for row in connection.execute(
                        f"SELECT id FROM papers WHERE id IN ({marks})",  # noqa: S608
                        chunk,
                    )
                ]
                connection.execute(f"DELETE FROM papers WHERE id IN ({marks})", chunk)  # noqa: S608
                stages: tuple[Stage, ...] = ("words", "vectors", "reembed")
                _enlist(connection, [(stage, one) for one in gone for stage in stages])
                removed += len(gone)
            if removed:
                _next_number(connection, "generation")
        return removed

    def vanished(self, prefix: str, run: int) -> list[tuple[str, str]]:
        """Return (paper id, source) of sources named `prefix…` that the run didn't meet."""
        return self._select_all(
            "SELECT paper_id, source FROM sources WHERE substr(source, 1, ?) = ? "
            "GROUP BY paper_id, source HAVING max(run) < ?",
            (len(prefix), prefix, run),
        )

    def unlink(self, links: Sequence[tuple[str, str]]) -> None:
        """Forget that the papers came from the sources, as (paper id, source)."""
        with self._write() as connection:
            connection.executemany("DELETE FROM sources WHERE paper_id = ? AND source = ?", links)
            _enlist(connection, [(stage, one) for one, _ in links for stage in ("words", "tags")])
            _next_number(connection, "generation")

    # --- what the indexes must still take in -------------------------------------------

    def todo(self, stage: Stage, limit: int) -> list[str]:
        """Return ids of at most `limit` papers that the stage must still take in."""
        query = "SELECT paper_id FROM todo WHERE stage = ? LIMIT ?"
        return [row[0] for row in self._select_all(query, (stage, limit))]

    def todo_count(self, stage: Stage) -> int:
        """Return how many papers the stage must still take in."""
        return int(self._select_all("SELECT count(*) FROM todo WHERE stage = ?", (stage,))[0][0])

    def done(self, stage: Stage, paper_ids: Sequence[str]) -> None:
        """Strike the papers off the stage's list."""
        with self._write() as connection:
            connection.executemany(
                "DELETE FROM todo WHERE stage = ? AND paper_id = ?",
                [(stage, paper_id) for paper_id in paper_ids],
            )
            if stage in ("vectors", "tags"):
                _next_number(connection, "vectors")

    def redo(self, *stages: Stage) -> None:
        """Put every paper on the stages' lists, as after the loss of an index."""
        with self._write() as connection:
            for stage in stages:
                connection.execute("INSERT OR IGNORE INTO todo SELECT ?, id FROM papers", (stage,))
                if stage == "sentences":
                    _forget_vectors(connection)

    def begin_reembed(self, collection: str) -> bool:
        """List every paper for new vectors; return False where that was begun before."""
        with self._write() as connection:
            target = connection.execute("SELECT value FROM meta WHERE key = 'reembed'").fetchone()
            if target and target[0] == collection:
                return False
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('reembed', ?)", (collection,))
            connection.execute("DELETE FROM todo WHERE stage = 'reembed'")
            connection.execute("INSERT INTO todo SELECT 'reembed', id FROM papers")
            return True

    def end_reembed(self, embedder: str, dimension: int, collection: str) -> None:
        """Let the new embedder's vectors serve, and forget those of the old one's sentences."""
        notes = {"embedder": embedder, "dimension": str(dimension), "collection": collection}
        with self._write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)", [*notes.items(), ("reembed", "")]
            )
            connection.execute("DELETE FROM todo WHERE stage IN ('vectors', 'tags', 'reembed')")
            _forget_vectors(connection)
            connection.execute("INSERT OR IGNORE INTO todo SELECT 'sentences', id FROM papers")
            _next_number(connection, "vectors")

    # --- vectors of sentences, and notes -----------------------------------------------

    def sentence_vectors(self, papers: Sequence[Paper]) -> dict[str, Vectors]:
        """Return stored (sentences, dimension) vectors of those papers that have them."""
        return self._vectors("sentence_vectors", papers)

    def passage_vectors(self, papers: Sequence[Paper]) -> dict[str, Vectors]:
        """Return stored (passages, dimension) vectors of those papers that have them."""
        return self._vectors("passage_vectors", papers)

    def _vectors(self, table: _VectorTable, papers: Sequence[Paper]) -> dict[str, Vectors]:
        current = {paper.id: paper.content_hash for paper in papers}
        found: dict[str, Vectors] = {}
        query = f"SELECT paper_id, content_hash, width, vectors FROM {table} "  # noqa: S608
        for paper_id, content_hash, width, blob in self._select(
            query + "WHERE paper_id IN ({})", list(current)
        ):
            if current[paper_id] == content_hash:
                half = np.frombuffer(blob, np.float16).reshape(-1, width)
                found[paper_id] = half.astype(np.float32)
        return found

    def put_sentence_vectors(self, vectors: Mapping[str, tuple[str, Vectors]]) -> None:
        """Store content hash and sentence vectors by paper id."""
        self._put_vectors("sentence_vectors", vectors)

    def put_passage_vectors(self, vectors: Mapping[str, tuple[str, Vectors]]) -> None:
        """Store content hash and passage vectors by paper id: a copy, for reranking."""
        self._put_vectors("passage_vectors", vectors)

    def _put_vectors(self, table: _VectorTable, vectors: Mapping[str, tuple[str, Vectors]]) -> None:
        with self._write() as connection:
            connection.executemany(
                f"INSERT OR REPLACE INTO {table} SELECT id, ?, ?, ? FROM papers WHERE id = ?",  # noqa: S608
                [
                    (content_hash, rows.shape[1], rows.astype(np.float16).tobytes(), paper_id)
                    for paper_id, (content_hash, rows) in vectors.items()
                ],
            )

    def known_words(self, terms: Sequence[str]) -> set[str]:
        """Return those of the terms that have a vector."""
        query = "SELECT term FROM word_vectors WHERE term IN ({})"
        return {row[0] for row in self._select(query, terms)}

    def put_word_vectors(self, vectors: Mapping[str, Vectors]) -> None:
        """Store one vector a term; a term that has one keeps it."""
        with self._write() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO word_vectors (term, vector) VALUES (?, ?)",
                [(term, row.astype(np.float16).tobytes()) for term, row in vectors.items()],
            )

    def word_vectors(self) -> Iterator[tuple[list[str], NDArray[np.float16]]]:
        """Yield all terms that have a vector, in parts, with (terms, dimension) vectors."""
        query = (
            "SELECT number, term, vector FROM word_vectors WHERE number > ? ORDER BY number LIMIT ?"
        )
        last = 0
        while rows := self._select_all(query, (last, _CHUNK)):
            last = rows[-1][0]
            joined = np.frombuffer(b"".join(row[2] for row in rows), np.float16)
            yield [row[1] for row in rows], joined.reshape(len(rows), -1)

    def word_count(self) -> int:
        """Return how many terms have a vector."""
        # Rows go all at once or not at all: the last number tells, without a look at each.
        return int(self._select_all("SELECT max(number) FROM word_vectors")[0][0] or 0)

    def meta(self, key: str) -> str:
        """Return a note about the library, or an empty string."""
        rows = self._select_all("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else ""

    def set_meta(self, key: str, value: str) -> None:
        """Store a note about the library."""
        with self._write() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _select(self, query: str, values: Sequence[str]) -> list[Any]:
        """Return the rows of a query whose `{}` stands for the placeholders of `values`."""
        rows: list[Any] = []
        for chunk, marks in _chunks(values):
            rows += self._select_all(query.format(marks), chunk)
        return rows

    def _select_all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._connection().execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise LibraryError(
                f"Reading {self._path} failed ({error}); check the disk, or restore the file "
                "from a backup."
            ) from error


def _row(entry: CatalogEntry) -> tuple[str, str, str, str]:
    paper = entry.paper
    record = json.dumps(paper.to_dict(), ensure_ascii=False)
    return paper.id, paper.content_hash, entry.tag_hash, record


def _stages(
    entries: Iterable[CatalogEntry], before: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Stage, str]]:
    """Yield what each entry makes necessary, as (stage, paper id)."""
    for entry in entries:
        paper = entry.paper
        content_hash, tag_hash = before.get(paper.id, ("", ""))
        stages: tuple[Stage, ...] = ()
        if content_hash != paper.content_hash:
            stages = ("words", "vectors", "sentences", "reembed")
        elif tag_hash != entry.tag_hash:
            stages = ("words", "tags", "reembed")
        yield from ((stage, paper.id) for stage in stages)


def _enlist(connection: sqlite3.Connection, rows: Sequence[tuple[str, str]]) -> None:
    """Note what must be done; for "reembed" only while one is under way."""
    target = connection.execute("SELECT 1 FROM meta WHERE key = 'reembed' AND value <> ''")
    wanted = rows if target.fetchone() else [row for row in rows if row[0] != "reembed"]
    connection.executemany("INSERT OR IGNORE INTO todo VALUES (?, ?)", wanted)


def _forget_vectors(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM sentence_vectors")
    connection.execute("DELETE FROM passage_vectors")
    connection.execute("DELETE FROM word_vectors")


def _chunks(values: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    """Yield parts small enough for one statement, each with its placeholders."""
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK]
        yield chunk, ",".join("?" * len(chunk))


def _next_number(connection: sqlite3.Connection, key: str) -> int:
    connection.execute(
        "INSERT INTO meta VALUES (?, '1') "
        "ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
        (key,),
    )
    query = "SELECT value FROM meta WHERE key = ?"
    return int(connection.execute(query, (key,)).fetchone()[0])
