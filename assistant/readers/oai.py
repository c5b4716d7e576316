"""Read what archives answer over OAI-PMH: arXiv's own two formats, and Dublin Core of any archive.

The protocol and Dublin Core's use in it: https://www.openarchives.org/OAI/openarchivesprotocol.html
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from assistant.readers.lines import Lines
from assistant.readers.names import split_people
from assistant.readers.record import make_paper
from assistant.readers.xml_records import local_name, text_of, xml_records
from assistant.types import Paper, Problem

NAME = "OAI-PMH XML"
# Files that Python's own XML writer saved call the protocol's namespace "ns0".
_RECORDS = ("record", "oai:record", "ns0:record", "error")
_SET = re.compile(r"<(?:\w+:)?OAI-PMH[\s>]|<oai_dc:dc[\s>]|<arXiv(?:Raw)?\s+xmlns")
_ARXIV = "oai:arXiv.org:"
_AFFILIATION = re.compile(r"\([^()]*\)")
_REMARK = re.compile(r"\s*Comments?:")
_DOI = re.compile(r"(?:doi[:\s]|https?://(?:dx\.)?doi\.org/|10\.\d{4,9}/)", re.IGNORECASE)


def sniff(head: str) -> bool:
    """Whether there is XML that names the protocol or one of its formats."""
    return head.lstrip("\ufeff \t\n").startswith("<") and bool(_SET.search(head))


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each record; the archive's error messages are problems."""
    for found in xml_records(lines, _RECORDS, source):
        yield found if isinstance(found, Problem) else _record(found[1], source, found[0])


def _record(record: Element, source: str, line: int) -> Paper | Problem:
    if local_name(record) == "error":
        told = text_of(record).strip() or record.get("code", "no reason given")
        return Problem(
            source=source, line=line, reason=f"the archive answered with an error: {told}"
        )
    header, holder = _child(record, "header"), _child(record, "metadata")
    identifier = _text(header, "identifier")
    metadata = None if holder is None else next(iter(holder), None)
    if metadata is None:
        deleted = header is not None and header.get("status") == "deleted"
        reason = f"record {identifier} {'was deleted' if deleted else 'has no metadata'}"
        return Problem(source=source, line=line, reason=reason, bare=deleted)
    if local_name(metadata) == "dc":
        return _dublin_core(metadata, identifier, source, line)
    return _arxiv(metadata, identifier, source, line)


def _arxiv(entry: Element, identifier: str, source: str, line: int) -> Paper | Problem:
    arxiv_id = _text(entry, "id") or identifier.removeprefix(_ARXIV)
    return make_paper(
        source=source,
        line=line,
        title=_text(entry, "title"),
        abstract=text_of(_child(entry, "abstract")),
        authors=_authors(_child(entry, "authors")),
        year=_first_version(entry) or _text(entry, "created") or _text(entry, "updated"),
        topics=_text(entry, "categories").split(),
        venue=_text(entry, "journal-ref"),
        url=f"https://arxiv.org/abs/{arxiv_id}" if arxiv_id else "",
        doi=_text(entry, "doi"),
        arxiv_id=arxiv_id,
    )


def _authors(holder: Element | None) -> list[str]:
    """Return the names: elements in one of arXiv's formats, a sentence in the other."""
    if holder is None:
        return []
    parts = ("forenames", "keyname", "suffix")
    people = [
        " ".join(filter(None, (_text(author, part) for part in parts)))
        for author in _children(holder, "author")
    ]
    return people or split_people(_AFFILIATION.sub("", text_of(holder)))


def _first_version(entry: Element) -> str:
    """Return the date of version 1; versions come in any order."""
    versions = _children(entry, "version")
    first = next((one for one in versions if one.get("version") == "v1"), None)
    return _text(first if first is not None else next(iter(versions), None), "date")


def _dublin_core(entry: Element, identifier: str, source: str, line: int) -> Paper | Problem:
    named = [text_of(one).strip() for one in _children(entry, "identifier")]
    links = [one for one in named if one.startswith(("http://", "https://"))]
    from_arxiv = identifier.startswith(_ARXIV)
    # arXiv gives the journal as one more identifier of the paper.
    plain = [one for one in named if from_arxiv and one not in links and not _DOI.match(one)]
    return make_paper(
        source=source,
        line=line,
        title=_text(entry, "title"),
        abstract=_description(entry),
        authors=[text_of(one) for one in _children(entry, "creator")],
        year=_text(entry, "date"),
        topics=[text_of(one) for one in _children(entry, "subject")],
        venue=_text(entry, "source") or next(iter(plain), ""),
        url=next((one for one in links if not _DOI.match(one)), next(iter(links), "")),
        doi=next(filter(_DOI.match, named), ""),
        arxiv_id=identifier.removeprefix(_ARXIV) if from_arxiv else "",
        record_id="" if from_arxiv else identifier,
    )


def _description(entry: Element) -> str:
    """Return the longest description: the others are remarks, or say how it was published."""
    texts = [text_of(one) for one in _children(entry, "description")]
    return max((text for text in texts if not _REMARK.match(text)), key=len, default="")


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if local_name(child) == name]


def _child(element: Element, name: str) -> Element | None:
    return next(iter(_children(element, name)), None)


def _text(element: Element | None, name: str) -> str:
    """Return the first text under that name; archives leave elements empty."""
    texts = (
        (text_of(child).strip() for child in _children(element, name))
        if element is not None
        else ()
    )
    return next(filter(None, texts), "")
