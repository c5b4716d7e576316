"""What each index must still take in of the catalog, and the catalog's notes."""

import sqlite3
from collections.abc import Sequence

from assistant.adapters.catalog_vectors import forget_vectors
from assistant.adapters.sqlite_file import SqliteFile, next_number
from assistant.protocols import Stage


class CatalogTodo(SqliteFile):
    """A list of papers for each index; the change that lists a paper is the paper's own."""

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
                next_number(connection, "vectors")

    def redo(self, *stages: Stage) -> None:
        """Put every paper on the stages' lists, as after the loss of an index."""
        with self._write() as connection:
            for stage in stages:
                connection.execute("INSERT OR IGNORE INTO todo SELECT ?, id FROM papers", (stage,))
                if stage == "sentences":
                    forget_vectors(connection)

    def redo_some(self, stage: Stage, paper_ids: Sequence[str]) -> None:
        """Put some papers on the stage's list."""
        with self._write() as connection:
            enlist(connection, [(stage, paper_id) for paper_id in paper_ids])

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

    def end_reembed(self, embedder: str, dimension: int, collection: str, store: str) -> None:
        """Let the new embedder's vectors serve, and forget those of the old one's sentences.

        `store` is the key of the store that has them.
        """
        notes = {
            "embedder": embedder,
            "dimension": str(dimension),
            "collection": collection,
            "store": store,
        }
        with self._write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)", [*notes.items(), ("reembed", "")]
            )
            connection.execute("DELETE FROM todo WHERE stage IN ('vectors', 'tags', 'reembed')")
            forget_vectors(connection)
            connection.execute("INSERT OR IGNORE INTO todo SELECT 'sentences', id FROM papers")
            next_number(connection, "vectors")

    def meta(self, key: str) -> str:
        """Return a note about the library, or an empty string."""
        rows = self._select_all("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else ""

    def set_meta(self, key: str, value: str) -> None:
        """Store a note about the library."""
        with self._write() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def enlist(connection: sqlite3.Connection, rows: Sequence[tuple[str, str]]) -> None:
    """Note what must be done; for "reembed" only while one is under way."""
    target = connection.execute("SELECT 1 FROM meta WHERE key = 'reembed' AND value <> ''")
    wanted = rows if target.fetchone() else [row for row in rows if row[0] != "reembed"]
    connection.executemany("INSERT OR IGNORE INTO todo VALUES (?, ?)", wanted)
