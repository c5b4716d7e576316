"""Rows of a separated table, quotes gone wrong included.

A stray quote makes a plain csv reader swallow everything up to the next one. Here a
record is bounded, and one that doesn't fit the table ends before the next line that does.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field

from assistant.readers.lines import MAX_LINE_BYTES

MOST_LINES = 200
FARTHEST_AHEAD = 50
MAX_RECORD = 2 * 1024 * 1024
# A cell is bounded by its line; the module's own limit of 131,072 loses long abstracts.
_FIELD_LIMIT = MAX_LINE_BYTES + MAX_RECORD
_UNFIT = "quotes gone wrong"


@dataclass(frozen=True)
class Row:
    """The cells of one record; `broken` says why they can't be trusted."""

    line: int
    cells: list[str]
    broken: str = ""


class _TooLongError(Exception):
    """A record goes on beyond every bound."""


@dataclass
class Rows(Iterator[Row]):
    """Iterate over the rows of numbered lines; `width` cells are in the header."""

    lines: Iterator[tuple[int, str]]
    delimiter: str
    width: int = 0
    _waiting: list[tuple[int, str]] = field(default_factory=list)
    _taken: list[tuple[int, str]] = field(default_factory=list)
    _size: int = 0

    def __post_init__(self) -> None:
        """Start a csv reader over the lines."""
        csv.field_size_limit(max(csv.field_size_limit(), _FIELD_LIMIT))
        self._reader = self._strict(self._feed())

    def __next__(self) -> Row:
        """Return the next row that isn't empty."""
        while True:
            self._taken, self._size = [], 0
            try:
                cells = next(self._reader)
            except (csv.Error, _TooLongError):
                row = self._resynchronised()
            else:
                if self._swallowed(cells) and self._next_start():
                    row = self._resynchronised()
                else:
                    row = Row(self._taken[0][0], cells, self._unquoted(cells))
            if any(cell.strip() for cell in row.cells):
                return row

    def _strict(self, texts: Iterator[str]) -> Iterator[list[str]]:
        return csv.reader(texts, delimiter=self.delimiter, strict=True)

    def _swallowed(self, cells: list[str]) -> bool:
        """Whether a record over several lines may be several records."""
        if len(self._taken) == 1:
            return False
        whole = sum(line.count(self.delimiter) + 1 == self.width for _, line in self._taken)
        return len(cells) != self.width or (self.delimiter == "\t" and whole > 1)

    def _unquoted(self, cells: list[str]) -> str:
        """Say so where commas that separate nothing have moved the cells."""
        if len(cells) <= self.width or not any(cells[self.width :]):
            return ""
        quoted = any('"' in line for _, line in self._taken)
        return "" if quoted else f"{len(cells)} cells for {self.width} columns"

    def _feed(self) -> Iterator[str]:
        while True:
            line = self._waiting.pop(0) if self._waiting else next(self.lines, None)
            if line is None:
                return
            if not line[1] and not self._taken:
                continue
            self._taken.append(line)
            self._size += len(line[1])
            if len(self._taken) > 1 and (len(self._taken) > MOST_LINES or self._size > MAX_RECORD):
                raise _TooLongError
            yield line[1] + "\n"

    def _resynchronised(self) -> Row:
        """Return the broken record; the lines after it are read again."""
        if not self._taken:
            raise StopIteration
        count = 1
        if len(self._lenient(self._taken[:1])) != self.width:
            self._look_ahead()
            count = self._next_start() or self._whole()
        taken = self._taken
        self._waiting = taken[count:] + self._waiting
        self._reader = self._strict(self._feed())
        cells = self._lenient(taken[:count])
        return Row(taken[0][0], cells, "" if len(cells) == self.width else _UNFIT)

    def _look_ahead(self) -> None:
        """Take lines up to the next that is a proper row by itself."""
        while len(self._taken) < FARTHEST_AHEAD and self._size < MAX_RECORD:
            line = self._waiting.pop(0) if self._waiting else next(self.lines, None)
            if line is None:
                return
            self._taken.append(line)
            self._size += len(line[1])
            if self._fits(-1):
                return

    def _whole(self) -> int:
        """Return how many lines to give up: all that are left if they make one row."""
        return len(self._taken) if len(self._lenient(self._taken)) == self.width else 1

    def _next_start(self) -> int:
        """Return which of the taken lines, not the first, begins a proper row; 0 for none."""
        for index in range(1, len(self._taken)):
            if self._fits(index):
                return index
        return 0

    def _fits(self, index: int) -> bool:
        lines = (f"{line}\n" for _, line in self._taken[index:])
        try:
            return len(next(self._strict(lines), [])) == self.width
        except csv.Error:
            return False

    def _lenient(self, lines: list[tuple[int, str]]) -> list[str]:
        """Return the cells of lines that aren't proper."""
        text = "\n".join(line for _, line in lines)
        plain = text.split(self.delimiter)
        if len(plain) == self.width and self.delimiter == "\t":
            return plain
        # Every cell in quotes, and quotes within that should have been doubled.
        stripped = text.strip()
        if len(stripped) > 1 and stripped[0] == stripped[-1] == '"':
            quoted = stripped[1:-1].split(f'"{self.delimiter}"')
            if len(quoted) == self.width:
                return [cell.replace('""', '"') for cell in quoted]
        try:
            # Over several lines there is no telling what the quotes were meant for.
            return plain if lines[1:] else next(csv.reader([text], delimiter=self.delimiter), [])
        except csv.Error:
            return plain
