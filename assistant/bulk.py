"""Add many papers at once: workers read files and compute vectors, one process stores."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from assistant.errors import UnreadableFileError
from assistant.indexing import Indexing
from assistant.protocols import Progress, Workers
from assistant.readers import files_of
from assistant.types import AddReport, Paper, Problem


def add_by(
    workers: Workers, paths: Sequence[Path], indexing: Indexing, progress: Progress
) -> AddReport:
    """Add the papers of files: all are read and placed first, then embedded.

    The catalog's lists say what is left to do, so that after a kill the same call does only that.

    Raises:
        ModelError: the embedder fails; words find the papers all the same.
        WorkersError: the workers are lost.
    """
    report = indexing.add(_records(workers, paths), progress, vectors=False)
    indexing.embed_by(workers, progress)
    return report


def _records(workers: Workers, paths: Sequence[Path]) -> Iterator[Paper | Problem]:
    """Yield the records of all files, and those below folders, as workers read them."""
    files: list[tuple[Path, str]] = []
    for path in paths:
        try:
            for found in files_of(path):
                if isinstance(found, Problem):
                    yield found
                else:
                    files.append(found)
        except UnreadableFileError as error:
            yield Problem(source=str(path), line=0, reason=str(error))
    yield from workers.read(files)
