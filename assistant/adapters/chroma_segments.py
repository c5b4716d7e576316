"""Whether the files of Chroma's vector index can be loaded: hnswlib reads them unchecked.

A file that is too short ends the process with a segmentation fault, and so may a link to a place
that isn't there. The header is as hnswlib writes it (`saveIndex` of chroma-hnswlib).
"""

import struct
from collections.abc import Iterator
from pathlib import Path

_HEADER = struct.Struct("<i6QiI3QdQ")
_MOST_AT_ONCE = 4096


def short_files(folder: Path) -> list[str]:
    """Return the files of segments below `folder` that are missing, or shorter than they must be.

    Looks at sizes only, in no time.
    """
    return [name for segment in _segments(folder) for name in _short(segment, _header(segment))]


def damaged_segments(folder: Path) -> list[str]:
    """Return as `short_files` does, and those whose links lead nowhere; reads the whole index."""
    wrong = short_files(folder)
    if wrong:
        return wrong
    return [
        f"{segment.name}/data_level0.bin"
        for segment in _segments(folder)
        if not _links_lead_somewhere(segment, _header(segment))
    ]


def _segments(folder: Path) -> Iterator[Path]:
    """Yield the folders in which an index was written."""
    for path in sorted(folder.glob("*-*/")):
        if any(path.iterdir()):
            yield path


def _header(segment: Path) -> tuple[int, ...]:
    """Return (offset of level 0, places, elements, bytes of each, its label, its data, …)."""
    try:
        return _HEADER.unpack((segment / "header.bin").read_bytes())[1:]
    except (OSError, struct.error):
        return ()


def _short(segment: Path, header: tuple[int, ...]) -> list[str]:
    if not header:
        return [f"{segment.name}/header.bin"]
    _, places, elements, each, *_ = header
    least = {"data_level0.bin": elements * each, "length.bin": elements * 4, "link_lists.bin": 0}
    wrong = [
        f"{segment.name}/{name}"
        for name, size in least.items()
        if not (segment / name).is_file() or (segment / name).stat().st_size < size
    ]
    if elements > places:
        wrong.append(f"{segment.name}/header.bin")
    return wrong


def _links_lead_somewhere(segment: Path, header: tuple[int, ...]) -> bool:
    """Whether each element's links on the lowest level are to elements that there are."""
    import numpy as np

    start, _, elements, each, _, data = header[:6]
    if not elements:
        return True
    with (segment / "data_level0.bin").open("rb") as file:
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
