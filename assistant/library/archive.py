"""The form of a backup: a tar file whose first member names all others with their SHA-256.

Papers are in a SQLite file, vectors in NumPy files that any store can take in.
"""

import hashlib
import json
import re
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from assistant.errors import LibraryError, UnreadableFileError

FORMAT = "abstract-assistant backup"
VERSION = 1
MANIFEST = "manifest.json"
CATALOG = "papers.sqlite"
CONVERSATIONS = "conversations.sqlite"
LONGEST_MANIFEST = 10_000_000
_NAME = re.compile(r"papers\.sqlite|conversations\.sqlite|vectors-\d{6}\.npz")
_BLOCK = 2**20


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup holds; `files` has bytes and SHA-256 by name."""

    program: str
    made: str
    papers: int
    passages: int
    lacking: int
    catalog_sha256: str
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return it as the member's text."""
        return json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)}, indent=1)

    @classmethod
    def read(cls, text: bytes) -> "Manifest":
        """Return it from the member's text.

        Raises:
            ValueError: it isn't one, or names a file that no backup has.
        """
        told: dict[str, Any] = json.loads(text)
        if told.pop("format", "") != FORMAT:
            raise ValueError("it is no backup of this program")
        if told.pop("version") != VERSION:
            raise ValueError("a newer program made it; update this one")
        files = {str(name): (int(size), str(sha)) for name, (size, sha) in told["files"].items()}
        odd = [name for name in files if not _NAME.fullmatch(name)]
        if odd or CATALOG not in files:
            raise ValueError(f"it names {odd[0][:80]!r}" if odd else "it has no papers")
        return cls(**{**told, "files": files})


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(folder: Path, manifest: Manifest, target: Path) -> None:
    """Write the manifest's files, which lie in `folder`, to `target`; gzipped where it ends so."""
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    packed = target.name.removesuffix(".part").endswith((".gz", ".tgz"))
    if packed:
        with tarfile.open(target, "w:gz", compresslevel=1) as tar:
            _add_all(tar, folder, manifest)
    else:
        with tarfile.open(target, "w") as tar:
            _add_all(tar, folder, manifest)


def _add_all(tar: tarfile.TarFile, folder: Path, manifest: Manifest) -> None:
    for name in (MANIFEST, *manifest.files):
        tar.add(folder / name, name, recursive=False, filter=_nobodys)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out whose file it was."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def unpack(file: Path, folder: Path | None) -> Manifest:
    """Check a backup's files against its manifest; with `folder` they are put there.

    Members are plain files named in the manifest, or the whole is refused: nothing is written
    outside `folder`, nor more than the manifest says.

    Raises:
        UnreadableFileError: it is no backup, or damaged.
        LibraryError: there is too little room.
    """
    try:
        with tarfile.open(file, "r|*") as tar:
            return _unpack(tar, folder)
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableFileError(
            f"{file} can't be restored: {error}. Nothing was changed; take another backup."
        ) from error
    except OSError as error:
        raise UnreadableFileError(
            f"{file} can't be read, or not be unpacked ({error}); check the name and the disk. "
            "Nothing was changed."
        ) from error


def _unpack(tar: tarfile.TarFile, folder: Path | None) -> Manifest:
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg():
        raise ValueError("it doesn't begin with a manifest")
    if first.size > LONGEST_MANIFEST:
        raise ValueError("its manifest is far too long")
    manifest = Manifest.read(_content(tar, first).read())
    if folder is not None:
        _check_room(folder, sum(size for size, _ in manifest.files.values()))
    left = dict(manifest.files)
    while (member := tar.next()) is not None:
        size, wanted = left.pop(member.name, (-1, ""))
        if not member.isreg() or member.size != size:
            raise ValueError(f"its member {member.name[:80]!r} isn't what the manifest says")
        if _copied(tar, member, folder) != wanted:
            raise ValueError(f"its member {member.name} doesn't have its SHA-256")
    if left:
        raise ValueError(f"it lacks {next(iter(left))}")
    return manifest


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    found = tar.extractfile(member)
    if found is None:
        raise ValueError(f"its member {member.name[:80]!r} is no file")
    return found


def _copied(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path | None) -> str:
    """Read a member, into `folder` where there is one; return its SHA-256."""
    hashed = hashlib.sha256()
    if folder is not None and hasattr(tarfile, "data_filter"):  # From Python 3.11.4 on.
        # A second fence: paths that lead out, links and devices are no names of a manifest.
        tarfile.data_filter(member, str(folder))
    out = (folder / PurePosixPath(member.name).name).open("xb") if folder is not None else None
    try:
        content = _content(tar, member)
        while block := content.read(_BLOCK):
            hashed.update(block)
            if out is not None:
                out.write(block)
    finally:
        if out is not None:
            out.close()
    return hashed.hexdigest()


def _check_room(folder: Path, size: int) -> None:
    # The files, and the indexes that are made of them.
    free = shutil.disk_usage(folder).free
    if free < 3 * size:
        raise LibraryError(
            f"Restoring needs some {3 * size // 2**20:,} MB and {folder} has "
            f"{free // 2**20:,} MB free; free space, or set ASSISTANT_HOME to another disk."
        )
