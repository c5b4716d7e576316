"""The catalog's vectors: of sentences, passages and words, kept as float16."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assistant.adapters.sqlite_file import CHUNK, SqliteFile
from assistant.protocols import Vectors
from assistant.types import Paper

_VectorTable = Literal["sentence_vectors", "passage_vectors"]


class CatalogVectors(SqliteFile):
    """Vectors of papers count only while the paper's text is the one that they were made of."""

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
        while rows := self._select_all(query, (last, CHUNK)):
            last = rows[-1][0]
            joined = np.frombuffer(b"".join(row[2] for row in rows), np.float16)
            yield [row[1] for row in rows], joined.reshape(len(rows), -1)

    def word_count(self) -> int:
        """Return how many terms have a vector."""
        # Rows go all at once or not at all: the last number tells, without a look at each.
        return int(self._select_all("SELECT max(number) FROM word_vectors")[0][0] or 0)


def forget_vectors(connection: sqlite3.Connection) -> None:
    """Delete all of them."""
    connection.execute("DELETE FROM sentence_vectors")
    connection.execute("DELETE FROM passage_vectors")
    connection.execute("DELETE FROM word_vectors")
