"""Read PubMed's .nbib / MEDLINE text, and PubMed Central's MEDLARS."""

import re
from collections.abc import Iterator

from assistant.readers.lines import Lines
from assistant.readers.names import bare_initials_first
from assistant.readers.record import make_paper
from assistant.readers.tagged import Style, Tagged, tagged_records
from assistant.types import Paper, Problem

NAME = "PubMed .nbib (MEDLINE)"
_LINE = re.compile(r"(?=.{4}-)([A-Z][A-Z0-9]{1,3}) {0,2}-(?: (.*))?$")
_START = re.compile(r"(?:^|\n)(?:PMID|PMC )- ?\S")
_RIS = re.compile(r"(?:^|\n)TY  -")
_OTHER_FORMAT = re.compile(r"\s*(?:[{<]|\[\s*[{\[])")
NO_TITLE = re.compile(r"\W*(?:not available)?\W*", re.IGNORECASE)
_UNAVAILABLE = "Publisher: Abstract available"


def sniff(head: str) -> bool:
    """Whether a line opens a record with its PubMed identifier."""
    return bool(_START.search(head)) and not _RIS.search(head) and not _OTHER_FORMAT.match(head)


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each record."""
    for record in tagged_records(lines, Style(line=_LINE, begins=_begins), source):
        yield record if isinstance(record, Problem) else _paper(record, source)


def _begins(tag: str, record: Tagged | None) -> bool:
    """Whether `tag` starts a record: PubMed's begin with PMID, PubMed Central's with PMC."""
    return record is None or (tag in ("PMID", "PMC") and tag in record.values)


def _paper(record: Tagged, source: str) -> Paper | Problem:
    pmid, pmc = record.first("PMID"), record.first("PMC")
    url = f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid.isdigit() else ""
    if pmc and not url:
        url = f"https://www.ncbi.nlm.nih.gov/pmc/articles/{pmc}/"
    return make_paper(
        source=source,
        line=record.line,
        title=_title(record),
        abstract=_abstract(record),
        authors=_authors(record),
        year=record.first("DP", "DEP", "DA", "EDAT"),
        topics=[*(word.strip("* ") for word in record.all("OT")), *map(_heading, record.all("MH"))],
        venue=record.first("JT", "TA", "CTI"),
        url=url,
        doi=next((text for text in record.all("AID", "LID") if text.endswith("[doi]")), ""),
        pmid=pmid,
        record_id=pmc,
    )


def _title(record: Tagged) -> str:
    """Return the title; the original one where PubMed has no translation of it."""
    titles = record.all("TI", "BTI", "TT")
    return next((title for title in titles if not NO_TITLE.fullmatch(title)), "")


def _abstract(record: Tagged) -> str:
    other = [text for text in record.all("OAB") if not text.startswith(_UNAVAILABLE)]
    return " ".join(record.all("AB")) or " ".join(other)


def _authors(record: Tagged) -> list[str]:
    """Return full names where there are any; groups ("corporate names") come last."""
    full = record.all("FAU")
    people = full or [bare_initials_first(name) for name in record.all("AU")]
    return [*people, *record.all("CN")]


def _heading(heading: str) -> str:
    """Return the subject of a MeSH heading: "Brain/*surgery" → "Brain"."""
    return heading.split("/")[0].strip("* ")
