"""Read works from OpenAlex: answers of its API and files of its snapshot."""

from collections.abc import Iterator, Mapping
from typing import Any

from assistant.readers.json_fields import first
from assistant.readers.json_kinds import json_kind
from assistant.readers.json_objects import json_records
from assistant.readers.lines import Lines
from assistant.readers.record import make_paper
from assistant.types import Paper, Problem

NAME = "OpenAlex JSON"


def sniff(head: str) -> bool:
    """Whether there is an inverted abstract, or an OpenAlex work's id."""
    return json_kind(head) == "openalex"


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each work."""
    for found in json_records(lines, source):
        yield found if isinstance(found, Problem) else _paper(found[1], source, found[0])


def _paper(work: Mapping[str, Any], source: str, line: int) -> Paper | Problem:
    ids = _object(work.get("ids"))
    locations = [_object(work.get(name)) for name in ("primary_location", "host_venue")]
    listed = work.get("locations")
    locations += [_object(one) for one in listed] if isinstance(listed, list) else []
    pages = [str(one.get("landing_page_url") or one.get("url") or "") for one in locations]
    venues = [_object(one.get("source") or one) for one in locations]
    record_id = str(work.get("id") or "")
    return make_paper(
        source=source,
        line=line,
        title=first(work, ("display_name", "title")),
        abstract=rebuilt(work.get("abstract_inverted_index")) or work.get("abstract"),
        authors=_authors(work.get("authorships")),
        year=first(work, ("publication_year", "publication_date")),
        topics=_topics(work),
        venue=next((one["display_name"] for one in venues if one.get("display_name")), ""),
        url=next(filter(None, pages), record_id),
        doi=first(work, ("doi",)) or ids.get("doi"),
        arxiv_id=next((page for page in pages if "arxiv.org/" in page), ""),
        pmid=ids.get("pmid"),
        record_id=record_id,
    )


def rebuilt(index: Any) -> str:
    """Return the text of an inverted index: `{"a": [1], "Once": [0]}` → "Once a"."""
    if not isinstance(index, Mapping):
        return ""
    if isinstance(index.get("InvertedIndex"), Mapping):
        index = index["InvertedIndex"]
    placed = [
        (place, word)
        for word, places in index.items()
        if isinstance(places, list)
        for place in places
        if isinstance(place, int)
    ]
    return " ".join(word for _, word in sorted(placed))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _authors(authorships: Any) -> list[str]:
    if not isinstance(authorships, list):
        return []
    people = [_object(one) for one in authorships]
    return [
        str(_object(one.get("author")).get("display_name") or one.get("raw_author_name") or "")
        for one in people
    ]


def _topics(work: Mapping[str, Any]) -> list[str]:
    """Return keywords and topics; old answers have concepts in their place."""
    groups = [work.get("keywords"), work.get("topics")]
    if not any(groups):
        groups = [work.get("concepts")]
    entries = [one for group in groups if isinstance(group, list) for one in group]
    named = [
        one.get("display_name") or one.get("keyword") if isinstance(one, Mapping) else one
        for one in entries
    ]
    return [name for name in named if isinstance(name, str)]
