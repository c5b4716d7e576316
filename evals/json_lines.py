"""Read JSON Lines that people write: a line that is wrong is named."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from assistant.errors import UnreadableFileError

T = TypeVar("T")


def read_records(path: Path, make: Callable[[Any], T], what: str, needs: str) -> Iterator[T]:
    """Yield what `make` makes of each line that isn't blank.

    `what` names one record, `needs` says how to mend a line.

    Raises:
        UnreadableFileError: the file can't be read, or `make` refuses a line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{path}: {error}; give a JSONL file of {what}s.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield make(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableFileError(
                f"{path}, line {number}: not a {what} ({error!r:.80}); {needs}."
            ) from error
