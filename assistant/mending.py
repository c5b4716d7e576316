"""Set damaged files aside, and put what can still be read of them in their place.

Nothing is deleted: each damaged file lies beside the new one, with "-damaged-" in its name.
"""

import contextlib
import time
from collections.abc import Iterable
from pathlib import Path

from assistant.errors import LibraryError
from assistant.integrity import ANSWERS, CONVERSATIONS, Fault
from assistant.types import Paper

_BESIDE_SQLITE = ("-wal", "-shm", "-journal")


def aside(path: Path) -> Path:
    """Rename a file or folder out of the way; return its new path."""
    target = path.with_name(f"{path.name}-damaged-{time.time_ns()}")
    if path.exists():
        path.rename(target)
    for suffix in _BESIDE_SQLITE:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
    return target


def mend_library(folder: Path, faults: Iterable[Fault]) -> tuple[list[str], list[Paper]]:
    """Make room for new indexes in place of damaged ones, and save what a catalog still tells.

    Returns what to say of it, and papers that are to be added again: of these only the record
    itself could be read. All indexes must be made anew afterwards.

    Raises:
        LibraryError: the folder can't be written.
        LibraryBusyError: another process is writing to the library.
    """
    from assistant.adapters.file_lock import FileLock

    parts = {fault.part for fault in faults}
    said: list[str] = []
    loose: list[Paper] = []
    try:
        with FileLock(folder / "write.lock")():
            if "catalog" in parts:
                said, loose = _mend_catalog(folder)
            for name, part in (("words", "words"), ("chroma", "vectors")):
                if (part in parts or "catalog" in parts) and (folder / name).exists():
                    said.append(f"{folder / name} was damaged, and is {aside(folder / name)} now.")
    except OSError as error:
        raise LibraryError(
            f"The library at {folder} can't be mended ({error}); free disk space, or make the "
            "folder writable."
        ) from error
    return said, loose


def _mend_catalog(folder: Path) -> tuple[list[str], list[Paper]]:
    """Put a catalog of all that is whole in the damaged one's place."""
    from assistant.adapters.catalog_salvage import salvage

    path = folder / "papers.sqlite"
    half = folder / "papers.sqlite-half"
    half.unlink(missing_ok=True)
    saved = salvage(path, half)
    damaged = aside(path)
    half.replace(path)
    count = saved.papers + len(saved.loose)
    return [
        f"{count:,} papers could be read of the damaged catalog, which is {damaged} now; add the "
        "files again that the others came from, or restore a backup."
    ], list(saved.loose)


def mend_kept(home: Path) -> list[str]:
    """Mend kept settings, conversations and past answers; return what to say of it.

    Raises:
        LibraryError: the folder can't be written.
        SettingsError: the settings can't be.
    """
    from assistant import settings_file
    from assistant.adapters.answer_store import AnswerStore
    from assistant.adapters.conversation_store import conversation_faults, salvage_conversations

    told = settings_file.mend(home, aside)
    said = [told] * bool(told)
    path = home / CONVERSATIONS
    try:
        if path.exists() and conversation_faults(path):
            half = path.with_name(f"{path.name}-half")
            half.unlink(missing_ok=True)
            count = salvage_conversations(path, half)
            damaged = aside(path)
            half.replace(path)
            said.append(
                f"{count:,} conversations could be read; the damaged file is {damaged} now."
            )
        for answer in AnswerStore(home / ANSWERS, 1).unreadable():
            said.append(f"The past answer {answer} was damaged, and is {aside(answer)} now.")
    except OSError as error:
        raise LibraryError(
            f"The files in {home} can't be mended ({error}); free disk space, or make the folder "
            "writable."
        ) from error
    return said
