"""The catalog's tables, and how older ones become the present ones."""

import sqlite3
from pathlib import Path

from assistant.errors import LibraryError

SCHEMA_VERSION = 4

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS papers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    content_hash TEXT NOT NULL,
    tag_hash TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS keys (
    key TEXT NOT NULL,
    paper_id TEXT NOT NULL REFERENCES papers (id) ON DELETE CASCADE,
    PRIMARY KEY (key, paper_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_by_paper ON keys (paper_id);
CREATE TABLE IF NOT EXISTS sources (
    paper_id TEXT NOT NULL REFERENCES papers (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    record_hash TEXT NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (paper_id, source, record_hash)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sources_by_record ON sources (record_hash, source);
CREATE TABLE IF NOT EXISTS todo (
    stage TEXT NOT NULL,
    paper_id TEXT NOT NULL,
    PRIMARY KEY (stage, paper_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sentence_vectors (
    paper_id TEXT PRIMARY KEY REFERENCES papers (id) ON DELETE CASCADE,
    content_hash TEXT NOT NULL,
    width INTEGER NOT NULL,
    vectors BLOB NOT NULL
);
"""
_PASSAGES = """
CREATE TABLE IF NOT EXISTS passage_vectors (
    paper_id TEXT PRIMARY KEY REFERENCES papers (id) ON DELETE CASCADE,
    content_hash TEXT NOT NULL,
    width INTEGER NOT NULL,
    vectors BLOB NOT NULL
);
"""
_WORD_VECTORS = """
CREATE TABLE IF NOT EXISTS word_vectors (
    number INTEGER PRIMARY KEY,
    term TEXT NOT NULL UNIQUE,
    vector BLOB NOT NULL
);
"""
_AGAIN = "INSERT OR IGNORE INTO todo SELECT 'sentences', id FROM papers;"

# From each version to the next. Words and vectors are indexed anew: how they are stored changed.
# The stage "sentences" keeps what vectors it finds, and makes what else came with a version.
_MIGRATIONS = {
    1: """
DROP INDEX IF EXISTS pending;
ALTER TABLE papers ADD COLUMN tag_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE sources RENAME TO sources_1;
CREATE TABLE sources (
    paper_id TEXT NOT NULL REFERENCES papers (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    record_hash TEXT NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (paper_id, source, record_hash)
) WITHOUT ROWID;
CREATE INDEX sources_by_record ON sources (record_hash, source);
INSERT INTO sources SELECT paper_id, source, record_hash, 0 FROM sources_1;
DROP TABLE sources_1;
CREATE TABLE todo (
    stage TEXT NOT NULL, paper_id TEXT NOT NULL, PRIMARY KEY (stage, paper_id)
) WITHOUT ROWID;
INSERT INTO todo SELECT 'words', id FROM papers;
INSERT INTO todo SELECT 'vectors', id FROM papers;
INSERT INTO todo SELECT 'sentences', id FROM papers WHERE embedded_hash <> content_hash;
ALTER TABLE papers DROP COLUMN embedded_hash;
INSERT OR IGNORE INTO meta VALUES ('embedder', 'all-MiniLM-L6-v2');
""",
    2: _PASSAGES + _AGAIN,
    3: _WORD_VECTORS + _AGAIN,
}


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables, or bring older ones to the present version, all or nothing.

    Raises:
        LibraryError: the library was made by a newer program.
    """
    version = _version(connection)
    if version == SCHEMA_VERSION:
        return
    if version is not None and version > SCHEMA_VERSION:
        raise LibraryError(
            f"The library at {path} has schema version {version}; this program knows up to "
            f"{SCHEMA_VERSION}. Update it with 'pip install --upgrade abstract-assistant'."
        )
    tables = [_TABLES, _PASSAGES, _WORD_VECTORS]
    steps = tables if version is None else [_MIGRATIONS[at] for at in _steps(version)]
    # A script of its own would commit what is open: begin and end are part of it.
    note = f"INSERT OR REPLACE INTO meta VALUES ('schema_version', '{SCHEMA_VERSION}');"  # noqa: S608
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        connection.executescript("\n".join(["BEGIN IMMEDIATE;", *steps, note, "COMMIT;"]))
    except sqlite3.Error:
        if connection.in_transaction:
            connection.rollback()
        # Another process may have done the same at the same moment.
        if _version(connection) != SCHEMA_VERSION:
            raise
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _steps(version: int) -> range:
    return range(version, SCHEMA_VERSION)


def _version(connection: sqlite3.Connection) -> int | None:
    query = "SELECT name FROM sqlite_master WHERE name = 'meta'"
    if connection.execute(query).fetchone() is None:
        return None
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    return int(row[0]) if row else None
