"""Read papers from Semantic Scholar: answers of its API and files of its datasets.

Papers within papers (citations, references, an author's papers) are read as well.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from assistant.readers.json_fields import first, people_of, text_of, topics_of
from assistant.readers.json_kinds import json_kind
from assistant.readers.json_objects import json_records
from assistant.readers.lines import Lines
from assistant.readers.record import make_paper
from assistant.types import Paper, Problem

NAME = "Semantic Scholar JSON"
_INNER = ("citingPaper", "citedPaper", "citations", "references", "papers", "recommendedPapers")
_DEEPEST = 4


def sniff(head: str) -> bool:
    """Whether records carry this source's paper ids."""
    return json_kind(head) == "semantic scholar"


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each record, and of the papers within it."""
    for found in json_records(lines, source):
        if isinstance(found, Problem):
            yield found
            continue
        for record in _papers(found[1], _DEEPEST):
            yield _paper(record, source, found[0])


def _papers(record: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    inner = [record[name] for name in _INNER if isinstance(record.get(name), Mapping | list)]
    # A citation, or an author with papers, is no paper itself.
    if not inner or first(record, ("title", "abstract")) is not None:
        yield record
    if depth:
        for value in inner:
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, Mapping):
                    yield from _papers(one, depth - 1)


def _paper(record: Mapping[str, Any], source: str, line: int) -> Paper | Problem:
    ids = _external_ids(record)
    venue = first(record, ("venue",)) or text_of(record.get("publicationVenue"))
    return make_paper(
        source=source,
        line=line,
        title=record.get("title"),
        abstract=record.get("abstract"),
        authors=people_of(record.get("authors")),
        year=first(record, ("year", "publicationDate", "publicationdate")),
        topics=_fields(record),
        venue=venue or text_of(record.get("journal")),
        url=record.get("url"),
        doi=ids.get("doi") or record.get("doi"),
        arxiv_id=ids.get("arxiv") or record.get("arxivId"),
        pmid=ids.get("pubmed"),
        record_id=first(record, ("paperId", "corpusid")),
    )


def _external_ids(record: Mapping[str, Any]) -> dict[str, Any]:
    opened = record.get("openaccessinfo")
    for holder in (record, opened):
        ids = first(holder, ("externalIds", "externalids")) if isinstance(holder, Mapping) else None
        if isinstance(ids, Mapping):
            return {str(name).lower(): value for name, value in ids.items()}
    return {}


def _fields(record: Mapping[str, Any]) -> list[str]:
    plain = topics_of(record.get("fieldsOfStudy"))
    return plain or topics_of(first(record, ("s2FieldsOfStudy", "s2fieldsofstudy")))
