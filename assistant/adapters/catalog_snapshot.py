"""A catalog as it was at one instant, in a file of its own, while others read and write it."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from assistant.errors import LibraryError

_WAIT_SECONDS = 30
_OF_A_STORE = "key IN ('collection', 'store', 'reembed') OR substr(key, 1, 8) = 'in step:'"


def snapshot(source: Path, target: Path, notes: Mapping[str, str] | None = None) -> None:
    """Copy a SQLite database to `target`, whole or not at all; what is there is replaced.

    With `notes` it becomes the catalog of a library of its own, which has them.

    Raises:
        LibraryError: it can't be read, or not be written there.
    """
    half = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        half.unlink(missing_ok=True)
        with (
            contextlib.closing(_opened(source)) as one,
            contextlib.closing(sqlite3.connect(half)) as other,
        ):
            one.execute(f"PRAGMA busy_timeout = {_WAIT_SECONDS * 1000}")
            # In one step it is of one instant; in several a writer would begin it anew each time.
            one.backup(other)
            # One file: what journals another belongs to isn't copied with it.
            other.execute("PRAGMA journal_mode = DELETE")
            if notes is not None:
                _rename(other, notes)
        for rest in ("-wal", "-shm"):
            target.with_name(target.name + rest).unlink(missing_ok=True)
        half.replace(target)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
        raise LibraryError(
            f"{source} couldn't be copied to {target} ({error}); free disk space and check that "
            "both can be reached, then run the command again."
        ) from error


def _opened(path: Path) -> sqlite3.Connection:
    """Open a file that is there; in its name "#", "?" and "%" are letters like others."""
    return sqlite3.connect(path.absolute().as_uri() + "?mode=rw", uri=True)


def _rename(connection: sqlite3.Connection, notes: Mapping[str, str]) -> None:
    """Let a catalog forget what it knew of stores, and list all its words to be indexed."""
    with connection:
        connection.execute(f"DELETE FROM meta WHERE {_OF_A_STORE}")  # noqa: S608
        connection.execute("DELETE FROM todo WHERE stage = 'reembed'")
        connection.execute("INSERT OR IGNORE INTO todo SELECT 'words', id FROM papers")
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", notes.items())


def digest(path: Path) -> str:
    """Return the SHA-256 of all papers, keys and sources, in an order of their own.

    Raises:
        LibraryError: it can't be read, or is no catalog.
    """
    parts = (
        "SELECT id, content_hash, tag_hash, record FROM papers ORDER BY id",
        "SELECT key, paper_id FROM keys ORDER BY key, paper_id",
        "SELECT paper_id, source, record_hash FROM sources ORDER BY 1, 2, 3",
    )
    hashed = hashlib.sha256()
    try:
        with contextlib.closing(_opened(path)) as connection:
            for query in parts:
                for row in connection.execute(query):
                    hashed.update("\x1f".join(row).encode() + b"\x1e")
    except (sqlite3.Error, TypeError) as error:
        raise LibraryError(
            f"{path} can't be read as a catalog ({error}); restore it from a backup."
        ) from error
    return hashed.hexdigest()
