"""One writer at a time, across processes."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from assistant.adapters.file_lock import FileLock
from assistant.errors import LibraryBusyError

HOLD = """
import sys
from pathlib import Path
from assistant.adapters.file_lock import FileLock
with FileLock(Path(sys.argv[1]))():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_second_process_waits_then_says_who_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "library" / "write.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        began = time.monotonic()
        with pytest.raises(LibraryBusyError, match=str(path.parent)), FileLock(path, 0.3)():
            pass
        assert 0.3 <= time.monotonic() - began < 3
    finally:
        holder.kill()
        holder.communicate()
    # The kernel freed the lock of the killed process.
    with FileLock(path, 0.3)():
        assert path.exists()


def test_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "write.lock", 0.2)
    with pytest.raises(ZeroDivisionError), lock():
        raise ZeroDivisionError
    with lock():
        assert (tmp_path / "write.lock").exists()
