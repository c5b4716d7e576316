r"""A checksum that tells an untouched record from one that was edited since its export.

Cleaning takes `\alpha` or `<i>` in a title for markup, also where they are meant literally.
A reader knows better only of what this package wrote: so each exported record carries a
checksum, and where what is read back has the same one, it is taken as it is.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import replace

from assistant.identity import assign_id, normal_arxiv_id, normal_doi
from assistant.text.cleaning import one_line
from assistant.types import BUNDLED_SOURCE, Paper

SUMMARY_NOTE = "summary written for abstract-assistant, not the authors' abstract"
_STAMP = re.compile(r"abstract-assistant [0-9a-f]{16}")
_PMID = re.compile(r"\d{0,9}")
_YEAR = re.compile(r"\d{4}")
_FIELDS = "title abstract authors year venue url doi arxiv_id pmid topics record_id".split()


def stamp(paper: Paper) -> str:
    """Return the name of this program and 16 hex digits over all that is exported."""
    fields = json.dumps([getattr(paper, name) for name in _FIELDS])
    return f"abstract-assistant {hashlib.sha256(fields.encode()).hexdigest()[:16]}"


def is_stamp(text: object) -> bool:
    """Whether `text` is what `stamp` returns for some paper."""
    return isinstance(text, str) and bool(_STAMP.fullmatch(text))


def unsealed(given: object, candidates: Iterable[Paper]) -> Paper | None:
    """Return the first of `candidates` that has the stamp `given`, with its id, or None.

    The candidates are what the record may say; they are not looked at without a stamp.
    """
    if not is_stamp(given):
        return None
    found = next((paper for paper in candidates if stamp(paper) == given), None)
    return assign_id(found) if found and _harmless(found) else None


def origin(note: object, source: str) -> str:
    """Return where a record's text is from: a summary stays one in whatever file it comes."""
    return BUNDLED_SOURCE if note == SUMMARY_NOTE else source


def year_of(text: str) -> int | None:
    """Return the year of which `text` is the four digits, or None."""
    return int(text) if _YEAR.fullmatch(text) else None


def presentable(paper: Paper) -> Paper:
    """Return the paper without a record id or address that goes over several lines."""
    record_id, url = (
        text if text == one_line(text) else "" for text in (paper.record_id, paper.url)
    )
    return replace(paper, record_id=record_id, url=url)


def _harmless(paper: Paper) -> bool:
    """Whether the fields are what cleaning lets through; anybody can make a checksum."""
    texts = [paper.title, paper.abstract, paper.venue, paper.url, paper.record_id]
    return (
        all(text == one_line(text) for text in (*texts, *paper.authors, *paper.topics))
        and (not paper.url or paper.url.startswith(("http://", "https://")))
        and paper.doi == normal_doi(paper.doi)
        and paper.arxiv_id == normal_arxiv_id(paper.arxiv_id)
        and bool(_PMID.fullmatch(paper.pmid))
        and bool(paper.abstract)
    )
