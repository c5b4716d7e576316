"""Write papers as BibTeX, and read exactly what was written."""

import re
from collections.abc import Iterable, Iterator, Mapping

from assistant.exports.keys import Keys
from assistant.exports.people import Name, parts
from assistant.exports.seal import SUMMARY_NOTE, origin, stamp, unsealed, year_of
from assistant.exports.tex import escaped, protected, unescaped, verbatim
from assistant.exports.topics import apart, together
from assistant.types import Paper

_BRACE_OR_AND = re.compile(r"(?<!\\)[{}]| and ")


def write(papers: Iterable[Paper]) -> Iterator[str]:
    """Yield an entry for each paper."""
    keys = Keys()
    for paper in papers:
        yield _entry(paper, keys.key(paper))


def _entry(paper: Paper, key: str) -> str:
    kind = "article" if paper.venue else "misc"
    fields = {
        "author": " and ".join(map(_name, paper.authors)),
        "title": protected(paper.title),
        "journal": escaped(paper.venue),
        "year": str(paper.year or ""),
        "doi": verbatim(paper.doi),
        "eprint": paper.arxiv_id,
        "archivePrefix": "arXiv" if paper.arxiv_id else "",
        "pmid": paper.pmid,
        "url": verbatim(paper.url),
        "keywords": escaped(together(paper.topics)),
        "abstract": escaped(paper.abstract),
        "annote": SUMMARY_NOTE if paper.is_summary else "",
        "recordid": verbatim(paper.record_id) if paper.record_id != key else "",
        "source": stamp(paper),
    }
    lines = (f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@{kind}{{{key},\n{''.join(lines)}}}\n\n"


def _name(name: str) -> str:
    one = parts(name)
    if not one.given:
        return f"{{{escaped(name)}}}"
    return ", ".join(escaped(part) for part in (one.family, one.suffix, one.given) if part)


def restored(key: str, fields: Mapping[str, str], source: str) -> Paper | None:
    """Return the paper of an entry that is still what `write` made of it, or None."""
    return unsealed(fields.get("source"), _candidates(key, fields, source))


def _candidates(key: str, fields: Mapping[str, str], source: str) -> Iterator[Paper]:
    texts = {name: unescaped(value) for name, value in fields.items()}
    for topics in apart(texts.get("keywords", "")):
        for record_id in (texts.get("recordid") or key, ""):
            yield Paper(
                id="",
                title=texts.get("title", ""),
                abstract=texts.get("abstract", ""),
                authors=tuple(map(_spoken, _people(fields.get("author", "")))),
                year=year_of(texts.get("year", "")),
                venue=texts.get("journal", ""),
                url=texts.get("url", ""),
                doi=texts.get("doi", ""),
                arxiv_id=texts.get("eprint", ""),
                pmid=texts.get("pmid", ""),
                topics=topics,
                source=origin(texts.get("annote"), source),
                record_id=record_id,
            )


def _people(value: str) -> Iterator[str]:
    """Yield the names between each "and" that stands in no braces."""
    start = depth = 0
    for match in _BRACE_OR_AND.finditer(value):
        mark = match.group()
        depth += (mark == "{") - (mark == "}")
        if not depth and mark == " and ":
            yield value[start : match.start()]
            start = match.end()
    if value:
        yield value[start:]


def _spoken(name: str) -> str:
    pieces = [] if name.startswith("{") else name.split(", ")
    if len(pieces) < 2:
        return unescaped(name)
    return unescaped(str(Name(pieces[0], pieces[-1], pieces[1] if len(pieces) > 2 else "")))
