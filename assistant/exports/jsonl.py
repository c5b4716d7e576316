"""Write papers as JSON lines, under this project's own names, and read exactly that."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from assistant.exports.seal import SUMMARY_NOTE, origin, stamp, unsealed
from assistant.types import Paper

_TEXTS = "title abstract venue url doi arxiv_id pmid record_id".split()


def write(papers: Iterable[Paper]) -> Iterator[str]:
    """Yield a line for each paper."""
    for paper in papers:
        fields = {"export": stamp(paper)} | paper.to_dict()
        fields.pop("raw_abstract", None)
        if paper.is_summary:
            fields["note"] = SUMMARY_NOTE
        yield json.dumps(fields, ensure_ascii=False) + "\n"


def restored(record: Mapping[str, Any], source: str) -> Paper | None:
    """Return the paper of a line that is still what `write` made of it, or None."""
    return unsealed(record.get("export"), _candidates(record, source))


def _candidates(record: Mapping[str, Any], source: str) -> Iterator[Paper]:
    texts = {name: text for name in _TEXTS if isinstance(text := record.get(name), str)}
    year = record.get("year")
    yield Paper(
        **{"title": "", "abstract": ""} | texts,
        id="",
        authors=_strings(record.get("authors")),
        year=year if isinstance(year, int) else None,
        topics=_strings(record.get("topics")),
        source=origin(record.get("note"), source),
    )


def _strings(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str))
