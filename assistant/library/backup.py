"""Back a library up into one file, and restore it from there, into a folder or onto a server."""

import contextlib
import importlib.metadata
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import numpy as np

from assistant.adapters.catalog_snapshot import digest, snapshot
from assistant.adapters.file_lock import FileLock
from assistant.adapters.sqlite_catalog import SqliteCatalog
from assistant.errors import EmptyLibraryError, LibraryError, UnreadableFileError
from assistant.filters import tags
from assistant.library.archive import (
    CATALOG,
    CONVERSATIONS,
    Manifest,
    pack,
    sha256,
    unpack,
)
from assistant.library.library import Library
from assistant.protocols import PassageRecord
from assistant.settings import Settings
from assistant.types import BackupReport, Paper

if TYPE_CHECKING:
    from assistant.adapters.chroma_store import ChromaStore
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
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=file.absolute().parent) as work:
            manifest = _gather(settings, Path(work), progress)
            progress("writing the file", 0, 1)
            pack(Path(work), manifest, half)
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
                ids.append(as_id(record))
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


def as_id(record: PassageRecord) -> str:
    """Return what tells the passage, as a backup has it."""
    return f"{record.start}-{record.end}-{record.content_hash}-{record.paper_id}"


def _save(path: Path, ids: Sequence[str], rows: "Sequence[Vectors]") -> None:
    with path.open("wb") as file:
        np.savez(file, ids=np.array(ids, np.str_), vectors=np.array(rows, np.float32))


# --- restoring --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Paths:
    """Where what is restored goes."""

    home: Path
    work: Path

    @property
    def library(self) -> Path:
        return self.home / "library"


def restore(
    settings: Settings, file: Path, progress: "Progress", *, force: bool = False
) -> BackupReport:
    """Make the library in a backup that of the settings, its vectors where they say.

    It is made whole beside what is there, compared, and then put in its place. What is there is
    refused to be replaced without `force`, and with it set aside, not deleted.

    Raises:
        UnreadableFileError: it is no backup, or damaged.
        LibraryError: there is a library already; or the disk or the server fails.
    """
    home = settings.home
    if not force:
        _check_empty(home)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".restoring-", dir=home) as folder:
            paths = _Paths(home=home, work=Path(folder))
            (paths.work / "parts").mkdir()
            progress("checking the file", 0, 1)
            manifest = unpack(file, paths.work / "parts")
            progress("checking the file", 1, 1)
            count = _build(settings, paths, manifest, progress)
            aside = _put_in_place(paths, force=force)
    except OSError as error:
        raise LibraryError(
            f"The library can't be restored to {home} ({error}); free disk space and check "
            "permissions, then run the command again."
        ) from error
    return BackupReport(
        papers=manifest.papers,
        passages=count,
        lacking=manifest.lacking,
        size=file.stat().st_size,
        aside=tuple(str(path) for path in aside),
    )


def _check_empty(home: Path) -> None:
    catalog = home / "library" / CATALOG
    if not catalog.is_file():
        return
    opened = SqliteCatalog(catalog)
    try:
        count = opened.count()
    finally:
        opened.close()
    if count:
        raise LibraryError(
            f"There is a library of {count:,} papers in {home}; add --force to put the backup in "
            "its place (it is set aside, not deleted), or set ASSISTANT_HOME to another folder."
        )


def _build(settings: Settings, paths: _Paths, manifest: Manifest, progress: "Progress") -> int:
    """Make the library in `work`, compare it with the manifest; return the passages."""
    parts = paths.work / "parts"
    # A library of its own: on a server it writes over nothing that another has there.
    snapshot(parts / CATALOG, paths.work / "library" / CATALOG, {"id": token_hex(8)})
    library = Library(replace(settings, home=paths.work), progress)
    shards = sorted(parts.glob("vectors-*.npz"))
    store = None
    try:
        with library.writing():
            store = library.stores.fresh() if shards else None
            count = _fill(library.catalog, store, shards, manifest, progress) if store else 0
            library.index_words()
        _check(library, count, manifest)
        return count
    except BaseException:
        if store is not None:
            with contextlib.suppress(LibraryError):
                store.drop()  # Else a server would keep it for nobody.
        raise
    finally:
        library.close()


def _check(library: Library, passages: int, manifest: Manifest) -> None:
    """Compare what was restored with what the backup says.

    Raises:
        LibraryError: it is something else.
    """
    counts = {
        "papers": (library.catalog.count(), manifest.papers),
        "papers with words": (library.lexical.count(), manifest.papers),
        "passages": (passages, manifest.passages),
    }
    wrong = [
        f"{have:,} {what}, not {want:,}" for what, (have, want) in counts.items() if have != want
    ]
    if digest(library.folder / CATALOG) != manifest.catalog_sha256:
        wrong.append("papers with another SHA-256")
    if wrong:
        raise LibraryError(
            f"What was restored isn't what the backup says: {'; '.join(wrong)}. What was there is "
            "as it was; try again, or another backup."
        )


def _fill(
    catalog: SqliteCatalog,
    store: "ChromaStore",
    shards: Sequence[Path],
    manifest: Manifest,
    progress: "Progress",
) -> int:
    """Put the vectors into the store; return how many it holds then."""
    done = 0
    for shard in shards:
        for records, vectors in _loaded(catalog, shard):
            progress("storing vectors", done, manifest.passages)
            store.upsert(records, vectors)
            done += len(records)
    progress("storing vectors", done, done)
    return store.count()


def _loaded(catalog: SqliteCatalog, shard: Path) -> "Iterator[tuple[list[PassageRecord], Vectors]]":
    """Yield the passages of a file in parts, with year and tags as the catalog has them."""
    try:
        with np.load(shard, allow_pickle=False) as stored:
            ids, vectors = stored["ids"], stored["vectors"]
    except (ValueError, KeyError) as error:
        raise UnreadableFileError(f"{shard.name} in the backup isn't readable: {error}") from error
    for start in range(0, len(ids), BATCH):
        parts = [str(one).split("-", 3) for one in ids[start : start + BATCH]]
        papers = catalog.get_many([paper_id for *_, paper_id in parts])
        sources = catalog.sources(list(papers))
        yield (
            [
                PassageRecord(
                    paper_id=paper_id,
                    start=int(first),
                    end=int(last),
                    content_hash=content_hash,
                    year=papers[paper_id].year,
                    tags=tuple(tags(papers[paper_id], sources.get(paper_id, ()))),
                )
                for first, last, content_hash, paper_id in parts
            ],
            vectors[start : start + BATCH],
        )


def _put_in_place(paths: _Paths, *, force: bool) -> list[Path]:
    """Exchange what is there for what was built, no one writing meanwhile; return what is aside."""
    moment = time.strftime("%Y%m%d-%H%M%S")
    aside: list[Path] = []
    with ExitStack() as stack:
        if paths.library.exists():
            stack.enter_context(FileLock(paths.library / "write.lock")())
            if not force:
                _check_empty(paths.home)
        for made, there in (
            (paths.work / "library", paths.library),
            (paths.work / "parts" / CONVERSATIONS, paths.home / CONVERSATIONS),
        ):
            if not made.exists():
                continue
            for rest in ("", "-wal", "-shm"):
                old = there.with_name(there.name + rest)
                if old.exists():
                    new = old.with_name(f"before-{moment}-{old.name}")
                    old.rename(new)
                    aside += [new] * (not rest)
            made.rename(there)
    return aside
