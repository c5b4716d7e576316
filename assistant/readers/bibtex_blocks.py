"""Cut a BibTeX file into blocks and parse each for itself.

bibtexparser wants the whole text at once. Cut where a line opens a block, the file streams
and a brace that is never closed costs one entry.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assistant.readers.bibtex_values import joined
from assistant.readers.lines import Lines

MAX_BLOCK = 2 * 1024 * 1024
MOST_STRINGS = 10_000
_OPENS = re.compile(
    r"[ \t]*@[ \t]*(?:[A-Za-z]+[ \t]*[{(]\s*[^\s,{}()=\"]*\s*(?:,|$)"
    r"|(?:string|comment|preamble)\b)",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"\s*@\s*(?!(?:comment|preamble|string)\b)\w+\s*[{(]", re.IGNORECASE)
_TITLE = re.compile(r"\btitle\s*=\s*[{\"]+\s*([^{}\"\n]{1,60})", re.IGNORECASE)
# Slips that other programs forgive: ",," between fields, no comma after the key or a field.
_SLIPS = (
    (re.compile(r",\s*,(?=\s*[A-Za-z][\w-]*\s*=)"), ","),
    (re.compile(r"^(\s*@\w+\s*[{(]\s*[^\s,={}()]+)[ \t]*\n(?=\s*[A-Za-z][\w-]*\s*=)"), r"\1,\n"),
    (re.compile(r"([}\"]|=\s*\d+)(?=\s+[A-Za-z][\w-]*\s*=\s*[{\"\d])"), r"\1,"),
)


@dataclass(frozen=True)
class Block:
    """One entry with its fields in lower case, or the reason why there is none."""

    line: int
    kind: str = ""
    key: str = ""
    fields: Mapping[str, str] | None = None
    reason: str = ""


def blocks(lines: Lines) -> Iterator[Block]:
    """Yield each entry; `@string` definitions are put in, comments passed over."""
    strings: dict[str, str] = {}
    for line, text in _texts(lines):
        if len(text) > MAX_BLOCK:
            yield Block(line, reason=_named(text, "entry never ends"))
        else:
            yield from _parsed(line, text, strings)


def _texts(lines: Lines) -> Iterator[tuple[int, str]]:
    """Yield (line, text) from each line that opens a block to the next that does."""
    start, size = 0, 0
    parts: list[str] = []
    for number, line in lines:
        if _OPENS.match(line):
            if parts:
                yield start, "\n".join(parts)
            start, size, parts = number, 0, []
        elif not start:
            continue
        if size <= MAX_BLOCK:
            parts.append(line)
            size += len(line) + 1
    if parts:
        yield start, "\n".join(parts)


def _parsed(line: int, text: str, strings: dict[str, str]) -> Iterator[Block]:
    found = list(_parse(line, text, strings))
    if any(block.reason for block in found):
        mended = text
        for slip, mending in _SLIPS:
            mended = slip.sub(mending, mended)
        again = list(_parse(line, mended, strings))
        if again and not any(block.reason for block in again):
            found = again
    yield from found


def _parse(line: int, text: str, strings: dict[str, str]) -> Iterator[Block]:
    for block in _library(text).blocks:
        name = type(block).__name__
        if name == "String" and len(strings) < MOST_STRINGS:
            strings[block.key.lower()] = joined(str(block.value), strings)[0]
        # A field given twice: the first one counts.
        entry = block.ignore_error_block if name == "DuplicateFieldKeyBlock" else block
        if hasattr(entry, "entry_type"):
            yield _entry(line, text, entry, strings)
        elif name == "ParsingFailedBlock" and _ENTRY.match(block.raw):
            reason = getattr(block.error, "abort_reason", "") or str(block.error)
            yield Block(line, reason=_named(block.raw, " ".join(reason.split()).rstrip(".")))


def _entry(line: int, text: str, entry: Any, strings: Mapping[str, str]) -> Block:
    fields: dict[str, str] = {}
    reason = ""
    for one in entry.fields:
        value, whole = joined(str(one.value), strings)
        # A comment after the field before, which biblatex allows, is taken for part of the name.
        name = one.key.strip().rpartition("\n")[2].strip()
        fields.setdefault(name.lower(), value)
        if not whole and str(one.value).strip():
            reason = _named(text, f"field {name} isn't closed properly")
    start = line + (entry.start_line or 0)
    return Block(start, entry.entry_type.lower(), entry.key, fields, reason)


def _named(text: str, reason: str) -> str:
    title = _TITLE.search(text)
    named = f" in “{title.group(1).strip()}”" if title else ""
    return f"broken entry{named} ({reason}); skipped"


def _library(text: str) -> Any:
    from bibtexparser.entrypoint import parse_string

    # It logs what it also returns.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    return parse_string(text, parse_stack=[])
