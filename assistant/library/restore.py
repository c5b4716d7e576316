"""Restore a backup into a folder, its vectors there or onto a server."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import numpy as np

from assistant.adapters.catalog_snapshot import digest, snapshot
from assistant.adapters.chroma_places import place_of
from assistant.adapters.file_lock import FileLock
from assistant.adapters.sqlite_catalog import SqliteCatalog
from assistant.errors import LibraryError, UnreadableFileError
from assistant.filters import tags
from assistant.library.archive import CATALOG, CONVERSATIONS, Manifest, unpack
from assistant.library.library import Library
from assistant.library.scratch import scratch
from assistant.protocols import PassageRecord
from assistant.settings import Settings
from assistant.types import BackupReport

if TYPE_CHECKING:
    from assistant.adapters.chroma_store import ChromaStore
    from assistant.protocols import Progress, Vectors

BATCH = 250


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
        with scratch(home, ".restoring-", partial(_drop_left, settings)) as folder:
            paths = _Paths(home=home, work=folder)
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


def _drop_left(settings: Settings, work: Path) -> None:
    """Delete the collection that a killed restore began on the server, if it did.

    Its catalog names it; one that was put in place isn't in the working folder any more.
    """
    from assistant.adapters.chroma_store import COLLECTION, drop_collection

    catalog = work / "library" / CATALOG
    if not settings.chroma_url or not catalog.is_file():
        return
    with contextlib.suppress(LibraryError):
        opened = SqliteCatalog(catalog)
        try:
            owner = opened.meta("id")
        finally:
            opened.close()
        place = place_of(settings)
        drop_collection(place, place.collection(COLLECTION, lambda: owner))


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
