"""Keep the library in step with a folder: add what is new in it, drop what vanished from it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from assistant.errors import LibraryError, UnreadableFileError
from assistant.indexing import Indexing
from assistant.protocols import PaperCatalog, Progress
from assistant.readers import read_papers
from assistant.types import Paper, Problem, SyncReport


def sync(
    folder: Path, catalog: PaperCatalog, indexing: Indexing, progress: Progress, *, remove: bool
) -> SyncReport:
    """Add what `folder` holds now; `remove` what came from it and is there no more.

    Raises:
        UnreadableFileError: it is no folder, or holds nothing that can be read.
        LibraryError: the library knows another folder by the same name.
    """
    if not folder.is_dir():
        raise UnreadableFileError(f"{folder}: is not a folder; 'assistant add' takes single files.")
    folder = folder.resolve()
    _claim_name(folder, catalog)
    damaged: dict[str, None] = {}
    run = catalog.begin_run()
    report = indexing.add(_noting(read_papers(folder), damaged), progress, run)
    held_back, links = [], []
    for paper_id, source in catalog.vanished(f"{folder.name}/", run):
        if source in damaged:
            held_back.append(source)
        else:
            links.append((paper_id, source))
    gone = _left_without_source(links, catalog)
    vanished = tuple(catalog.get_many(gone).values())
    removed = 0
    if remove and links:
        removed = indexing.remove(gone, progress)
        catalog.unlink([link for link in links if link[0] not in set(gone)])
        indexing.index_words(progress)
    return SyncReport(
        added=report,
        vanished=vanished,
        kept_elsewhere=len({paper_id for paper_id, _ in links}) - len(gone),
        held_back=tuple(dict.fromkeys(held_back)),
        removed=removed,
    )


def _claim_name(folder: Path, catalog: PaperCatalog) -> None:
    """Make sure that a source's name, which begins with the folder's, means this folder."""
    key = f"folder:{folder.name}"
    known = catalog.meta(key)
    if known and known != str(folder):
        raise LibraryError(
            f"The library is in step with another folder of that name, {known}; rename {folder}, "
            "or use another library (ASSISTANT_HOME)."
        )
    if not known:
        catalog.set_meta(key, str(folder))


def _noting(
    records: Iterable[Paper | Problem], damaged: dict[str, None]
) -> Iterator[Paper | Problem]:
    """Pass the records on; note the files of which something couldn't be read."""
    for record in records:
        if isinstance(record, Problem) and record.skipped and not record.bare:
            damaged[record.source] = None
        yield record


def _left_without_source(links: list[tuple[str, str]], catalog: PaperCatalog) -> list[str]:
    """Return the papers that come from nowhere else."""
    lost: dict[str, set[str]] = {}
    for paper_id, source in links:
        lost.setdefault(paper_id, set()).add(source)
    sources = catalog.sources(list(lost))
    return [paper_id for paper_id, gone in lost.items() if gone >= set(sources.get(paper_id, ()))]
