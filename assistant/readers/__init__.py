"""Read papers from any supported export, sniffed by content.

One module a format. Each has `NAME`, `sniff(head) -> bool` over the first characters,
and `read(lines, source) -> Iterator[Paper | Problem]`, which streams and never raises
for one bad record: it yields a `Problem` and goes on.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import IO

from assistant.errors import UnreadableFileError
from assistant.readers import (
    arxiv_atom,
    arxiv_json,
    bibtex,
    csv_table,
    daily_papers,
    embase_rows,
    endnote_xml,
    json_array,
    jsonl,
    medline,
    oai,
    openalex,
    pubmed_text,
    pubmed_xml,
    ris,
    semantic_scholar,
    web_of_science,
)
from assistant.readers.folder import files_below
from assistant.readers.lines import HEAD_CHARACTERS, Lines, open_lines
from assistant.types import Paper, Problem

READERS: tuple[ModuleType, ...] = (
    jsonl,
    json_array,
    arxiv_json,
    openalex,
    semantic_scholar,
    bibtex,
    ris,
    medline,
    web_of_science,
    pubmed_xml,
    arxiv_atom,
    oai,
    endnote_xml,
    pubmed_text,
    daily_papers,
    embase_rows,
    csv_table,
)
STANDARD_INPUT = Path("-")


def read_papers(path: Path, source: str = "") -> Iterator[Paper | Problem]:
    """Yield the papers and problems of the file at `path`, in order.

    The path "-" is standard input; of a folder, all files below it are read, and those
    that can't be are problems. `source` names the file in reports and in the papers
    (default: its name).

    Raises:
        UnreadableFileError: the file is missing, empty, binary or of no known format.
    """
    if path == STANDARD_INPUT:
        yield from read_stream(sys.stdin.buffer, source or "standard input")
    elif path.is_dir():
        for found in files_of(path, source):
            yield from (found,) if isinstance(found, Problem) else read_file(*found)
    else:
        yield from _read_file(path, source or path.name)


def read_stream(
    stream: IO[bytes], source: str, most_unpacked: int | None = None
) -> Iterator[Paper | Problem]:
    """Yield the papers and problems of an open file; see `read_papers`.

    What is compressed is read up to `most_unpacked` bytes (None: to its end).
    """
    lines = open_lines(stream, source, most_unpacked)
    yield from _reader_for(lines, source).read(lines, source)
    yield from lines.problems


def _read_file(path: Path, source: str) -> Iterator[Paper | Problem]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror}; check the name.") from error
    with stream:
        yield from read_stream(stream, source)


def files_of(path: Path, source: str = "") -> Iterator[tuple[Path, str] | Problem]:
    """Yield each file that `path` stands for with the name of its source, in order.

    That is itself, or the files below a folder; of these, what isn't read is a problem.

    Raises:
        UnreadableFileError: it is a folder with no file in it.
    """
    if not path.is_dir():
        yield path, source or path.name
        return
    root = source or path.resolve().name
    empty = True
    for file, refused in files_below(path):
        empty = False
        name = f"{root}/{file.relative_to(path).as_posix()}"
        yield Problem(source=name, line=0, reason=refused) if refused else (file, name)
    if empty:
        raise UnreadableFileError(f"{path}: is a folder with no file in it.")


def read_file(path: Path, source: str) -> Iterator[Paper | Problem]:
    """Yield the papers and problems of one file among several; one it can't read is a problem."""
    try:
        yield from _read_file(path, source)
    except UnreadableFileError as error:
        reason = str(error).removeprefix(f"{source}: ").removeprefix(f"{path}: ")
        yield Problem(source=source, line=0, reason=reason)


def _reader_for(lines: Lines, source: str) -> ModuleType:
    head = lines.peek(HEAD_CHARACTERS)
    for reader in READERS:
        if reader.sniff(head):
            return reader
    names = ", ".join(reader.NAME for reader in READERS)
    raise UnreadableFileError(f"{source}: not a format that is known here. Known: {names}.")
