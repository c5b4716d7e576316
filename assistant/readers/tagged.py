"""Records of tagged lines ("TI  - A title"), as RIS, MEDLINE and Web of Science write them.

rispy reads the first of the three, but returns all records at once, keeps only the first
of several abstract lines and gives no line numbers; so one small reader serves all three.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from assistant.readers.lines import Lines
from assistant.types import Problem

MAX_RECORD = 4 * 1024 * 1024


@dataclass
class Tagged:
    """One record: the line it starts on, and the lines of each value of each tag."""

    line: int
    values: dict[str, list[list[str]]] = field(default_factory=dict)
    size: int = 0
    last: str = ""

    def add(self, tag: str, value: str) -> None:
        """Append one value."""
        self.last = tag
        self.size += len(value)
        if self.size <= MAX_RECORD:
            self.values.setdefault(tag, []).append([value])

    def go_on(self, text: str, lists: frozenset[str]) -> None:
        """Continue the last value, or add one to a tag that lists them line by line."""
        if self.last in lists:
            self.add(self.last, text)
            return
        self.size += len(text)
        if self.size <= MAX_RECORD:
            self.values[self.last][-1].append(text)

    def first(self, *tags: str) -> str:
        """Return the first value that isn't empty."""
        return next(iter(self.all(*tags)), "")

    def all(self, *tags: str) -> list[str]:
        """Return every value of the tags that isn't empty."""
        joined = (" ".join(filter(None, v)) for tag in tags for v in self.values.get(tag, ()))
        return [value for value in joined if value]


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a format writes its lines and where its records begin and end."""

    line: re.Pattern[str]
    """Groups: the tag, the value; no match for a line that continues the last one."""
    begins: Callable[[str, Tagged | None], bool]
    """Whether a tag starts a record, given the record before it."""
    end: str = ""
    lists: frozenset[str] = frozenset()
    """Tags of which each further line is a value of its own."""


def tagged_records(lines: Lines, style: Style, source: str) -> Iterator[Tagged | Problem]:
    """Yield each record; one without an end tag ends where the next begins."""
    for record in _records(lines, style):
        if record.size > MAX_RECORD:
            reason = f"record is longer than {MAX_RECORD // 1024 // 1024} MB; skipped"
            yield Problem(source=source, line=record.line, reason=reason)
        else:
            yield record


def _records(lines: Lines, style: Style) -> Iterator[Tagged]:
    record: Tagged | None = None
    for number, line in lines:
        match = style.line.match(line)
        if match is None:
            if record:
                record.go_on(line.strip(), style.lists)
            continue
        tag, value = match.group(1), (match.group(2) or "").strip()
        ends, begins = tag == style.end, style.begins(tag, record)
        if record and (ends or begins):
            yield record
        if ends:
            record = None
        elif begins:
            record = Tagged(number)
        if record:
            record.add(tag, value)
    if record:
        yield record
