"""Markdown tables (GitHub's): rows to cells and back, and tables as lines for a terminal."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.text.words import STOP_WORDS

_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_BAR = re.compile(r"(?<!\\)\|")
_MARKS_ALONE = re.compile(r"; ((?:\[[\d?]+\])+)$")
_PLAIN_LABELS = STOP_WORDS | frozenset(
    "paper papers title abstract method methods model models approach approaches system systems "
    "study studies work works name source sources citation citations evidence reference "
    "references ref finding findings found result results answer says said reported summary "
    "claim claims description detail details main key idea".split()
)


@dataclass(frozen=True)
class Table:
    """A table's cells, as text without escapes; every row is as wide as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table_line(cells: Sequence[str]) -> str:
    """Return the cells as one line of a table: "| a | b |"; their own bars are escaped."""
    plain = (" ".join(cell.split()).replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(plain)} |"


def table_head(header: Sequence[str]) -> str:
    """Return the two lines that begin a table."""
    return f"{table_line(header)}\n|{'---|' * len(header)}"


def cells_of(line: str) -> tuple[str, ...]:
    """Return the cells of a line of a table, without outer spaces and escapes."""
    inner = line.strip()
    inner = inner[1:] if inner.startswith("|") else inner
    parts = _BAR.split(inner)
    if len(parts) > 1 and not parts[-1].strip():
        parts.pop()
    return tuple(part.strip().replace(r"\|", "|") for part in parts)


def fitted(cells: Sequence[str], width: int) -> tuple[str, ...]:
    """Return `width` cells: empty ones added, or what is too many joined into the last."""
    if len(cells) > width:
        return (*cells[: width - 1], " ".join(filter(None, cells[width - 1 :])))
    return (*cells, *[""] * (width - len(cells)))


def is_row(line: str) -> bool:
    """Whether the line begins with a bar, as the rows that models write do."""
    return line.lstrip().startswith("|")


def is_rule(line: str) -> bool:
    """Whether the line is the one under a header: "|---|---|"."""
    return "|" in line and _RULE.fullmatch(line) is not None


def statement(header: Sequence[str], cells: Sequence[str]) -> str:
    """Return what a row says as one statement: "TwigNet: weights removed 92%; loss 0.4".

    The first cell is what it is about. Labels as plain as "Result" are left out.
    """
    labels = [*header, *[""] * len(cells)]
    said = [
        cell if is_plain(label) else f"{label} {cell}"
        for label, cell in zip(labels[1:], cells[1:], strict=False)
        if cell
    ]
    about = cells[0] if cells else ""
    if about and said and said[0].lower().startswith(about.lower()):
        about = ""
    return ": ".join(filter(None, [about, _MARKS_ALONE.sub(r" \1", "; ".join(said))]))


def is_plain(label: str) -> bool:
    """Whether a column's label says no more than "Paper", "Result" or "What it says"."""
    return all(word in _PLAIN_LABELS for word in re.findall(r"\w+", label.lower()))


def blocks(text: str) -> Iterator[str | Table]:
    """Yield the text's tables, and what stands between them."""
    lines = text.split("\n")
    between: list[str] = []
    place = 0
    while place < len(lines):
        if is_row(lines[place]) and place + 1 < len(lines) and is_rule(lines[place + 1]):
            header = cells_of(lines[place])
            rows = []
            place += 2
            while place < len(lines) and is_row(lines[place]):
                rows.append(fitted(cells_of(lines[place]), len(header)))
                place += 1
            if any(between):
                yield "\n".join(between).strip("\n")
            between = []
            yield Table(header, tuple(rows))
        else:
            between.append(lines[place])
            place += 1
    if any(between):
        yield "\n".join(between).strip("\n")


class Terminal:
    """Turns text with tables into lines that read well in a terminal, as it comes.

    A row becomes "- TwigNet: weights removed 92% [1]". Feed it whole lines, or text.
    """

    def __init__(self) -> None:
        """Begin outside any table."""
        self._header: tuple[str, ...] = ()

    def add(self, text: str) -> str:
        """Return the form of a further piece of the text."""
        shown = []
        lines = text.split("\n")
        for place, line in enumerate(lines):
            if is_row(line) and place + 1 < len(lines) and is_rule(lines[place + 1]):
                self._header = cells_of(line)
            elif self._header and is_rule(line):
                continue
            elif self._header and is_row(line):
                cells = fitted(cells_of(line), len(self._header))
                shown.append(f"- {statement(self._header, cells)}")
            else:
                shown.append(line)
                self._header = () if line.strip() else self._header
        return "\n".join(shown)


def for_terminal(text: str) -> str:
    """Return the text with its tables as lines."""
    return Terminal().add(text)
