"""Cut a model's reply into claims: sentences, also of list items, and rows of tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from assistant.grounding.marks import Mark, leading_marks, marks, without_marks
from assistant.text.sentences import split_sentences
from assistant.text.tables import cells_of, fitted, is_row, is_rule, statement

_UNFINISHED = re.compile(r"\s*[\[【［][^\]】］]*$")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
_LABEL = re.compile(r"^(?:answer|short answer|final answer)\s*:\s*", re.IGNORECASE)
_MARKUP = re.compile(r"\*\*|__|`|^#+\s*", re.MULTILINE)


@dataclass(frozen=True)
class Item:
    """A sentence of a list's item; those of one item share its number."""

    number: int


@dataclass(frozen=True)
class Row:
    """A table's row, its cells without citation marks."""

    header: tuple[str, ...]
    cells: tuple[str, ...]


Shape = Item | Row | None
"""How a claim is set: in a list, in a table, or in running text."""


@dataclass(frozen=True, kw_only=True)
class DraftClaim:
    """A statement of the reply without its citation marks, and what the marks said.

    `numbers` are those of the evidence that it cites; `strange` are marks that name no number,
    as "[Smith 2020]". The text of a table's row is its cells as one statement.
    """

    text: str
    numbers: tuple[int, ...]
    strange: tuple[str, ...] = ()
    shape: Shape = None


def split_claims(reply: str) -> list[DraftClaim]:
    """Return the claims of `reply` in order, with the evidence numbers each cites."""
    claims: list[DraftClaim] = []
    header: tuple[str, ...] = ()
    lines = reply.splitlines()
    for place, line in enumerate(lines):
        if is_row(line) and place + 1 < len(lines) and is_rule(lines[place + 1]):
            header = tuple(without_marks(_plain(cell)) for cell in cells_of(line))
        elif is_rule(line):
            continue
        elif is_row(line):
            claims += _row(header, line, place)
        else:
            header = ()
            _add_sentences(claims, line, Item(place) if _BULLET.match(line) else None)
    return claims


def finished_claims(draft: str) -> list[DraftClaim]:
    """Return the claims of a reply that still grows whose text and marks can't change any more.

    The last claim may grow or get a mark, and whether a full stop ends a sentence depends on
    the whole of the next word.
    """
    stable = _UNFINISHED.sub("", re.sub(r"\S+$", "", draft))
    return split_claims(stable)[:-1]


def _plain(text: str) -> str:
    return _LABEL.sub("", _MARKUP.sub("", text).strip())


def _add_sentences(claims: list[DraftClaim], line: str, shape: Shape) -> None:
    for piece in _pieces(_plain(_BULLET.sub("", line))):
        found = _claim(without_marks(piece), list(marks(piece)), shape)
        if re.search(r"\w", found.text):
            claims.append(found)
        elif claims:
            # "…on ImageNet. [2]": the mark belongs to the sentence before it.
            last = claims.pop()
            claims.append(
                replace(
                    last,
                    numbers=tuple(dict.fromkeys((*last.numbers, *found.numbers))),
                    strange=(*last.strange, *found.strange),
                )
            )


def _pieces(line: str) -> list[str]:
    """Split at sentence ends, also where a citation mark follows the full stop."""
    pieces: list[str] = []
    for start, end in split_sentences(line, lower_case=False):
        piece = line[start:end]
        lead = leading_marks(piece)
        if lead and pieces:
            pieces.append(piece[:lead])
            piece = piece[lead:].strip()
        if piece:
            pieces.append(piece)
    return pieces


def _row(header: tuple[str, ...], line: str, place: int) -> Iterator[DraftClaim]:
    """Yield the row's claim, unless it says nothing of anything.

    A row without a header is shown as an item of a list.
    """
    raw = [_plain(cell) for cell in cells_of(line)]
    cells = tuple(without_marks(cell) for cell in raw)
    if header:
        cells = fitted(cells, len(header))
    text = statement(header, cells)
    if sum(bool(cell) for cell in cells) > 1 and re.search(r"\w", text):
        found = [mark for cell in raw for mark in marks(cell)]
        yield _claim(text, found, Row(header, cells) if header else Item(place))


def _claim(text: str, found: list[Mark], shape: Shape) -> DraftClaim:
    return DraftClaim(
        text=text,
        numbers=tuple(dict.fromkeys(number for mark in found for number in mark.numbers)),
        strange=tuple(mark.text for mark in found if not mark.numbers),
        shape=shape,
    )
