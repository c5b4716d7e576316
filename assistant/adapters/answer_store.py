"""Past answers on disk, one JSON file each, no more than a set number."""

import calendar
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from assistant.errors import InputError

LAST = "last"
_FORM = "%y%m%d-%H%M%S"
_DIGITS = len("yymmdd-hhmmss") + 6


class AnswerStore:
    """Keeps the last `keep` answers in a folder; none where it is 0. Only their user reads them."""

    def __init__(self, folder: Path, keep: int, clock: Callable[[], int] = time.time_ns) -> None:
        """Take the folder, made with the first answer, and the clock, in nanoseconds."""
        self._folder = folder
        self._keep = keep
        self._clock = clock

    def new_id(self) -> str:
        """Return an id for an answer of now, later ones sorting behind; empty where none stay."""
        if self._keep <= 0:
            return ""
        # To the microsecond: "last" must be the later one of two in the same second. And later than
        # those there are: where the clock was set back, an answer would go as the oldest.
        moment = max(self._clock() // 1000, self._latest() + 1)
        seconds, rest = divmod(moment, 1_000_000)
        return f"{time.strftime(_FORM, time.gmtime(seconds))}{rest:06d}-{secrets.token_hex(2)}"

    def _latest(self) -> int:
        """Return the microsecond that the newest id tells; 0 where there is none."""
        for path in self._paths():
            stamp = path.stem[:_DIGITS]
            try:
                return calendar.timegm(time.strptime(stamp[:-6], _FORM)) * 1_000_000 + int(
                    stamp[-6:]
                )
            except ValueError:
                continue
        return 0

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

    def unreadable(self) -> list[Path]:
        """Return the files of answers that can't be read."""
        found = []
        for path in self._paths():
            try:
                self._read(path)
            except InputError:
                found.append(path)
        return found

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"), reverse=True)

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} can't be read ({error}); 'assistant doctor --repair' sets it aside."
            ) from error
        return found
