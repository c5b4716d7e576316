"""Which papers pass a filter: the exact meaning, as a pure function."""

import re
from collections.abc import Iterable, Sequence

from assistant.filters.tree import And, FieldHas, Filter, IdIs, Not, Or, YearIs, words
from assistant.identity import normal_arxiv_id, normal_doi
from assistant.types import Paper

_PMID = re.compile(r"(?:pmid[: ]*|pubmed(?:\.ncbi\.nlm\.nih\.gov)?/)(\d+)")


def matches(one: Filter, paper: Paper, sources: Sequence[str] = ()) -> bool:
    """Whether the paper, which came from the files `sources`, passes the filter."""
    match one:
        case YearIs(low, high):
            return in_span(paper.year, low, high)
        case FieldHas(field, text):
            wanted = words(text)
            found = _values(field, paper, sources)
            if field == "author":
                return any(_is_named(wanted, words(name)) for name in found)
            return any(set(wanted) <= set(words(value)) for value in found)
        case IdIs(ids):
            own = set(own_ids(paper))
            return any(own & set(forms_of_id(given)) for given in ids)
        case Not(part):
            return not matches(part, paper, sources)
        case And(parts):
            return all(matches(part, paper, sources) for part in parts)
        case Or(parts):
            return any(matches(part, paper, sources) for part in parts)


def in_span(year: int | None, low: int | None, high: int | None) -> bool:
    """Whether there is a year and it lies between the ends, both included; None is open."""
    return year is not None and (low is None or low <= year) and (high is None or year <= high)


def _values(field: str, paper: Paper, sources: Sequence[str]) -> Iterable[str]:
    if field == "source":
        return {*sources, paper.source}
    value = getattr(paper, {"author": "authors", "topic": "topics"}.get(field, field))
    return (value,) if isinstance(value, str) else tuple(value)


def _is_named(wanted: Sequence[str], name: Sequence[str]) -> bool:
    """Whether each wanted word is a part of the name, an initial standing for what it begins.

    One whole word at least must be there as it is: S. Kumar is no Smith.
    """
    whole = whole_words(wanted)
    if whole and not any(word in name for word in whole):
        return False
    return all(any(_same_part(word, part) for part in name) for word in wanted)


def whole_words(wanted: Sequence[str]) -> list[str]:
    """Return the words that are no initials."""
    return [word for word in wanted if len(word) > 1]


def _same_part(word: str, part: str) -> bool:
    if len(word) == 1 or len(part) == 1:
        return word[0] == part[0]
    return word == part


def own_ids(paper: Paper) -> list[str]:
    """Return all identifiers of a paper, in lower case and without prefix."""
    named = (paper.id, paper.id.partition(":")[2], paper.doi, paper.arxiv_id, paper.pmid)
    return [value.lower() for value in dict.fromkeys(named) if value]


def forms_of_id(given: str) -> list[str]:
    """Return what an identifier may be stored as, however it was written."""
    text = given.strip().lower()
    bare = text.partition(":")[2].strip() if text.startswith(("doi:", "arxiv:", "pmid:")) else ""
    number = _PMID.search(text)
    pmid = number.group(1) if number else ""
    arxiv = normal_arxiv_id(bare or text)
    if re.search(re.escape(arxiv) + r"\d", text):  # A digit too many names another paper.
        arxiv = ""
    forms = (text, bare, pmid, normal_doi(text), arxiv)
    return [form for form in dict.fromkeys(forms) if form]
