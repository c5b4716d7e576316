"""One writer at a time, across processes."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from assistant.errors import LibraryBusyError

PATIENCE_SECONDS = 20.0


class FileLock:
    """An advisory lock on a file; the kernel frees it when its holder dies."""

    def __init__(self, path: Path, patience: float = PATIENCE_SECONDS) -> None:
        """Lock `path`, waiting up to `patience` seconds for another holder."""
        self._path = path
        self._patience = patience

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold the lock.

        Raises:
            LibraryBusyError: another process still holds it after the wait.
        """
        import fcntl

        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            until = time.monotonic() + self._patience
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise LibraryBusyError(
                            f"Another process is writing to the library at {self._path.parent}; "
                            "wait until it is done and try again."
                        ) from None
                    time.sleep(0.1)
            yield
