"""Read a daily-papers page saved as text: header lines, then title / abstract pairs.

Blocks are separated by blank lines. The header ends with the day ("Mar 11").
"""

import re
from collections.abc import Iterator

from assistant.readers.lines import Lines
from assistant.readers.record import make_paper
from assistant.types import Paper, Problem

NAME = "daily-papers page"
_DAY = re.compile(r"[A-Z][a-z]{2,8}\.? \d{1,2}(?:, \d{4})?")
_HEADER = re.compile(r"Daily Papers|Get trending papers in your email inbox|byAK and the research")
_LONGEST_HEADER = 12
_ABSTRACT_WORDS = 40
_MOST_LINES = 2000


def sniff(head: str) -> bool:
    """Whether the text begins like such a page."""
    start = head[:2000]
    first = [line.strip() for line in start.splitlines() if line.strip()][:_LONGEST_HEADER]
    return bool(_HEADER.search(start)) and any(_DAY.fullmatch(line) for line in first)


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield each entry; a title without abstract, or the reverse, is a problem."""
    title: tuple[int, str] | None = None
    for number, block in _entries(lines):
        if title and _is_abstract(block, after_title=True):
            yield make_paper(source=source, line=title[0], title=title[1], abstract=block)
            title = None
        elif _is_abstract(block, after_title=False):
            reason = f"text without a title: “{block[:50]}…”"
            yield Problem(source=source, line=number, reason=reason)
        else:
            if title:
                yield make_paper(source=source, line=title[0], title=title[1])
            title = (number, block)
    if title:
        yield make_paper(source=source, line=title[0], title=title[1])


def _entries(lines: Lines) -> Iterator[tuple[int, str]]:
    """Yield the blocks after the header with the line each starts on."""
    blocks = _blocks(lines)
    header = []
    for block in blocks:
        header.append(block)
        if _DAY.fullmatch(block[1]):
            break
        if len(header) > _LONGEST_HEADER:
            yield from header
            break
    yield from blocks


def _blocks(lines: Lines) -> Iterator[tuple[int, str]]:
    start = 0
    parts: list[str] = []
    for number, line in lines:
        text = line.strip()
        if text and len(parts) < _MOST_LINES:
            start = start if parts else number
            parts.append(text)
        elif parts and not text:
            yield start, " ".join(parts)
            parts = []
    if parts:
        yield start, " ".join(parts)


def _is_abstract(block: str, *, after_title: bool) -> bool:
    count = len(block.split())
    if count >= _ABSTRACT_WORDS:
        return True
    return after_title and count >= 8 and block.endswith((".", "!", "…", ")"))
