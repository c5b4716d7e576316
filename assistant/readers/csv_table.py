"""Read tables, separated by comma, semicolon, tab or bar.

Scopus, IEEE Xplore, Embase, Web of Science, PubMed, ProQuest, EBSCO, Dimensions, Lens, OpenAlex,
Zotero, Mendeley, Rayyan, Covidence, ASReview; any table whose first row names its columns.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence

from assistant.readers.csv_columns import DATABASES, column_map, is_header
from assistant.readers.csv_rows import Row, Rows
from assistant.readers.lines import HEAD_CHARACTERS, Lines
from assistant.readers.names import families_last, split_list, split_people
from assistant.readers.record import find_year, make_paper
from assistant.types import Paper, Problem

NAME = "CSV or TSV"
_DELIMITERS = ",;\t|"
# Before the header some exports write "sep=;" or the address of the search.
_LATEST_HEADER = 8
# Dimensions tells what was searched for, where "title" and "abstract" are between commas too.
_PREFACE = re.compile(r'"?About the data:')
_OTHER_FORMAT = re.compile(r"\s*(?:[{<@]|\[\s*[{\[])")
_EMBASE_SOURCE = re.compile(r"(.+?) \((?:1[6-9]|20)\d\d\) ")
_COMMA_TOPICS = re.compile(r",\s*(?![^()]*\))")


def sniff(head: str) -> bool:
    """Whether one of the first lines names columns of a table of papers."""
    return not _OTHER_FORMAT.match(head) and _header(head) is not None


def _header(head: str) -> tuple[int, str, list[str]] | None:
    """Return the header's place among the lines, its delimiter and its cells."""
    for index, line in enumerate(head.split("\n")[:_LATEST_HEADER]):
        for delimiter in sorted(_DELIMITERS, key=line.count, reverse=True):
            if delimiter not in line or len(line) > 20_000 or _PREFACE.match(line):
                continue
            try:
                cells = next(csv.reader([line], delimiter=delimiter), [])
            except csv.Error:
                continue
            if is_header(cells):
                return index, delimiter, cells
    return None


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each row."""
    found = _header(lines.peek(HEAD_CHARACTERS))
    if found is None:
        yield Problem(source=source, line=1, reason="no row names columns of papers; skipped")
        return
    index, delimiter, cells = found
    for _ in range(index + 1):
        next(lines, None)
    columns = column_map(cells)
    for row in Rows(lines, delimiter, len(cells)):
        yield _paper(row, columns, source)


def _paper(row: Row, columns: Mapping[str, Sequence[int]], source: str) -> Paper | Problem:
    cells = {field: _cell(row, places) for field, places in columns.items()}
    title = cells.get("title", "")
    if row.broken:
        named = f" in “{title[:60]}”" if title else ""
        return Problem(source=source, line=row.line, reason=f"{row.broken}{named}; skipped")
    venue = cells.get("venue", "")
    return make_paper(
        source=source,
        line=row.line,
        title=title,
        abstract=cells.get("abstract", ""),
        authors=_authors(cells.get("authors", "")),
        year=find_year(cells.get("year")) or year_of(venue),
        topics=[
            topic for name, cell in cells.items() if "topic" in name for topic in _topics(cell)
        ],
        venue="" if venue.casefold() in DATABASES else journal_of(venue),
        url=cells.get("url", ""),
        doi=cells.get("doi", ""),
        pmid=cells.get("pmid", ""),
        arxiv_id=cells.get("arxiv_id", ""),
        record_id=cells.get("record_id", ""),
    )


def _cell(row: Row, places: Sequence[int]) -> str:
    texts = (row.cells[place].strip() for place in places if place < len(row.cells))
    return next(filter(None, texts), "")


def journal_of(venue: str) -> str:
    """Return the journal of "Cancer (2004) 102:4 (253-258). Date of Publication: 2004"."""
    match = _EMBASE_SOURCE.match(venue)
    return match.group(1) if match else venue


def year_of(venue: str) -> int | None:
    """Return the year that Embase writes after the journal's name."""
    match = _EMBASE_SOURCE.match(venue)
    return find_year(venue[match.end(1) :]) if match else None


def _authors(cell: str) -> list[str]:
    # Scopus adds its own number to each full name: "Birch, Ada (57202138757)".
    without_ids = re.sub(r"\s*\(\d{6,}\)", "", cell)
    return families_last(split_people(without_ids))


def _topics(cell: str) -> list[str]:
    items = split_list(cell)
    if items is not None:
        return items
    for separator in (";", "|"):
        if separator in cell:
            return cell.split(separator)
    return _COMMA_TOPICS.split(cell)
