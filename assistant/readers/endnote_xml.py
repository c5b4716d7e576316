"""Read EndNote's XML, as EndNote, Zotero, Mendeley and review tools (Covidence) export it."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from assistant.readers.lines import Lines
from assistant.readers.record import make_paper
from assistant.readers.xml_records import text_of, xml_records
from assistant.types import Paper, Problem

NAME = "EndNote XML"
_LIBRARY = re.compile(r"<records>\s*<record[\s>]")
_OWN_FIELDS = re.compile(
    r"<(?:ref-type|source-app|titles|contributors|electronic-resource-num)[\s>]"
)
_PUBMED = re.compile(r"pubmed|medline|\bnlm\b", re.IGNORECASE)
_BETWEEN_KEYWORDS = re.compile(r"[;\r\n]")


def sniff(head: str) -> bool:
    """Whether there is XML with a list of records, in EndNote's elements."""
    begins = head.lstrip("\ufeff \t\n").startswith("<") and _LIBRARY.search(head)
    return bool(begins and _OWN_FIELDS.search(head))


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each record; the styles of its text are left out."""
    for found in xml_records(lines, ("record",), source):
        yield found if isinstance(found, Problem) else _paper(found[1], source, found[0])


def _paper(record: Element, source: str, line: int) -> Paper | Problem:
    number = _first(record, "accession-num")
    return make_paper(
        source=source,
        line=line,
        title=_first(record, "titles/title", "titles/translated-title"),
        abstract=_first(record, "abstract"),
        authors=_all(record, "contributors/authors/author"),
        year=_first(record, "dates/year", "dates/pub-dates/date"),
        topics=[
            word
            for text in _all(record, "keywords/keyword")
            for word in _BETWEEN_KEYWORDS.split(text)
        ],
        venue=_first(
            record, "periodical/full-title", "titles/secondary-title", "periodical/abbr-1"
        ),
        url=next((url for url in _all(record, "urls//url") if url.startswith("http")), ""),
        doi=_first(record, "electronic-resource-num"),
        pmid=number if _from_pubmed(record) and number.isdigit() else "",
        # The number within a library (rec-number) is another paper's in the next library.
        record_id=number,
    )


def _from_pubmed(record: Element) -> bool:
    names = _all(record, "remote-database-name") + _all(record, "remote-database-provider")
    return any(map(_PUBMED.search, names))


def _all(record: Element, path: str) -> list[str]:
    return [text_of(one).strip() for one in record.iterfind(path)]


def _first(record: Element, *paths: str) -> str:
    return next(filter(None, (text for path in paths for text in _all(record, path))), "")
