"""Look for damage in a catalog, and save what can still be read of it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.adapters.catalog_schema import prepare
from assistant.types import Paper

_SHOWN = 3
_COLUMNS = "number, id, content_hash, tag_hash, record"
_INSERT = (
    "INSERT OR IGNORE INTO papers (number, id, content_hash, tag_hash, record) VALUES (?,?,?,?,?)"
)
# Numbers that may be unreadable in a row: some damaged pages' worth.
_BEYOND = 10_000


@dataclass(frozen=True, kw_only=True)
class Salvage:
    """How many papers are in the new catalog, and those of which only the record was whole."""

    papers: int
    loose: tuple[Paper, ...]


def catalog_faults(path: Path, indexed: int) -> list[str]:
    """Return in words what is damaged in the catalog at `path`; it is only read.

    `indexed` is the number of papers in the word index.
    """
    if not path.exists():
        return [f"it is missing, while the word index knows {indexed:,} papers"] * bool(indexed)
    try:
        with closing(_read_only(path)) as database:
            database.text_factory = _text
            found = [str(row[0]) for row in database.execute(f"PRAGMA quick_check({_SHOWN})")]
            if found != ["ok"]:
                return [" ".join("; ".join(found).split())[:200]]
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
            if "papers" not in tables:
                return ["its tables are gone"]
            changed = sum(
                _paper(record, content_hash) is None
                for content_hash, record in database.execute(
                    "SELECT content_hash, record FROM papers"
                )
            )
            count = database.execute("SELECT count(*) FROM papers").fetchone()[0]
            left = database.execute("SELECT count(*) FROM todo WHERE stage = 'words'").fetchone()[0]
    except sqlite3.Error as error:
        return [str(error)]
    if indexed and not count and not left:
        return [f"it holds no paper, while the word index knows {indexed:,}"]
    return [f"{changed:,} of its papers aren't as they were stored"] if changed else []


def is_sound(path: Path) -> bool:
    """Whether an SQLite file that isn't in use is whole; it is only read."""
    try:
        with closing(_read_only(path)) as database:
            tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            return bool(tables and database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.Error:
        return False


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)


def _text(content: bytes) -> str:
    return content.decode(errors="replace")


def _paper(record: Any, content_hash: Any) -> Paper | None:
    """Return the paper, where its record is as it was stored."""
    try:
        paper = Paper.from_dict(json.loads(record))
        return paper if paper.content_hash == content_hash else None
    except (ValueError, TypeError, AttributeError):
        return None


def salvage(damaged: Path, path: Path) -> Salvage:
    """Make a catalog at `path` of what is whole in the damaged one; all indexes take it in anew.

    Raises:
        OSError: the new catalog can't be written.
    """
    loose: list[Paper] = []
    try:
        with closing(sqlite3.connect(path)) as new:
            prepare(new, path)
            if damaged.exists():
                with closing(_read_only(damaged)) as old:
                    old.text_factory = _text
                    loose = _saved(old, new)
            for stage in ("words", "vectors", "sentences"):
                new.execute("INSERT OR IGNORE INTO todo SELECT ?, id FROM papers", (stage,))
            new.commit()
            papers = int(new.execute("SELECT count(*) FROM papers").fetchone()[0])
    except sqlite3.Error as error:
        raise OSError(str(error)) from error
    return Salvage(papers=papers, loose=tuple(loose))


def _saved(old: sqlite3.Connection, new: sqlite3.Connection) -> list[Paper]:
    """Copy what is whole; return the papers whose keys or sources may not all be."""
    whole: dict[str, Paper] = {}
    for number, paper_id, content_hash, tag_hash, record in _rows(old):
        paper = _paper(record, content_hash)
        if paper is not None and paper.id == paper_id:
            whole[paper_id] = paper
            row = (number, paper_id, content_hash, tag_hash, record)
            new.execute(_INSERT, row)
    _copied(old, new, "meta")
    new.execute("DELETE FROM meta WHERE key IN ('reembed', 'collection')")
    # With a key missing, a paper's next record would be taken for another paper.
    if all([_copied(old, new, "keys"), _copied(old, new, "sources")]):
        return []
    new.executescript("DELETE FROM papers; DELETE FROM keys; DELETE FROM sources;")
    return list(whole.values())


def _rows(old: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Yield the papers' rows; where a page can't be read, those behind it."""
    query = f"SELECT {_COLUMNS} FROM papers WHERE number > ? ORDER BY number"  # noqa: S608
    last = missed = 0
    while missed < _BEYOND:
        try:
            for row in old.execute(query, (last,)):
                last, missed = row[0], 0
                yield row
        except sqlite3.Error:
            # One number further, until the next page begins.
            last += 1
            missed += 1
        else:
            return


def _copied(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> bool:
    """Copy the rows of a table that belong to papers there are; return whether all were read."""
    try:
        rows = old.execute(f"SELECT * FROM {table}")  # noqa: S608 - one of our tables
    except sqlite3.Error:
        return False
    while True:
        try:
            row = next(rows, None)
        except sqlite3.Error:
            return False
        if row is None:
            break
        # Any other error from here is of the new file, and no damage of the old one.
        marks = ",".join("?" * len(row))
        with suppress(sqlite3.IntegrityError):  # It belongs to a paper that is lost.
            new.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608
    return True
