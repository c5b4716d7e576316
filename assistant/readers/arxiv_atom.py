"""Read the Atom feeds that arXiv's API answers with."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from assistant.readers.lines import Lines
from assistant.readers.record import make_paper
from assistant.readers.xml_records import text_of, xml_records
from assistant.types import Paper, Problem

NAME = "arXiv Atom feed"
_FEED = re.compile(r"<feed[\s>]")
_ARXIV = re.compile(r"arxiv\.org/", re.IGNORECASE)
_ATOM = "{http://www.w3.org/2005/Atom}"
_OWN = "{http://arxiv.org/schemas/atom}"


def sniff(head: str) -> bool:
    """Whether there is a feed that names arXiv."""
    feed = _FEED.search(head)
    return head.lstrip("\ufeff \t\n").startswith("<") and bool(feed and _ARXIV.search(head))


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each entry; the API's error messages are problems."""
    for found in xml_records(lines, ("entry",), source):
        yield found if isinstance(found, Problem) else _paper(found[1], source, found[0])


def _paper(entry: Element, source: str, line: int) -> Paper | Problem:
    address = _text(entry, "id").strip()
    if "/api/errors" in address:
        reason = f"arXiv answered with an error: {_text(entry, 'summary').strip()}"
        return Problem(source=source, line=line, reason=reason)
    return make_paper(
        source=source,
        line=line,
        title=_text(entry, "title"),
        abstract=_text(entry, "summary"),
        authors=[_text(author, "name") for author in entry.iterfind(f"{_ATOM}author")],
        year=_text(entry, "published") or _text(entry, "updated"),
        topics=[category.get("term", "") for category in entry.iterfind(f"{_ATOM}category")],
        venue=text_of(entry.find(f"{_OWN}journal_ref")),
        url=address.replace("http://arxiv.org/", "https://arxiv.org/"),
        doi=text_of(entry.find(f"{_OWN}doi")),
        arxiv_id=address,
    )


def _text(element: Element, name: str) -> str:
    return text_of(element.find(f"{_ATOM}{name}"))
