"""Words of papers that mean nearly the same as a query's words.

A word's vector is that of the word alone by the library's embedder, less the mean of all
words: such vectors otherwise share one direction, and all words are alike (Mu & Viswanath,
ICLR 2018).
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.protocols import PaperCatalog, Vectors

Kin = Mapping[str, Mapping[str, float]]
"""By term of the query: itself at 1 and its kindred terms, each with a weight up to 1."""
FindKin = Callable[[Sequence[str], Collection[str]], Kin]
"""Takes the query's terms and those to look among."""
HalfVectors = NDArray[np.float16]

STRANGE = 0.35
WIDTH = 128
GROWTH = 1.1
_SAMPLE = 8192


def no_kin(terms: Sequence[str], among: Collection[str]) -> Kin:
    """Return each term with itself alone, whatever it is looked for among."""
    del among
    return {term: {term: 1.0} for term in terms}


@dataclass(frozen=True)
class _Words:
    """All words that have a vector, as of some moment; rows are of length 1."""

    version: tuple[str, int]
    rows: Mapping[str, int]
    vectors: HalfVectors


class Kindred:
    """Finds kindred words; keeps the vectors of a library's words in memory, 256 bytes each."""

    def __init__(self, catalog: PaperCatalog) -> None:
        """Take the catalog, which is read at the first use."""
        self._catalog = catalog
        self._lock = threading.Lock()
        self._words = _Words(("", 0), {}, np.zeros((0, 1), np.float16))

    def __call__(self, terms: Sequence[str], among: Collection[str]) -> Kin:
        """Return the terms' kin; a term that fewer than two papers have may have none.

        Weights grow from 0 at a cosine of 0.35 to 1.
        """
        words = self._current()
        found = {term: {term: 1.0} for term in terms}
        known = [term for term in found if term in words.rows]
        others = [term for term in among if term in words.rows]
        if not known or not others:
            return found
        ours, theirs = (
            words.vectors[[words.rows[term] for term in some]].astype(np.float32)
            for some in (known, others)
        )
        cosines = ours @ theirs.T
        for row, place in np.argwhere(cosines > STRANGE).tolist():
            weight = (float(cosines[row, place]) - STRANGE) / (1 - STRANGE)
            found[known[row]].setdefault(others[place], min(weight, 1.0))
        return found

    def _current(self) -> _Words:
        """Return the words, read anew where there are many more, or another embedder's."""
        embedder, count = self._catalog.meta("embedder"), self._catalog.word_count()
        with self._lock:
            known, held = self._words.version
            if embedder != known or not held <= count <= max(held, 1) * GROWTH:
                self._words = self._read((embedder, count))
            return self._words

    def _read(self, version: tuple[str, int]) -> _Words:
        step = max(1, version[1] // _SAMPLE)
        sample = [vectors[::step].copy() for _, vectors in self._catalog.word_vectors()]
        if not sample:
            return _Words(version, {}, np.zeros((0, 1), np.float16))
        narrow = narrowing(np.concatenate(sample))
        rows: dict[str, int] = {}
        parts = []
        for terms, vectors in self._catalog.word_vectors():
            rows.update(zip(terms, range(len(rows), len(rows) + len(terms)), strict=True))
            parts.append(narrow(vectors))
        return _Words(version, rows, np.concatenate(parts))


def narrowing(sample: HalfVectors) -> Callable[[HalfVectors], HalfVectors]:
    """Return what turns vectors into unit vectors along the sample's 128 main directions.

    Principal components: whole vectors take three times the memory, for the same ranking.
    """
    whole: Vectors = sample.astype(np.float32)
    mean = whole.mean(axis=0)
    _, directions = np.linalg.eigh((whole - mean).T @ (whole - mean))
    main = np.ascontiguousarray(directions[:, ::-1][:, :WIDTH])

    def narrow(vectors: HalfVectors) -> HalfVectors:
        rows = (vectors.astype(np.float32) - mean) @ main
        units = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
        half: HalfVectors = units.astype(np.float16)
        return half

    return narrow
