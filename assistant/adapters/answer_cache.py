"""Answers by what they depend on, on disk, within a size."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from assistant.adapters.answer_codec import decoded, encoded
from assistant.types import Answer

MEGABYTE = 1_000_000


class AnswerCache:
    """A folder with a file for each answer; those not asked for longest go first."""

    def __init__(self, folder: Path, megabytes: float) -> None:
        """Take the folder, made with the first answer; with 0 megabytes nothing stays."""
        self._folder = folder
        self._limit = int(megabytes * MEGABYTE)

    @property
    def is_on(self) -> bool:
        """Whether anything can stay."""
        return self._limit > 0

    def get(self, depends_on: Mapping[str, Any]) -> Answer | None:
        """Return the answer that was stored with exactly this, or None."""
        path = self._path(depends_on)
        try:
            answer = decoded(path.read_text(encoding="utf-8"))
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        return answer

    def put(self, depends_on: Mapping[str, Any], answer: Answer) -> None:
        """Store an answer, and forget those not asked for longest where they are too many.

        Raises:
            OSError: the disk is full, or not to be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(depends_on)
        half = path.with_suffix(f".{os.getpid()}.part")
        with os.fdopen(os.open(half, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(encoded(answer))
        half.replace(path)
        left = self.size()[1]
        for old in sorted(self._paths(), key=_asked):
            if left <= self._limit:
                break
            with suppress(FileNotFoundError):  # Another process forgets them too.
                left -= old.stat().st_size
                old.unlink()

    def size(self) -> tuple[int, int]:
        """Return how many answers there are, and their bytes."""
        sizes = []
        for path in self._paths():
            with suppress(FileNotFoundError):
                sizes.append(path.stat().st_size)
        return len(sizes), sum(sizes)

    def clear(self) -> int:
        """Forget all answers; return how many there were."""
        paths = self._paths()
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)

    def _paths(self) -> list[Path]:
        return list(self._folder.glob("*.json"))

    def _path(self, depends_on: Mapping[str, Any]) -> Path:
        text = json.dumps(depends_on, sort_keys=True, ensure_ascii=False)
        return self._folder / f"{hashlib.sha256(text.encode(errors='replace')).hexdigest()}.json"


def _asked(path: Path) -> float:
    """Return when the answer was asked for last."""
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0
