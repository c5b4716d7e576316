"""Copy a library between folders and Chroma servers, and compare both sides afterwards.

What was copied before is found to be there and is passed over: after a kill the same command goes
on where it was.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assistant.adapters.catalog_snapshot import digest, snapshot
from assistant.adapters.chroma_places import ChromaFolder, Place, server_of
from assistant.errors import (
    InputError,
    LibraryError,
    StoreElsewhereError,
    StoreUnavailableError,
)
from assistant.library.library import Library
from assistant.settings import Settings, check_server
from assistant.types import CopyReport, Paper

if TYPE_CHECKING:
    from assistant.adapters.chroma_store import ChromaStore
    from assistant.protocols import PassageRecord, Progress, Vectors

BATCH = 250
ALIKE = 1e-6
"""A store norms the vectors it takes in, whose last bits may differ by that."""
CATALOG = "papers.sqlite"
UNFINISHED = "copy of"
"""The note in a catalog whose copying hasn't ended: the id of the library that it is one of."""


def copy(source: str, target: str, settings: Settings, progress: "Progress") -> CopyReport:
    """Copy a library; both are a home's folder or a server's address.

    A server holds the vectors of a library whose papers are in a folder: the one named beside it,
    or `settings.home`. A folder without a library gets papers and vectors, and is one of its own
    then. What is copied from stays as it is.

    Raises:
        InputError: one of the two is no place, or both are the same.
        LibraryError: a side can't be read or written, or the target holds another library.
    """
    one, other = _Side.read(source), _Side.read(target)
    if one == other:
        raise InputError(f"{source} and {target} are the same; name two places.")
    home = one.folder or other.folder or settings.home
    if one.url and other.folder and not _has_library(other.folder):
        home = settings.home
    if not _has_library(home):
        raise InputError(f"There is no library in {home}; check the name, or set ASSISTANT_HOME.")
    library = Library(replace(settings, home=home, chroma_url=one.url), progress)
    try:
        with library.writing():
            if other.folder and other.folder != home:
                return _copy_all(library, other.folder, progress)
            return _copy_vectors_only(library, other, settings, progress)
    finally:
        library.close()


@dataclass(frozen=True, kw_only=True)
class _Side:
    """A folder or an address."""

    folder: Path | None = None
    url: str = ""

    @classmethod
    def read(cls, text: str) -> "_Side":
        if "://" in text:
            check_server(text)
            return cls(url=text.rstrip("/"))
        return cls(folder=Path(text).expanduser().absolute())


def _has_library(home: Path) -> bool:
    return (home / "library" / CATALOG).is_file()


def _copy_vectors_only(
    library: Library, other: _Side, settings: Settings, progress: "Progress"
) -> CopyReport:
    """Copy to another store of the same library, which may serve from then on."""
    place: Place
    if other.folder:
        place = ChromaFolder(folder=library.folder / "chroma")
    else:
        place = server_of(settings, other.url)
    target = library.stores.beside(place)
    try:
        report = copy_vectors(library, target, progress)
        if not report.faults:
            library.stores.note_in_step(target)
        return report
    finally:
        target.close()


def _copy_all(library: Library, home: Path, progress: "Progress") -> CopyReport:
    """Make a library of its own, with vectors in its folder."""
    catalog = home / "library" / CATALOG
    owner = library.library_id()
    if catalog.exists() and copied_from(catalog) != owner:
        raise LibraryError(
            f"There is a library in {home} already; name an empty folder, or move it away."
        )
    progress("copying papers", 0, 1)
    snapshot(library.folder / CATALOG, catalog, {"id": secrets.token_hex(8), UNFINISHED: owner})
    progress("copying papers", 1, 1)
    copied = Library(replace(library.settings, home=home, chroma_url=""), progress)
    try:
        with copied.writing():
            report = copy_vectors(library, _store_of(copied), progress)
            copied.index_words()
        faults = [*report.faults]
        if digest(catalog) != digest(library.folder / CATALOG):
            faults.append("papers: those of the copy have another SHA-256")
        if copied.lexical.count() != copied.catalog.count():
            faults.append(f"words: of {copied.lexical.count():,} papers in the copy only")
        if not faults:
            copied.catalog.set_meta(UNFINISHED, "")
        return replace(report, faults=tuple(faults))
    finally:
        copied.close()


def _store_of(copied: Library) -> "ChromaStore":
    """Return a copy's store; an empty one where a kill has cut it amid a write."""
    try:
        return copied.store()
    except (StoreElsewhereError, StoreUnavailableError):
        raise
    except LibraryError:
        return copied.stores.fresh(renewed=True)


def copied_from(catalog: Path) -> str:
    """Return the id of the library of which this is an unfinished copy; "" where it is none."""
    from assistant.adapters.sqlite_catalog import SqliteCatalog

    opened = SqliteCatalog(catalog)
    try:
        return opened.meta(UNFINISHED)
    finally:
        opened.close()


# --- vectors ----------------------------------------------------------------------------------


@dataclass
class _Tally:
    """What was read on both sides, in the order of the catalog."""

    papers: int = 0
    passages: int = 0
    difference: float = 0.0
    one: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    other: "hashlib._Hash" = field(default_factory=hashlib.sha256)


def copy_vectors(library: Library, target: "ChromaStore", progress: "Progress") -> CopyReport:
    """Bring another store to what the library's own has, then read and compare both."""
    source = library.store()
    total = library.catalog.count()
    written = removed = done = 0
    for papers in _batches(library.catalog.papers()):
        progress("copying vectors", done, total)
        put, taken = _copy_batch([paper.id for paper in papers], source, target)
        written, removed, done = written + put, removed + taken, done + len(papers)
    progress("copying vectors", done, done)
    removed += _drop_foreign(library, target)
    tally = _Tally()
    for papers in _batches(library.catalog.papers()):
        progress("comparing both", tally.papers, total)
        _compare([paper.id for paper in papers], source, target, tally)
    progress("comparing both", tally.papers, tally.papers)
    return CopyReport(
        papers=tally.papers,
        passages=tally.passages,
        written=written,
        removed=removed,
        sha256=tally.other.hexdigest(),
        difference=tally.difference,
        faults=tuple(_faults(tally, target)),
    )


def _batches(papers: Iterator[Paper]) -> Iterator[list[Paper]]:
    while batch := list(islice(papers, BATCH)):
        yield batch


def _copy_batch(
    paper_ids: Sequence[str], source: "ChromaStore", target: "ChromaStore"
) -> tuple[int, int]:
    """Write what is missing or other there, and take out what is too much; return both numbers."""
    wanted, vectors = source.read(paper_ids)
    there, others = target.read(paper_ids)
    known = dict(zip(there, others, strict=True))
    missing = [
        row
        for row, record in enumerate(wanted)
        if record not in known or _apart(vectors[row], known[record]) > ALIKE
    ]
    # A record with other tags is another one: an update would keep those that are gone.
    surplus = list(set(there) - set(wanted))
    if surplus:
        target.discard(surplus)
    if missing:
        target.upsert([wanted[row] for row in missing], vectors[missing])
    return len(missing), len(surplus)


def _apart(one: "Vectors", other: "Vectors") -> float:
    return float(np.abs(one - other).max()) if one.shape == other.shape else np.inf


def _drop_foreign(library: Library, target: "ChromaStore") -> int:
    """Take out passages of papers that the catalog doesn't have; return how many there were."""
    found: dict[str, int] = {}
    for paper_id, _ in target.passages():
        found[paper_id] = found.get(paper_id, 0) + 1
    known = library.catalog.get_many(list(found))
    foreign = [paper_id for paper_id in found if paper_id not in known]
    target.remove(foreign)
    return sum(found[paper_id] for paper_id in foreign)


def _compare(
    paper_ids: Sequence[str], source: "ChromaStore", target: "ChromaStore", tally: _Tally
) -> None:
    wanted, vectors = source.read(paper_ids)
    there, others = target.read(paper_ids)
    tally.papers += len(paper_ids)
    tally.passages += len(there)
    tally.one.update(_text(wanted))
    tally.other.update(_text(there))
    if len(vectors) and vectors.shape == others.shape:
        tally.difference = max(tally.difference, _apart(vectors, others))


def _text(records: Sequence["PassageRecord"]) -> bytes:
    return "".join(
        f"{one.paper_id} {one.start} {one.end} {one.content_hash} {one.year} {one.tags}\n"
        for one in records
    ).encode()


def _faults(tally: _Tally, target: "ChromaStore") -> Iterator[str]:
    """Yield what is wrong, in words."""
    if tally.one.digest() != tally.other.digest():
        yield "passages: those of the copy have another SHA-256"
    count = target.count()
    if count != tally.passages:
        yield f"passages: the copy counts {count:,}, of which {tally.passages:,} belong to papers"
    if tally.difference > ALIKE:
        yield f"vectors: some differ by {tally.difference:.2g}"
