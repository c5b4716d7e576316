"""File systems for an experiment: one that a power cut can be tried on, a full one, a fixed one.

They need the right to mount; `can_mount` says whether it is there.
"""

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

from assistant.doctor import SPARE_BYTES

PAGE = 4096
ROOMY = 2 * SPARE_BYTES
"""Bytes on which a library has room and leaves as much as `assistant doctor` wants to be free.

With less it names the disk as a fault, and `assistant doctor --rebuild` fails for that alone after
it has mended all that was damaged.
"""
BLOCK = 16 * PAGE
_COPIES = 20


def can_mount() -> bool:
    """Whether this process may mount a file system."""
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tmpfs(Path(folder), PAGE * 16):
                return True
        except subprocess.CalledProcessError:
            return False


@contextmanager
def tmpfs(at: Path, size: int) -> Iterator[None]:
    """Mount a file system of `size` bytes in memory at a folder."""
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at))
    try:
        yield
    finally:
        _run("umount", "--lazy", str(at))


def resize(at: Path, size: int) -> None:
    """Give a tmpfs another size in bytes."""
    _run("mount", "-o", f"remount,size={size}", str(at))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write below a folder, the superuser included."""
    _run("mount", "--bind", str(folder), str(folder))
    try:
        _run("mount", "-o", "remount,bind,ro", str(folder))
        yield
    finally:
        _run("umount", "--lazy", str(folder))


class Drive:
    """An ext4 file system in a file, of which copies show what has reached the disk.

    What was written and not yet synced is in the kernel's memory, not in the file: a copy of the
    file is what a power cut leaves.
    """

    def __init__(self, image: Path, size: int = ROOMY) -> None:
        """Make the file system of `size` bytes; it isn't mounted yet."""
        self.image = image
        with image.open("wb") as file:
            file.truncate(size)
        _run("mkfs.ext4", "-q", "-F", str(image))

    def after_power_cut(self, copy: Path) -> None:
        """Copy what has reached the disk; the copy is of one moment."""
        for _ in range(_COPIES):
            with copy.open("wb") as file:
                for start, block in written(self.image):
                    file.seek(start)
                    file.write(block)
                file.truncate(self.image.stat().st_size)
            # The kernel may write something back meanwhile.
            pairs = zip_longest(written(self.image), written(copy))
            if all(own == copied for own, copied in pairs):
                return
        raise RuntimeError(f"{self.image} changes while it is being copied")


def written(image: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each block that isn't all zeros, and its place; holes, most of a drive, aren't read."""
    with image.open("rb", buffering=0) as file:
        start = 0
        while (start := _next_data(file.fileno(), start) // BLOCK * BLOCK) >= 0:
            block = os.pread(file.fileno(), BLOCK, start)
            if block.strip(b"\0"):
                yield start, block
            start += BLOCK


def _next_data(file: int, start: int) -> int:
    """Return where data begins at or after a place; -1 where only a hole follows."""
    try:
        return os.lseek(file, start, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return -1
        raise


@contextmanager
def mounted(image: Path, at: Path) -> Iterator[Path]:
    """Mount the file system that is in a file."""
    at.mkdir(exist_ok=True)
    _run("mount", "-o", "loop", str(image), str(at))
    try:
        yield at
    finally:
        _run("umount", "--lazy", str(at))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - system programs
