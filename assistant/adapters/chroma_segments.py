"""The files of Chroma's vector index: whether they can be loaded, as hnswlib reads them unchecked.

A file that is too short ends the process with a segmentation fault, and so may a link to a place
that isn't there. The header is as hnswlib writes it (`saveIndex` of chroma-hnswlib).
"""

import os
import struct
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

_HEADER = struct.Struct("<i6QiI3QdQ")
_NUMBER = struct.Struct("<I")
_MOST_AT_ONCE = 4096
_PAUSE = 0.3
_CHUNK = 1 << 20


def damaged_segments(folder: Path, largest: int | None = None) -> list[str]:
    """Return the files of segments below `folder` that hnswlib can't be trusted with.

    Their sizes are looked at, and where their links lead: all of them are read, which takes a
    second for 500 MB, hence not of segments of more than `largest` bytes (None: of any).
    """
    return [name for segment in _segments(folder) for name in _damaged(segment, largest)]


def _damaged(segment: Path, largest: int | None) -> list[str]:
    """Look again where a writer may have been at work, between one file and the next."""
    while True:
        before = _state(segment)
        header = _header(segment)
        wrong = _short(segment, header)
        if not wrong and (largest is None or sum(size for size, _ in before) <= largest):
            try:
                wrong = _astray(segment, header)
            except (OSError, ValueError):
                wrong = ["data_level0.bin"]
        if not wrong or not segment.is_dir():
            return []
        time.sleep(_PAUSE)
        if _state(segment) == before:
            return [f"{segment.name}/{name}" for name in wrong]


def _state(segment: Path) -> list[tuple[int, int]]:
    try:
        found = [path.stat() for path in sorted(segment.iterdir())]
    except OSError:
        return []  # One is gone between its name and its size.
    return [(one.st_size, one.st_mtime_ns) for one in found]


def blank_unused(folder: Path, known: Mapping[Path, int]) -> dict[Path, int]:
    """Overwrite with zeros what the files of segments hold beyond their elements.

    hnswlib writes the room for more as it finds it in memory, where keys may have been. `known`
    are the moments of the headers that this returned before: what is as old is passed over. Only
    for who may write to the folder, once what it wrote is on disk.

    Raises:
        OSError: a file can't be read or written.
    """
    found = {}
    for segment in _segments(folder):
        header = _header(segment)
        if header:
            path = segment / "header.bin"
            found[path] = path.stat().st_mtime_ns
            if known.get(path) != found[path]:
                for name, size in _sizes(header).items():
                    _blank(segment / name, size)
    return found


def _blank(path: Path, start: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        while chunk := file.read(_CHUNK):
            if chunk.strip(b"\0"):
                file.seek(-len(chunk), os.SEEK_CUR)
                file.write(bytes(len(chunk)))


def _sizes(header: tuple[int, ...]) -> dict[str, int]:
    """Return how many bytes the elements take in the files with room for more."""
    _, _, elements, each, *_ = header
    return {"data_level0.bin": elements * each, "length.bin": elements * 4}


def _segments(folder: Path) -> Iterator[Path]:
    """Yield the folders in which an index was written."""
    for path in sorted(folder.glob("*-*/")):
        if any(path.iterdir()):
            yield path


def _header(segment: Path) -> tuple[int, ...]:
    """Return (offset of level 0, places, elements, bytes of each, its label, its data, …).

    Then follow the highest level, the element to enter at there, and the most links on each level
    but the lowest.
    """
    try:
        return _HEADER.unpack((segment / "header.bin").read_bytes())[1:]
    except (OSError, struct.error):
        return ()


def _short(segment: Path, header: tuple[int, ...]) -> list[str]:
    if not header:
        return ["header.bin"]
    _, places, elements, *_ = header
    least = {**_sizes(header), "link_lists.bin": 0}
    wrong = [
        name
        for name, size in least.items()
        if not (segment / name).is_file() or (segment / name).stat().st_size < size
    ]
    if elements > places:
        wrong.append("header.bin")
    return wrong


def _astray(segment: Path, header: tuple[int, ...]) -> list[str]:
    """Return the files with links to elements that there aren't."""
    start, _, elements, each, _, data, top, enter, most, *_ = header
    if not elements:
        return []
    if not _are_sound(segment / "data_level0.bin", start, elements, each, data):
        return ["data_level0.bin"]
    levels = _levels(segment / "link_lists.bin", elements, most)
    if not levels:
        return ["link_lists.bin"]
    if enter >= elements or len(levels[enter]) != top:
        return ["header.bin"]
    # A link on a level leads to an element that is on it, too: its place is not looked up there.
    is_sound = all(
        other < elements and len(levels[other]) > level
        for own in levels
        for level, links in enumerate(own)
        for other in links
    )
    return [] if is_sound else ["link_lists.bin"]


def _are_sound(path: Path, start: int, elements: int, each: int, data: int) -> bool:
    """Whether each element's links on the lowest level are to elements that there are."""
    import numpy as np

    with path.open("rb") as file:
        left = elements
        while left:
            count = min(left, _MOST_AT_ONCE)
            rows = np.frombuffer(file.read(count * each), np.uint8).reshape(count, each)
            numbers = rows[:, start:data].copy().view(np.uint32)
            # The first holds how many there are, in its lower half; marks of deletion above.
            many = numbers[:, 0] & 0xFFFF
            links = numbers[:, 1:]
            used = np.arange(links.shape[1]) < many[:, None]
            if (many > links.shape[1]).any() or (links[used] >= elements).any():
                return False
            left -= count
    return True


def _levels(path: Path, elements: int, most: int) -> list[tuple[tuple[int, ...], ...]]:
    """Return each element's links on the levels above the lowest; empty where that can't be."""
    size = 4 * (most + 1)
    content = path.read_bytes()
    found: list[tuple[tuple[int, ...], ...]] = []
    place = 0
    for _ in range(elements):
        if place + 4 > len(content):
            return []
        (length,) = _NUMBER.unpack_from(content, place)
        place += 4
        if length % size or place + length > len(content):
            return []
        own = []
        for at in range(place, place + length, size):
            many = _NUMBER.unpack_from(content, at)[0] & 0xFFFF
            if many > most:
                return []
            own.append(struct.unpack_from(f"<{many}I", content, at + 4))
        found.append(tuple(own))
        place += length
    return found
