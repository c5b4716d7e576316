"""Read RIS: exports of Zotero, Mendeley, EndNote, Scopus, Embase, Ovid, ProQuest, EBSCO."""

import re
from collections.abc import Iterator

from assistant.exports.ris import restored
from assistant.exports.seal import is_stamp
from assistant.readers.lines import HEAD_CHARACTERS, Lines
from assistant.readers.names import families_last, split_people
from assistant.readers.record import find_year, make_paper
from assistant.readers.tagged import Style, Tagged, tagged_records
from assistant.types import Paper, Problem

NAME = "RIS"
# Cochrane has one tag of three letters.
_TWO_SPACES = re.compile(r"([A-Z][A-Z0-9](?=  -)|DOI(?= -)) {1,2}-(?: ?(.*))$")
# Some programs write one space; then prose like "AI - a review" would look the same.
_ANY_SPACES = re.compile(r"\s{0,3}([A-Z][A-Z0-9])[ \t]{0,3}-(?:[ \t](.*))?$")
_START = re.compile(r"(?:^|\n)TY  -")
_LOOSE_START = re.compile(r"(?:^|\n)[ \t]{0,3}TY[ \t]{0,3}-[ \t]*[A-Z]")
# Ovid numbers its records "<1>".
_OTHER_FORMAT = re.compile(r"\s*(?:\{|<(?!\d+>)|\[\s*[{\[])")
_ARXIV = re.compile(r"arxiv\s*:", re.IGNORECASE)
_LISTS = frozenset(("AU", "A1", "KW"))


def sniff(head: str) -> bool:
    """Whether a line opens a record with its type."""
    return bool(_LOOSE_START.search(head)) and not _OTHER_FORMAT.match(head)


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each record."""
    strict = _START.search(lines.peek(HEAD_CHARACTERS))
    style = Style(
        line=_TWO_SPACES if strict else _ANY_SPACES,
        begins=lambda tag, _record: tag == "TY",
        end="ER",
        lists=_LISTS,
    )
    for record in tagged_records(lines, style, source):
        if isinstance(record, Problem):
            yield record
        else:
            yield _exported(record, source) or _paper(record, source)


def _exported(record: Tagged, source: str) -> Paper | None:
    """Return the paper of a record that this project wrote."""
    if not is_stamp(record.first("DP")):
        return None
    return restored({tag: record.all(tag) for tag in record.values}, source)


def _paper(record: Tagged, source: str) -> Paper | Problem:
    links = [link for value in record.all("UR", "LK", "L2", "US") for link in value.split()]
    return make_paper(
        source=source,
        line=record.line,
        title=record.first("TI", "T1", "CT", "BT", "TT"),
        abstract=_abstract(record),
        authors=_authors(record),
        year=_year(record),
        topics=[word for value in record.all("KW") for word in _words(value)],
        venue=record.first("T2", "JF", "JO", "JA", "J2", "SO", "J1"),
        url=next((link for link in links if link.startswith("http")), ""),
        doi=_doi(record, links),
        arxiv_id=next(filter(_ARXIV.match, record.all("M1")), ""),
        pmid=_pmid(record, links),
        record_id=record.first("ID", "AN"),
    )


def _abstract(record: Tagged) -> str:
    """Return all paragraphs; AB and N2 often say the same."""
    return " ".join(record.all("AB")) or " ".join(record.all("N2"))


def _authors(record: Tagged) -> list[str]:
    # "Birch, Ada; Oak, Ben" on one line isn't RIS, and happens; so does Embase's "Birch A.".
    values = record.all("AU", "A1")
    return families_last(
        name for value in values for name in (split_people(value) if ";" in value else [value])
    )


def _words(value: str) -> list[str]:
    # Ovid marks with a star what the paper is mainly about.
    return [word.strip("* ") for word in value.split(";")]


def _year(record: Tagged) -> int | None:
    return next(filter(None, map(find_year, record.all("PY", "Y1", "DA", "YR"))), None)


def _doi(record: Tagged, links: list[str]) -> str:
    named = record.first("DO", "DI", "DOI")
    guesses = [*record.all("M3", "L3", "N1", "C7"), *links]
    return named or next((text for text in guesses if re.search(r"doi\W*10\.|doi\.org/", text)), "")


def _pmid(record: Tagged, links: list[str]) -> str:
    """Return Scopus' C2, PubMed's own accession number, or the one in a link."""
    number, database = record.first("C2"), record.first("DB", "DP").casefold()
    if re.fullmatch(r"\d{5,9}", number):
        return number
    if "pubmed" in database or "medline" in database:
        number = record.first("AN")
        return number if number.isdigit() else ""
    linked = re.search(r"pubmed\.ncbi\.nlm\.nih\.gov/(\d+)|/pubmed/(\d+)", " ".join(links))
    return next(filter(None, linked.groups()), "") if linked else ""
