"""A SQLite file that any number of threads and processes use at once."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from assistant.errors import LibraryError

CHUNK = 500
"""Values that one statement takes, and rows that are read at a time."""
WAIT_SECONDS = 30


class SqliteFile:
    """Each thread has a connection of its own; what SQLite complains of becomes our error."""

    def __init__(self, path: Path) -> None:
        """Take the file's path; nothing is opened yet."""
        self._path = path
        self._local = threading.local()

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
        """The folder that holds the file."""
        return self._path.parent

    def _select(self, query: str, values: Sequence[str]) -> list[Any]:
        """Return the rows of a query whose `{}` stands for the placeholders of `values`."""
        rows: list[Any] = []
        for chunk, marks in chunks(values):
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


def chunks(values: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    """Yield parts small enough for one statement, each with its placeholders."""
    for start in range(0, len(values), CHUNK):
        chunk = values[start : start + CHUNK]
        yield chunk, ",".join("?" * len(chunk))


def next_number(connection: sqlite3.Connection, key: str) -> int:
    """Count a number of the table `meta` up by one, and return it."""
    connection.execute(
        "INSERT INTO meta VALUES (?, '1') "
        "ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
        (key,),
    )
    query = "SELECT value FROM meta WHERE key = ?"
    return int(connection.execute(query, (key,)).fetchone()[0])
