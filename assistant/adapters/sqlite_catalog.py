"""The catalog of papers in SQLite: the one record from which all else can be rebuilt."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from assistant.adapters.catalog_schema import prepare
from assistant.adapters.catalog_todo import CatalogTodo, enlist
from assistant.adapters.catalog_vectors import CatalogVectors
from assistant.adapters.sqlite_file import CHUNK, chunks, next_number
from assistant.errors import LibraryError
from assistant.protocols import CatalogEntry, SourceRecord, Stage
from assistant.types import Paper


class SqliteCatalog(CatalogTodo, CatalogVectors):
    """Papers, their keys and sources, what each index must still take in, and vectors."""

    def __init__(self, path: Path) -> None:
        """Open or create the catalog at `path`; an older schema is brought up to date.

        Raises:
            LibraryError: the folder can't be written, or a newer program made the file.
        """
        super().__init__(path)
        self._counted = (-1, 0)
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
            (last, CHUNK),
        ):
            last = rows[-1][0]
            for _, record in rows:
                yield Paper.from_dict(json.loads(record))

    def count(self) -> int:
        """Return the number of papers."""
        # Each question asks: SQLite would read the ids of all of them.
        generation = self.generation()
        if self._counted[0] != generation:
            count = int(self._select_all("SELECT count(*) FROM papers")[0][0])
            self._counted = (generation, count)
        return self._counted[1]

    def generation(self) -> int:
        """Return a number that grows with every change of the papers."""
        return int(self.meta("generation") or 0)

    # --- changes -----------------------------------------------------------------------

    def begin_run(self) -> int:
        """Return a number for one run of `add`, higher than any before."""
        with self._write() as connection:
            return next_number(connection, "run")

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
            enlist(connection, list(_stages(last.values(), before)))
            next_number(connection, "generation")

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
            for chunk, marks in chunks(paper_ids):
                gone = [
                    row[0]
                    for row in connection.execute(
                        f"SELECT id FROM papers WHERE id IN ({marks})",  # noqa: S608
                        chunk,
                    )
                ]
                connection.execute(f"DELETE FROM papers WHERE id IN ({marks})", chunk)  # noqa: S608
                stages: tuple[Stage, ...] = ("words", "vectors", "reembed")
                enlist(connection, [(stage, one) for one in gone for stage in stages])
                removed += len(gone)
            if removed:
                next_number(connection, "generation")
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
            enlist(connection, [(stage, one) for one, _ in links for stage in ("words", "tags")])
            next_number(connection, "generation")


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
