"""Read Web of Science's plain text (FN, PT … ER), as saved or as .ciw."""

import re
from collections.abc import Iterator

from assistant.readers.lines import Lines
from assistant.readers.record import make_paper
from assistant.readers.tagged import Style, Tagged, tagged_records
from assistant.types import Paper, Problem

NAME = "Web of Science plain text"
_LINE = re.compile(r"([A-Z][A-Z0-9])(?: (.*))?$")
_FILE = re.compile(r"\s*FN (?:Clarivate|Thomson|ISI|Web of)")
_RECORD = re.compile(r"(?:\s*VR [\d.]+\n)?\s*PT [A-Z]\s*\n(?:AU|BA|CA|GP|TI) ")
_LISTS = frozenset(("AU", "AF", "CA", "GP"))


def sniff(head: str) -> bool:
    """Whether the text begins with the name of the file's maker, or with a record."""
    return bool(_FILE.match(head) or _RECORD.match(head))


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each record."""
    style = Style(line=_LINE, begins=lambda tag, _record: tag == "PT", end="ER", lists=_LISTS)
    for record in tagged_records(lines, style, source):
        yield record if isinstance(record, Problem) else _paper(record, source)


def _paper(record: Tagged, source: str) -> Paper | Problem:
    return make_paper(
        source=source,
        line=record.line,
        title=record.first("TI"),
        abstract=" ".join(record.all("AB")),
        authors=[*(record.all("AF") or record.all("AU")), *record.all("CA", "GP")],
        year=record.first("PY", "EY", "EA"),
        # Author keywords, then those that the index made of the cited titles.
        topics=[word for value in record.all("DE", "ID") for word in value.split(";")],
        venue=record.first("SO", "SE"),
        doi=record.first("DI", "D2"),
        pmid=record.first("PM"),
        record_id=record.first("UT"),
    )
