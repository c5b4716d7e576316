"""Find the files below a folder, and say of each other thing there why it isn't read."""

import stat
from collections.abc import Iterator
from pathlib import Path


def files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file with "", in order of their names, and what isn't read with the reason."""
    root = folder.resolve()
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        try:
            reason = "" if path == folder else _refused(path, root)
            if reason or not path.is_dir():
                yield path, reason
                continue
            inner = sorted(path.iterdir(), reverse=True)
        except OSError as error:
            yield path, f"can't be read ({error.strerror})"
            continue
        # A stack gives back what went on it last.
        waiting += inner


def _refused(path: Path, root: Path) -> str:
    """Return why a path isn't read; "" for a plain file and for a folder."""
    if path.name.startswith("."):
        return "hidden; not read"
    if path.is_symlink():
        target = path.resolve()
        if not target.is_relative_to(root):
            return "a link that leads out of the folder; not followed"
        if target.is_dir():
            return "a link to a folder; its files are read where they are"
        if not target.exists():
            return "a link to nothing"
    mode = path.stat().st_mode
    # A pipe or a device may never end.
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "not a plain file; not read"
