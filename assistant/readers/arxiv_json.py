"""Read arXiv's metadata dump (OAI, as on Kaggle): one JSON object a line."""

from collections.abc import Iterator, Mapping
from typing import Any

from assistant.readers.json_fields import people_of
from assistant.readers.json_kinds import json_kind
from assistant.readers.json_objects import json_records
from assistant.readers.lines import Lines
from assistant.readers.record import make_paper
from assistant.types import Paper, Problem

NAME = "arXiv metadata dump"


def sniff(head: str) -> bool:
    """Whether the records have the dump's own field of parsed authors."""
    return json_kind(head) == "arxiv"


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each record."""
    for found in json_records(lines, source):
        yield found if isinstance(found, Problem) else _paper(found[1], source, found[0])


def _paper(record: Mapping[str, Any], source: str, line: int) -> Paper | Problem:
    arxiv_id = str(record.get("id") or "")
    categories = record.get("categories")
    return make_paper(
        source=source,
        line=line,
        title=record.get("title"),
        abstract=record.get("abstract"),
        authors=_authors(record),
        year=_first_version(record) or record.get("update_date"),
        # One string, separated by spaces; some copies of the dump made it a list.
        topics=categories.split() if isinstance(categories, str) else _strings(categories),
        venue=record.get("journal-ref"),
        url=f"https://arxiv.org/abs/{arxiv_id}" if arxiv_id else "",
        doi=record.get("doi"),
        arxiv_id=arxiv_id,
    )


def _authors(record: Mapping[str, Any]) -> list[str]:
    """Return the names of `[["Birch", "Ada", "Jr"], …]`; the one string where it is missing."""
    parsed = record.get("authors_parsed")
    names = [_strings(parts) for parts in parsed] if isinstance(parsed, list) else []
    if not any(names):
        return people_of(record.get("authors"))
    return [
        " ".join(filter(None, (*parts[1:2], parts[0], *parts[2:3]))) for parts in names if parts
    ]


def _first_version(record: Mapping[str, Any]) -> str:
    versions = record.get("versions")
    first = versions[0] if isinstance(versions, list) and versions else None
    return str(first.get("created") or "") if isinstance(first, Mapping) else ""


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
