"""Turn the loose fields of one record into a clean paper, or say why not."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from assistant.identity import assign_id, normal_arxiv_id, normal_doi
from assistant.readers.mojibake import mended
from assistant.readers.names import clean_names
from assistant.text.cleaning import clean_text, one_line
from assistant.types import Paper, Problem

SHORTEST_ABSTRACT = 20
_YEAR = re.compile(r"(?<!\d)(1[6-9]\d\d|20\d\d)(?=(?:\d{4})?(?!\d))")
_PREPRINT = re.compile(r"arxiv", re.IGNORECASE)
_DOI_IN_URL = re.compile(r"doi(?:\.org/|[:=])\s*(10\.\d{4,9}/[^\s&?#]+)")
_PMID = re.compile(r"(?<![\dC])\d{1,9}(?!\d)")
_SURROGATES = re.compile("[\ud800-\udfff\x00]")
_PLACEHOLDER = re.compile(
    r"\W*(?:no abstract\b.{0,40}|(?:an |the )?abstract (?:is )?(?:not|un)[ -]?available\b.{0,40}"
    r"|not available|publisher: abstract available from the publisher|first page of the article"
    r"|this article has no abstract|abstract not (?:provided|supplied)\b.{0,30})\W*",
    re.IGNORECASE,
)


def make_paper(
    *,
    source: str,
    line: int,
    title: Any = "",
    abstract: Any = "",
    authors: Iterable[Any] = (),
    year: Any = None,
    topics: Iterable[Any] = (),
    **fields: Any,
) -> Paper | Problem:
    """Return a cleaned, identified paper, or a `Problem` where there is no abstract.

    Further `fields`: venue, url, doi, arxiv_id, pmid, record_id.
    """
    raw = mended(_SURROGATES.sub("", abstract)) if isinstance(abstract, str) else ""
    clean_title = clean_text(_text(title))
    clean_abstract = clean_text(raw)
    if len(clean_abstract) < SHORTEST_ABSTRACT or _PLACEHOLDER.fullmatch(clean_abstract):
        return _bare(source, line, clean_title)
    url = one_line(_text(fields.get("url")))
    doi = _doi(one_line(_text(fields.get("doi"))), url)
    paper = Paper(
        id="",
        title=clean_title,
        abstract=clean_abstract,
        authors=clean_names(clean_text(_text(author)) for author in authors),
        year=find_year(year),
        venue=clean_text(_text(fields.get("venue"))),
        url=url if url.startswith(("http://", "https://")) else "",
        doi=doi,
        arxiv_id=_arxiv_id(_text(fields.get("arxiv_id")), url, doi),
        pmid=_pmid(_text(fields.get("pmid"))),
        topics=tuple(dict.fromkeys(filter(None, (clean_text(_text(item)) for item in topics)))),
        source=source,
        record_id=one_line(_text(fields.get("record_id"))),
        raw_abstract=raw if raw.strip() != clean_abstract else "",
    )
    return assign_id(paper)


def _bare(source: str, line: int, title: str) -> Problem:
    name = f"“{title[:60]}”" if title else "the record"
    return Problem(source=source, line=line, reason=f"{name} has no abstract", bare=True)


def find_year(value: Any) -> int | None:
    """Return the first plausible year in `value` (a number, or a date as text)."""
    match = _YEAR.search(str(value)) if value is not None else None
    return int(match.group()) if match else None


def _doi(text: str, url: str) -> str:
    """Return the DOI in `text`, else the one that the address names."""
    if not text and "doi" in url:
        match = _DOI_IN_URL.search(unquote(url))
        text = match.group(1) if match else ""
    return normal_doi(unquote(text) if "%" in text else text) if text else ""


def _arxiv_id(named: str, url: str, doi: str) -> str:
    given = named or next((text for text in (url, doi) if _PREPRINT.search(text)), "")
    return normal_arxiv_id(given) if given else ""


def _pmid(text: str) -> str:
    match = _PMID.search(text)
    return match.group() if match else ""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return mended(_SURROGATES.sub("", value).strip())
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
