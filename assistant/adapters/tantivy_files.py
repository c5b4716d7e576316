"""Whether the files of a Tantivy index are as they were written.

Each ends in a footer: JSON with the CRC-32 of all that stands before it, the JSON's length, and a
number that says that it is one.
"""

import json
import zlib
from pathlib import Path

_MAGIC = 1337
_TAIL = 8
_CHUNK = 1 << 20
_META = "meta.json"
_OF_EACH_SEGMENT = ("fast", "fieldnorm", "idx", "pos", "store", "term")
_ATTEMPTS = 3


def indexed_papers(folder: Path) -> int:
    """Return the number of papers that the index names; 0 where it can't be read."""
    try:
        segments = json.loads((folder / _META).read_text(encoding="utf-8"))["segments"]
        return sum(
            int(one["max_doc"]) - int((one["deletes"] or {}).get("num_deleted_docs", 0))
            for one in segments
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0


def damaged_files(folder: Path) -> list[str]:
    """Return the names of those files that the index names, and that are missing or damaged."""
    wrong: list[str] = []
    for _ in range(_ATTEMPTS):
        try:
            before = (folder / _META).read_bytes()
            wrong = [name for name in _named(before) if not _is_whole(folder / name)]
            if before == (folder / _META).read_bytes():
                return wrong
        except (OSError, ValueError, KeyError, TypeError):
            return [_META]
        # Another process has written meanwhile, and removed what it needed no more.
    return []


def _named(meta: bytes) -> list[str]:
    """Return the names of all files that the segments must have."""
    names = []
    for one in json.loads(meta)["segments"]:
        segment = str(one["segment_id"]).replace("-", "")
        names += [f"{segment}.{suffix}" for suffix in _OF_EACH_SEGMENT]
        if one["deletes"]:
            names.append(f"{segment}.{one['deletes']['opstamp']}.del")
    return names


def _is_whole(path: Path) -> bool:
    """Whether the checksum in a file's footer fits the rest of it."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL)
            length, magic = (int.from_bytes(tail[at : at + 4], "little") for at in (0, 4))
            body = size - _TAIL - length
            if magic != _MAGIC or body < 0:
                return False
            file.seek(body)
            wanted = int(json.loads(file.read(length))["crc"])
            file.seek(0)
            found = 0
            while body > 0 and (chunk := file.read(min(_CHUNK, body))):
                found = zlib.crc32(chunk, found)
                body -= len(chunk)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return found == wanted
