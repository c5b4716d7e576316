"""Folders to work in that leave nothing behind, even of a process that was killed."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from assistant.adapters.file_lock import FileLock
from assistant.errors import LibraryBusyError


def _nothing_more(left: Path) -> None:
    """Undo nothing: all that was done is in the folder."""


@contextlib.contextmanager
def scratch(
    parent: Path, prefix: str, undo: Callable[[Path], None] = _nothing_more
) -> Iterator[Path]:
    """Yield an empty folder in `parent` that is deleted afterwards.

    Those of killed processes, which couldn't, are deleted first; those in use are left alone.
    `undo` is given each such folder before, to take back what was done elsewhere.

    Raises:
        OSError: the folder can't be made.
    """
    for left in parent.glob(f"{prefix}*"):
        if left.is_dir() and not left.is_symlink():
            with contextlib.suppress(LibraryBusyError, OSError), _held(left):
                undo(left / "work")
                shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as folder, _held(Path(folder)):
        work = Path(folder) / "work"
        work.mkdir()
        yield work


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the folder: the kernel lets go of it when its process dies."""
    with FileLock(folder / "lock", patience=0.0)():
        yield
