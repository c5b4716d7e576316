"""Read BibTeX and BibLaTeX: exports of Zotero, Mendeley, JabRef, Scopus, IEEE, ACM."""

import re
from collections.abc import Iterator, Mapping

from assistant.exports.bibtex import restored
from assistant.readers.bibtex_blocks import Block, blocks
from assistant.readers.bibtex_values import people, plain, web_address, words
from assistant.readers.lines import HEAD_CHARACTERS, Lines, known_encoding
from assistant.readers.record import find_year, make_paper
from assistant.types import Paper, Problem

NAME = "BibTeX"
# Entries wait for the one that they cross-refer to: BibTeX wants it after them.
MOST_WAITING = 1000
MOST_PARENTS = 20_000
_ENTRY = re.compile(
    r"(?:^|\n)[ \t]*@[ \t]*(?:[a-z]+[ \t]*[{(]\s*[^\s,{}()=\"]*[ \t]*[,\n]"
    r"|(?:string|comment|preamble)[ \t]*[{(])",
    re.IGNORECASE,
)
_OTHER_FORMAT = re.compile(r"\s*(?:[{<]|\[\s*[{\[])")
_ENCODING = re.compile(r"\s*%\s*Encoding:\s*([\w-]{1,30})")
_INHERITED = ("year", "date", "journal", "journaltitle", "booktitle")


def sniff(head: str) -> bool:
    """Whether a line opens an entry, a string or a comment."""
    return bool(_ENTRY.search(head)) and not _OTHER_FORMAT.match(head)


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each entry."""
    encoding = _ENCODING.match(lines.peek(HEAD_CHARACTERS))
    if encoding:
        lines.encoding = known_encoding(encoding.group(1))
    for block in _with_parents(blocks(lines)):
        if block.fields is None or block.reason:
            yield Problem(source=source, line=block.line, reason=block.reason)
        else:
            own = restored(block.key, block.fields, source)
            yield own or _paper(block, block.fields, source)


def _with_parents(entries: Iterator[Block]) -> Iterator[Block]:
    """Yield entries with what they lack taken from the entry that they cross-refer to."""
    parents: dict[str, Mapping[str, str]] = {}
    waiting: list[tuple[str, Block]] = []
    for block in entries:
        key, wanted = block.key.lower(), (block.fields or {}).get("crossref", "").strip().lower()
        if wanted and wanted not in parents:
            waiting.append((wanted, block))
            if len(waiting) > MOST_WAITING:
                yield waiting.pop(0)[1]
            continue
        yield _inheriting(block, parents.get(wanted, {}))
        if key and block.fields and len(parents) < MOST_PARENTS:
            parents[key] = _heritage(block.fields)
            yield from (_inheriting(one, parents[key]) for name, one in waiting if name == key)
            waiting = [(name, one) for name, one in waiting if name != key]
    yield from (block for _, block in waiting)


def _heritage(fields: Mapping[str, str]) -> Mapping[str, str]:
    kept = {name: fields[name] for name in _INHERITED if name in fields}
    return kept if "booktitle" in kept else kept | {"booktitle": fields.get("title", "")}


def _inheriting(block: Block, parent: Mapping[str, str]) -> Block:
    if not parent or block.fields is None:
        return block
    return Block(block.line, block.kind, block.key, {**parent, **block.fields}, block.reason)


def _paper(block: Block, fields: Mapping[str, str], source: str) -> Paper | Problem:
    title, subtitle = fields.get("title", ""), fields.get("subtitle", "")
    return make_paper(
        source=source,
        line=block.line,
        title=plain(f"{title}: {subtitle}" if title and subtitle else title),
        abstract=plain(_first(fields, "abstract", "abstractnote", "summary", "annotation")),
        authors=people(fields.get("author", "")),
        year=find_year(fields.get("year")) or find_year(fields.get("date")),
        topics=[
            word
            for name in ("keywords", "keyword", "author_keywords", "keywords-plus")
            for word in words(fields.get(name, ""))
        ],
        venue=plain(
            _first(fields, "journal", "journaltitle", "booktitle", "school", "institution")
        ),
        url=web_address(_first(fields, "url", "link", "ee", "adsurl", "bdsk-url-1")),
        doi=fields.get("doi", "").replace("\\_", "_"),
        arxiv_id=_arxiv_id(fields),
        pmid=_first(fields, "pmid", "pubmedid") or _eprint(fields, "pubmed", "medline"),
        record_id=block.key,
    )


def _first(fields: Mapping[str, str], *names: str) -> str:
    return next((fields[name] for name in names if fields.get(name, "").strip()), "")


def _arxiv_id(fields: Mapping[str, str]) -> str:
    return _first(fields, "arxivid", "arxiv") or _eprint(fields, "arxiv")


def _eprint(fields: Mapping[str, str], *kinds: str) -> str:
    """Return the preprint's number where its archive is one of `kinds`."""
    archive = _first(fields, "archiveprefix", "eprinttype").strip().casefold()
    number = fields.get("eprint", "")
    if archive in kinds or any(number.casefold().startswith(kind) for kind in kinds):
        return number
    # arXiv's own entries name a primary class even where the archive is left out.
    return number if "arxiv" in kinds and not archive and fields.get("primaryclass") else ""
