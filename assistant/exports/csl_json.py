"""Write papers as CSL-JSON, and read exactly what was written."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from assistant.exports.people import Name, parts
from assistant.exports.ris import ARXIV
from assistant.exports.seal import SUMMARY_NOTE, origin, stamp, unsealed
from assistant.exports.topics import apart, together
from assistant.types import Paper


def write(papers: Iterable[Paper]) -> Iterator[str]:
    """Yield an array with an item for each paper."""
    taken: set[str] = set()
    opening = "[\n"
    for paper in papers:
        key = paper.record_id if paper.record_id not in taken else ""
        taken.add(key)
        yield opening + json.dumps(_item(paper, key or paper.id), ensure_ascii=False)
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


def _item(paper: Paper, key: str) -> dict[str, Any]:
    fields = {
        "id": key,
        "type": "article-journal" if paper.venue else "article",
        "source": stamp(paper),
        "citation-key": paper.record_id if paper.record_id != key else "",
        "title": paper.title,
        "author": [_name(author) for author in paper.authors],
        "issued": {"date-parts": [[paper.year]]} if paper.year else None,
        "container-title": paper.venue,
        "DOI": paper.doi,
        "number": ARXIV + paper.arxiv_id if paper.arxiv_id else "",
        "PMID": paper.pmid,
        "URL": paper.url,
        "keyword": together(paper.topics),
        "abstract": paper.abstract,
        "note": SUMMARY_NOTE if paper.is_summary else "",
    }
    return {name: value for name, value in fields.items() if value}


def _name(name: str) -> dict[str, str]:
    one = parts(name)
    return (
        {part: text for part, text in vars(one).items() if text} if one.given else {"literal": name}
    )


def restored(item: Mapping[str, Any], source: str) -> Paper | None:
    """Return the paper of an item that is still what `write` made of it, or None."""
    return unsealed(item.get("source"), _candidates(item, source))


def _candidates(item: Mapping[str, Any], source: str) -> Iterator[Paper]:
    texts = {name: value for name, value in item.items() if isinstance(value, str)}
    for topics in apart(texts.get("keyword", "")):
        for record_id in (texts.get("citation-key") or texts.get("id", ""), ""):
            yield Paper(
                id="",
                title=texts.get("title", ""),
                abstract=texts.get("abstract", ""),
                authors=tuple(map(_spoken, _list(item.get("author")))),
                year=_year(item.get("issued")),
                venue=texts.get("container-title", ""),
                url=texts.get("URL", ""),
                doi=texts.get("DOI", ""),
                arxiv_id=texts.get("number", "").removeprefix(ARXIV),
                pmid=texts.get("PMID", ""),
                topics=topics,
                source=origin(texts.get("note"), source),
                record_id=record_id,
            )


def _spoken(author: Any) -> str:
    if not isinstance(author, Mapping):
        return ""
    literal, *pieces = (
        str(author.get(part) or "") for part in ("literal", "family", "given", "suffix")
    )
    return literal or str(Name(*pieces))


def _year(issued: Any) -> int | None:
    match issued:
        case {"date-parts": [[int(year), *_], *_]}:
            return year
    return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
