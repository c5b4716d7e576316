"""Past answers on disk, one JSON file each, no more than a set number."""

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assistant.errors import InputError

LAST = "last"


class AnswerStore:
    """Keeps the last `keep` answers in a folder; none where it is 0. Only their user reads them."""

    def __init__(self, folder: Path, keep: int) -> None:
        """Take the folder, made with the first answer."""
        self._folder = folder
        self._keep = keep

    def new_id(self) -> str:
        """Return an id for an answer of now, later ones sorting behind; empty where none stay."""
        if self._keep <= 0:
            return ""
        # To the microsecond: "last" must be the later one of two in the same second.
        seconds, rest = divmod(time.time_ns() // 1000, 1_000_000)
        moment = time.strftime("%y%m%d-%H%M%S", time.gmtime(seconds))
        return f"{moment}{rest:06d}-{secrets.token_hex(2)}"

    def put(self, name: str, answer: Mapping[str, Any]) -> None:
        """Store an answer's JSON under an id, and forget the oldest above the number.

        Raises:
            OSError: the disk is full, or not to be written.
        """
        if self._keep <= 0:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        half = self._folder / f".{name}.part"
        text = json.dumps(answer, ensure_ascii=False)
        with os.fdopen(os.open(half, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        half.replace(self._folder / f"{name}.json")
        for path in self._paths()[self._keep :]:
            path.unlink(missing_ok=True)

    def get(self, name: str) -> dict[str, Any]:
        """Return the answer whose id begins so; "last" is the newest.

        Raises:
            InputError: there is none, or several.
        """
        paths = self._paths()
        found = paths[:1] if name == LAST else [one for one in paths if one.stem.startswith(name)]
        if len(found) != 1 or not name:
            which = "no past answer" if not found else f"{len(found)} past answers"
            raise InputError(
                f"There is {which} {name!r}; 'assistant trace' lists the ids of those kept."
            )
        return self._read(found[0])

    def recent(self, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the answers kept, newest first; one that can't be read is passed over."""
        for path in self._paths()[:limit]:
            try:
                yield self._read(path)
            except InputError:
                continue

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"), reverse=True)

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} can't be read ({error}); remove the file.") from error
        return found
