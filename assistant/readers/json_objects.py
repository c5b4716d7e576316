"""Find the records of a JSON file: lines, arrays, or an answer with an array in it.

ijson would stream, but stops at the first error and with it loses everything after a
broken record. Here each record is cut out by its braces and decoded for itself.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from assistant.readers.lines import HEAD_CHARACTERS, Lines
from assistant.readers.text_buffer import TextBuffer
from assistant.types import Problem

MAX_OBJECT = 32 * 1024 * 1024
# Tokens that may be read again, in all, to find the records after broken ones: a second or two.
MOST_READ_AGAIN = 5_000_000

# The names under which answers and exports keep their array of records.
_ARRAYS = (
    "results|result|data|items|papers|records|articles|entries|entry|works|documents|docs"
    "|publications|references|recommendedPapers|hits"
)
_WRAPPER = re.compile(rf'"(?:{_ARRAYS})"\s*:\s*\[(?=\s*[\]{{n])')
_PAPER_KEY = re.compile(r'"(?:title|display_name|abstract|paperId)"\s*:')
_TOKEN = re.compile(r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|["{}\[\]]')
_NEXT = re.compile(r"[{\]]")
_FIRST_KEY = re.compile(r'\{\s*("[^"\\\n]{1,99}")\s*:')
_TITLE = re.compile(r'"(?:title|display_name)"\s*:\s*"([^"\n]{1,60})')
_ABSTRACTS = frozenset(
    "abstract abstract_inverted_index abstractNote abstractText summary dc:description text"
    " citingPaper citedPaper papers".split()
)


def is_document(head: str) -> bool:
    """Whether the JSON text that begins with `head` is one document, not one object a line."""
    text = head.lstrip("\ufeff \t\n")
    first, _, rest = text.partition("\n")
    if text.startswith("[") or _wrapped(text):
        return True
    unfinished = not rest and len(text) > HEAD_CHARACTERS // 2
    return unfinished or first.rstrip().endswith(("{", "[", ",")) or first.rstrip() == "{"


def _wrapped(text: str) -> bool:
    wrapper, paper = _WRAPPER.search(text), _PAPER_KEY.search(text)
    return bool(wrapper) and not (paper and wrapper and paper.start() < wrapper.start())


def json_records(lines: Lines, source: str) -> Iterator[tuple[int, Mapping[str, Any]] | Problem]:
    """Yield each record with the line it starts on; a problem where one is broken."""
    head = lines.peek(HEAD_CHARACTERS)
    if is_document(head):
        yield from _Document(lines.texts(), source, wrapped=_wrapped(head)).records()
    else:
        yield from _line_records(lines, source)


def _line_records(lines: Lines, source: str) -> Iterator[tuple[int, Mapping[str, Any]] | Problem]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Problem(source=source, line=number, reason=_broken(error, line))
            continue
        if isinstance(record, dict):
            yield number, record
        else:
            yield Problem(source=source, line=number, reason="not a JSON object; skipped")


def _broken(error: Exception, text: str) -> str:
    title = _TITLE.search(text)
    named = f" in “{title.group(1)}”" if title else ""
    # The whole number or the nesting was too long where there is no message.
    return f"not valid JSON{named} ({getattr(error, 'msg', 'nested too deep')}); skipped"


class _Document:
    """Cuts the records out of a document that arrives in chunks."""

    def __init__(self, texts: Iterator[str], source: str, *, wrapped: bool) -> None:
        self._buffer = TextBuffer(texts)
        self._source = source
        self._at = 0
        self._wrapped = wrapped
        self._find = _WRAPPER if wrapped else _NEXT
        self._recovering = False
        self._tokens = 0
        self._read_again = 0

    def records(self) -> Iterator[tuple[int, Mapping[str, Any]] | Problem]:
        while self._seek():
            line = self._buffer.line_at(self._at)
            end = self._end_of_object()
            text = self._buffer.text[self._at : end]
            try:
                if end is None:
                    raise ValueError("it has no end")
                record = json.loads(text)
            except (ValueError, RecursionError) as error:
                if not self._recovering:
                    reason = _broken(error, text)
                    yield Problem(source=self._source, line=line, reason=reason)
                self._recover(text)
                continue
            self._at = end
            # While looking for the next record, objects within the broken one turn up.
            if not self._recovering or not _ABSTRACTS.isdisjoint(record):
                self._recovering = False
                self._find = _NEXT
                yield line, record

    def _more(self) -> bool:
        found = self._buffer.more(self._at)
        self._at = 0 if found else self._at
        return found

    def _seek(self) -> bool:
        """Go to the next record's opening brace; False at the end of the text."""
        while True:
            match = self._find.search(self._buffer.text, self._at)
            if match is None:
                # A name may be cut in two by the chunk's end.
                self._at = max(self._at, len(self._buffer.text) - 200)
                if not self._more():
                    return False
            elif self._find is _WRAPPER:
                self._at, self._find = match.end(), _NEXT
            elif match.group() == "]":
                self._at = match.end()
                self._find = _WRAPPER if self._wrapped else _NEXT
            else:
                self._at = match.start()
                return True

    def _end_of_object(self) -> int | None:
        """Return where the record that starts here ends; None where it never does."""
        depth = scanned = self._tokens = 0
        while True:
            for match in _TOKEN.finditer(self._buffer.text, self._at + scanned):
                self._tokens += 1
                mark = match.group()
                if mark in "{[":
                    depth += 1
                elif mark in "}]":
                    depth -= 1
                    if depth == 0:
                        return match.end()
                elif mark == '"':
                    # No string goes over a line's end: this one lacks its closing quote.
                    if self._buffer.text.find("\n", match.start()) >= 0:
                        return None
                    scanned = match.start() - self._at
                    break
            else:
                scanned = len(self._buffer.text) - self._at
            if scanned > MAX_OBJECT or not self._more():
                return None

    def _recover(self, text: str) -> None:
        """Go on at what looks like the start of the next record."""
        self._recovering = True
        key = _FIRST_KEY.match(text)
        if key:
            self._find = re.compile(r"\{\s*" + re.escape(key.group(1)) + r"\s*:")
        self._read_again += self._tokens
        self._at += 1 if self._read_again < MOST_READ_AGAIN else len(text)
