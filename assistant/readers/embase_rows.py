"""Read Embase's CSV "by rows": a field a line, its name in the first cell, its values after it."""

import csv
import re
from collections.abc import Iterator

from assistant.readers.csv_table import journal_of, year_of
from assistant.readers.lines import Lines
from assistant.readers.names import initials_first
from assistant.readers.record import find_year, make_paper
from assistant.readers.tagged import Style, Tagged, tagged_records
from assistant.types import Paper, Problem

NAME = "Embase CSV by rows"
# A spreadsheet that saved the file again took the quotes away.
_LINE = re.compile(r'"?([A-Z][A-Zi ./()-]{2,80})"?,(.*)$')
_START = re.compile(r'(?:^|\n)"?TITLE"?,')
_OTHERS = re.compile(r'\n"?(?:AUTHOR NAMES|SOURCE(?: TITLE)?|PUBLICATION YEAR|ABSTRACT)"?,')
_FARTHEST_START = 500
_TOPICS = (
    "AUTHOR KEYWORDS",
    "EMTREE DRUG INDEX TERMS (MAJOR FOCUS)",
    "EMTREE MEDICAL INDEX TERMS (MAJOR FOCUS)",
)


def sniff(head: str) -> bool:
    """Whether the first lines each begin with the name of one of Embase's fields."""
    start = _START.search(head, 0, _FARTHEST_START)
    return bool(start and _OTHERS.search(head, start.end()))


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each record; each begins with its title."""
    style = Style(line=_LINE, begins=lambda tag, _record: tag == "TITLE")
    for record in tagged_records(lines, style, source):
        yield record if isinstance(record, Problem) else _paper(record, source)


def _paper(record: Tagged, source: str) -> Paper | Problem:
    venue = _text(record, "SOURCE TITLE") or _text(record, "SOURCE")
    return make_paper(
        source=source,
        line=record.line,
        title=_text(record, "TITLE") or _text(record, "ORIGINAL NON-ENGLISH TITLE"),
        abstract=_text(record, "ABSTRACT") or _text(record, "ORIGINAL NON-ENGLISH ABSTRACT"),
        authors=map(initials_first, _cells(record, "AUTHOR NAMES")),
        year=find_year(_text(record, "PUBLICATION YEAR")) or year_of(venue),
        topics=[word for name in _TOPICS for word in _cells(record, name)],
        venue=journal_of(venue),
        url=_text(record, "EMBASE LINK"),
        doi=_text(record, "DOI"),
        pmid=_text(record, "MEDLINE PMID"),
        record_id=_text(record, "PUI"),
    )


def _text(record: Tagged, name: str) -> str:
    """Return a value that stands alone; quotes within it are often not doubled."""
    text = record.first(name).strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return text.replace('""', '"')


def _cells(record: Tagged, name: str) -> list[str]:
    try:
        return next(csv.reader([record.first(name)]), [])
    except csv.Error:
        return [_text(record, name)]
