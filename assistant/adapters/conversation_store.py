"""Conversations and feedback in one SQLite file, each user's apart from the others'."""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import Any

from assistant.errors import LibraryError
from assistant.protocols import StoredConversation

PATIENCE_SECONDS = 10
_TABLES = ("conversation", "feedback")
_SCHEMA = """
create table if not exists conversation (
    owner text not null, id text not null, title text not null, content text not null,
    words text not null, changed integer not null, primary key (owner, id)
) without rowid;
create table if not exists feedback (
    number integer primary key, owner text not null, conversation text not null,
    place integer not null, about text not null, record text not null,
    unique (owner, conversation, place, about)
);
"""


class SqliteConversations:
    """Opens the file anew for every call, so that threads and processes can share it."""

    def __init__(self, path: Path) -> None:
        """Take the file's path; it is made, readable to its owner only, at the first use."""
        self._path = path

    def save(self, owner: str, conversation: StoredConversation, words: str) -> None:
        """Store a conversation in place of what was there; `words` is what a search reads.

        Raises:
            LibraryError: the file can't be written.
        """
        with self.opened() as database:
            database.execute(
                "insert or replace into conversation values (?, ?, ?, ?, ?, "
                "(select coalesce(max(changed), 0) + 1 from conversation))",
                (
                    owner,
                    conversation.id,
                    conversation.title,
                    conversation.content,
                    words.casefold(),
                ),
            )

    def load(self, owner: str, conversation_id: str) -> StoredConversation | None:
        """Return a conversation of this owner, or None.

        Raises:
            LibraryError: the file can't be read.
        """
        with self.opened() as database:
            row = database.execute(
                "select id, title, content from conversation where owner = ? and id = ?",
                (owner, conversation_id),
            ).fetchone()
        return row and StoredConversation(id=row[0], title=row[1], content=row[2])

    def titles(self, owner: str, search: str = "", limit: int = 200) -> list[tuple[str, str]]:
        """Return (id, title) of those that have every word of `search`, the latest first.

        Raises:
            LibraryError: the file can't be read.
        """
        wanted = search.casefold().split()
        with self.opened() as database:
            database.create_function(
                "has_all", 1, lambda words: all(word in words for word in wanted)
            )
            return database.execute(
                "select id, title from conversation where owner = ? and has_all(words) "
                "order by changed desc limit ?",
                (owner, limit),
            ).fetchall()

    def delete(self, owner: str, conversation_id: str) -> None:
        """Forget a conversation; what was said about it stays.

        Raises:
            LibraryError: the file can't be written.
        """
        with self.opened() as database:
            database.execute(
                "delete from conversation where owner = ? and id = ?", (owner, conversation_id)
            )

    def note(
        self, owner: str, conversation_id: str, place: int, about: str, record: Mapping[str, Any]
    ) -> None:
        """Store feedback about a turn's answer or one of its citations, in place of earlier.

        Raises:
            LibraryError: the file can't be written.
        """
        text = json.dumps(record, ensure_ascii=False)
        with self.opened() as database:
            database.execute(
                "insert or replace into feedback (owner, conversation, place, about, record) "
                "values (?, ?, ?, ?, ?)",
                (owner, conversation_id, place, about, text),
            )

    def notes(self, owner: str) -> list[dict[str, Any]]:
        """Return all feedback of this owner, the oldest first.

        Raises:
            LibraryError: the file can't be read.
        """
        with self.opened() as database:
            rows = database.execute(
                "select record from feedback where owner = ? order by number", (owner,)
            ).fetchall()
        return [json.loads(text) for (text,) in rows]

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Yield the database; what is done with it is stored at the end, all or nothing."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Before SQLite makes it, for questions may be private.
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            with closing(sqlite3.connect(self._path, timeout=PATIENCE_SECONDS)) as database:
                database.executescript(_SCHEMA)
                with database:
                    yield database
        except (OSError, sqlite3.Error) as error:
            raise LibraryError(
                f"Conversations can't be kept in {self._path} ({error}); free disk space or check "
                "its permissions; where it is damaged, 'assistant doctor --repair' saves what can "
                "be read of it."
            ) from error


def conversation_faults(path: Path) -> str:
    """Return in words what is damaged in the file; an empty string where nothing is."""
    try:
        with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as database:
            found = database.execute("pragma quick_check(1)").fetchone()[0]
            if found != "ok":
                return " ".join(str(found).split())
            if database.execute("select count(*) from sqlite_master").fetchone()[0] == 0:
                return "it is empty"
            database.text_factory = bytes
            texts = database.execute("select content from conversation").fetchall()
    except sqlite3.Error as error:
        return str(error)
    wrong = sum(not _is_json(text) for (text,) in texts)
    return f"{wrong} conversations can't be read" if wrong else ""


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text.decode())
    except ValueError:
        return False
    return True


def salvage_conversations(damaged: Path, path: Path) -> int:
    """Copy what is whole into a new file at `path`; return how many conversations are in it.

    Raises:
        LibraryError: the new file can't be written.
    """
    with SqliteConversations(path).opened() as new:
        # From the front and from the end: what lies between is what can't be read.
        for table, order in product(_TABLES if damaged.exists() else (), ("asc", "desc")):
            query = f"select * from {table} order by 1 {order}, 2 {order}"  # noqa: S608 - our tables
            for row in _readable(damaged, query):
                marks = ",".join("?" * len(row))
                if table != "conversation" or _is_json(str(row[3]).encode()):
                    new.execute(f"insert or ignore into {table} values ({marks})", row)  # noqa: S608
        return int(new.execute("select count(*) from conversation").fetchone()[0])


def _readable(path: Path, query: str) -> Iterator[tuple[Any, ...]]:
    """Yield rows up to what can't be read; what the caller meets in writing them is its own."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as database:
        yield from database.execute(query)
