"""Back a library up into one file."""

import contextlib
import importlib.metadata
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assistant.adapters.catalog_snapshot import digest, snapshot
from assistant.adapters.sqlite_catalog import SqliteCatalog
from assistant.errors import EmptyLibraryError, LibraryError
from assistant.library.archive import (
    CATALOG,
    CONVERSATIONS,
    Manifest,
    pack,
    sha256,
    unpack,
)
from assistant.library.library import Library
from assistant.library.scratch import scratch
from assistant.protocols import PassageRecord
from assistant.settings import Settings
from assistant.types import BackupReport, Paper

if TYPE_CHECKING:
    from assistant.protocols import Progress, Vectors

BATCH = 250
SHARD = 5000


def backup(settings: Settings, file: Path, progress: "Progress") -> BackupReport:
    """Write the library of the settings to `file`, and read it again to be sure.

    It is as it was at one instant, while others read and write it: the papers are a snapshot,
    and of the vectors those count that belong to a text of the snapshot.

    Raises:
        EmptyLibraryError: there is no library.
        LibraryError: it can't be read, or the file not be written.
    """
    source = settings.home / "library" / CATALOG
    if not source.is_file():
        raise EmptyLibraryError(f"There is no library in {settings.home} to back up.")
    half = file.with_name(f"{file.name}.part")
    try:
        with scratch(file.absolute().parent, ".backup-") as work:
            manifest = _gather(settings, work, progress)
            progress("writing the file", 0, 1)
            pack(work, manifest, half)
        with half.open("rb") as written:
            os.fsync(written.fileno())
        if unpack(half, None) != manifest:
            raise LibraryError(f"{half} doesn't hold what was written; check the disk.")
        half.replace(file)
        progress("writing the file", 1, 1)
    except OSError as error:
        raise LibraryError(
            f"The backup {file} can't be written ({error}); free disk space there (twice the "
            "size of the library), or name another folder."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
    return BackupReport(
        papers=manifest.papers,
        passages=manifest.passages,
        lacking=manifest.lacking,
        size=file.stat().st_size,
    )


def _gather(settings: Settings, work: Path, progress: "Progress") -> Manifest:
    """Put all that belongs into a backup into `work`."""
    progress("copying papers", 0, 1)
    snapshot(settings.home / "library" / CATALOG, work / CATALOG)
    if (settings.home / CONVERSATIONS).is_file():
        snapshot(settings.home / CONVERSATIONS, work / CONVERSATIONS)
    progress("copying papers", 1, 1)
    library = Library(settings, progress)
    catalog = SqliteCatalog(work / CATALOG)
    try:
        passages, lacking = _save_vectors(library, catalog, work, progress)
        catalog.redo_some("vectors", lacking)
        papers = catalog.count()
    finally:
        catalog.close()
        library.close()
    names = sorted(path.name for path in work.iterdir() if not path.name.endswith(("-wal", "-shm")))
    return Manifest(
        program=importlib.metadata.version("abstract-assistant"),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        papers=papers,
        passages=passages,
        lacking=len(lacking),
        catalog_sha256=digest(work / CATALOG),
        files={name: ((work / name).stat().st_size, sha256(work / name)) for name in names},
    )


def _save_vectors(
    library: Library, catalog: SqliteCatalog, work: Path, progress: "Progress"
) -> tuple[int, list[str]]:
    """Write the vectors of the snapshot's texts; return how many, and the papers that lack them."""
    total, done, count = catalog.count(), 0, 0
    ids: list[str] = []
    rows: list[Vectors] = []
    lacking: list[str] = []
    papers = catalog.papers()
    # Without vectors as yet nothing is opened, which would load an embedder.
    has_some = catalog.todo_count("vectors") < total
    while batch := list(islice(papers, BATCH)):
        progress("copying vectors", done, total)
        records, vectors = _read(library, batch) if has_some else ([], np.zeros((0, 0)))
        whole = _whole(batch, records)
        lacking += [paper.id for paper in batch if paper.id not in whole]
        for record, row in zip(records, vectors, strict=True):
            if record in whole.get(record.paper_id, ()):
                ids.append(_as_id(record))
                rows.append(row)
        done += len(batch)
        while len(ids) >= SHARD or (ids and done == total):
            _save(work / f"vectors-{count // SHARD:06d}.npz", ids[:SHARD], rows[:SHARD])
            count += len(ids[:SHARD])
            ids, rows = ids[SHARD:], rows[SHARD:]
    progress("copying vectors", done, done)
    return count, lacking


def _read(library: Library, papers: Sequence[Paper]) -> "tuple[list[PassageRecord], Vectors]":
    """Read once more, from a store opened anew, where a writer was in the way."""
    ids = [paper.id for paper in papers]
    try:
        return library.store().read(ids)
    except LibraryError:
        library.stores.close()
        return library.store().read(ids)


def _whole(
    papers: Sequence[Paper], records: Sequence[PassageRecord]
) -> dict[str, list[PassageRecord]]:
    """Return the passages of those papers whose present text they cover; no other counts."""
    texts = {paper.id: paper for paper in papers}
    found: dict[str, list[PassageRecord]] = {}
    for record in records:
        if record.content_hash == texts[record.paper_id].content_hash:
            found.setdefault(record.paper_id, []).append(record)
    return {key: own for key, own in found.items() if _covers(own, texts[key].abstract)}


def _covers(records: Sequence[PassageRecord], text: str) -> bool:
    end = 0
    for record in sorted(records, key=lambda one: one.start):
        if text[end : record.start].strip():
            return False
        end = max(end, record.end)
    return not text[end:].strip()


def _as_id(record: PassageRecord) -> str:
    """Return what tells the passage, as a backup has it."""
    return f"{record.start}-{record.end}-{record.content_hash}-{record.paper_id}"


def _save(path: Path, ids: Sequence[str], rows: "Sequence[Vectors]") -> None:
    with path.open("wb") as file:
        np.savez(file, ids=np.array(ids, np.str_), vectors=np.array(rows, np.float32))
