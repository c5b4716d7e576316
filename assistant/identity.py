"""Who is who: the keys by which two records are known to be one paper."""

import hashlib
import re
from dataclasses import replace

from assistant.text.cleaning import title_key
from assistant.text.words import terms
from assistant.types import Paper

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ARXIV = re.compile(
    r"(?:arxiv[:./ ]*|abs/|pdf/|^)((?:[a-z-]+(?:\.[A-Z]{2})?/\d{7})|(?:\d{4}\.\d{4,5}))(?:v\d+)?",
    re.IGNORECASE,
)
SAME_ABSTRACT = 0.5


def normal_doi(text: str) -> str:
    """Return the DOI within `text` in lower case, or an empty string."""
    match = _DOI.search(text)
    return match.group().rstrip(".,;)]}>\"'").lower() if match else ""


def normal_arxiv_id(text: str) -> str:
    """Return the arXiv identifier within `text` without its version, or an empty string."""
    match = _ARXIV.search(text.strip())
    return match.group(1).lower() if match else ""


def strong_keys(paper: Paper) -> tuple[str, ...]:
    """Return the keys that name one paper anywhere, the strongest first."""
    named = (("doi", paper.doi), ("arxiv", paper.arxiv_id), ("pmid", paper.pmid))
    return tuple(f"{kind}:{value}" for kind, value in named if value)


def text_key(paper: Paper) -> str:
    """Return the key by title; by the abstract's beginning where there is no title."""
    title = title_key(paper.title)
    return f"title:{title}" if title else f"text:{title_key(paper.abstract)[:200]}"


def assign_id(paper: Paper) -> Paper:
    """Return the paper with its id: DOI > arXiv > PMID > the record's own > hash.

    The hash is over normalised title (or abstract), first author and year.
    """
    keys = strong_keys(paper)
    if keys:
        return replace(paper, id=keys[0])
    if paper.record_id:
        return replace(paper, id=paper.record_id)
    author = paper.authors[0] if paper.authors else ""
    basis = f"{text_key(paper)}|{title_key(author)}|{paper.year or ''}"
    return replace(paper, id=f"hash:{hashlib.sha256(basis.encode()).hexdigest()[:16]}")


def same_paper(one: Paper, other: Paper) -> bool:
    """Whether two records that share a title (or a record id) describe one paper.

    Two DOIs, arXiv ids or PMIDs that differ say no; then the abstracts decide.
    """
    for field in ("doi", "arxiv_id", "pmid"):
        mine, theirs = getattr(one, field), getattr(other, field)
        if mine and theirs:
            return bool(mine == theirs)
    if not same_title(one, other):
        return False
    if one.year and other.year and abs(one.year - other.year) > 1:
        return False
    return similar(one.abstract, other.abstract) >= SAME_ABSTRACT


def same_title(one: Paper, other: Paper) -> bool:
    """Whether the titles are the same but for case, accents and punctuation."""
    return title_key(one.title) == title_key(other.title)


def similar(one: str, other: str) -> float:
    """Return the Jaccard similarity of the two texts' terms, in [0, 1]."""
    mine, theirs = set(terms(one)), set(terms(other))
    return len(mine & theirs) / len(mine | theirs) if mine or theirs else 1.0


def merge(kept: Paper, other: Paper) -> Paper:
    """Return `kept` with its empty fields filled from `other`."""
    filled = {
        name: getattr(other, name)
        for name, value in vars(kept).items()
        if value in ("", (), None) and getattr(other, name) not in ("", (), None)
    }
    return replace(kept, **filled) if filled else kept
