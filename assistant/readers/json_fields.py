"""Read a JSON record under the usual names of its fields.

Covers what reference managers (CSL-JSON, Zotero) and the answers of Crossref, Europe PMC,
IEEE, Scopus, Springer, CORE and Lens call them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from assistant.exports import csl_json, jsonl
from assistant.readers.names import split_people
from assistant.readers.record import make_paper
from assistant.types import Paper, Problem

_TITLES = ("title", "Title", "name", "dc:title", "display_name")
ABSTRACTS = (
    "abstract Abstract summary text description abstractNote abstractText dc:description".split()
)
_YEARS = (
    "year publication_year published date publicationDate publication_date issued pubYear"
    " yearPublished year_published prism:coverDate published-print published-online created"
    " update_date".split()
)
_VENUES = (
    "venue journal journal-ref container-title publicationTitle publication_title journalTitle"
    " publicationName prism:publicationName journalInfo".split()
)
_IDS = ("id", "_id", "doc_id", "docid", "paper_id", "key", "eid")
_TOPICS = (
    "topics keywords keyword categories fieldsOfStudy tags subject subjects authkeywords"
    " keywordList index_terms".split()
)
_PEOPLE = ("authors", "author", "creators", "authorString", "dc:creator")
_NAMES = ("name", "display_name", "full_name", "literal", "fullName", "creator", "authname")
_FAMILIES = ("family", "lastName", "last_name", "surname")
_GIVENS = ("given", "firstName", "first_name", "forename")


def paper_of(record: Mapping[str, Any], source: str, line: int) -> Paper | Problem:
    """Return the paper, or a problem where the record has no abstract."""
    inner = record.get("data")
    if isinstance(inner, Mapping) and first(record, _TITLES) is None:
        record = inner  # Zotero's own answers.
    own = jsonl.restored(record, source) or csl_json.restored(record, source)
    if own:
        return own
    record_id = first(record, _IDS)
    return make_paper(
        source=source,
        line=line,
        title=text_of(first(record, _TITLES)),
        abstract=text_of(first(record, ABSTRACTS)),
        authors=people_of(first(record, _PEOPLE)),
        year=_date(first(record, _YEARS)),
        topics=topics_of(first(record, _TOPICS)),
        venue=text_of(first(record, _VENUES)),
        url=text_of(first(record, ("url", "URL", "link", "html_url"))),
        doi=text_of(first(record, ("doi", "DOI", "prism:doi"))),
        arxiv_id=_arxiv_id(record, record_id),
        pmid=text_of(first(record, ("pmid", "PMID"))),
        record_id=text_of(first(record, ("record_id",)) or record_id),
    )


def first(record: Mapping[str, Any], names: Iterable[str]) -> Any:
    """Return the first value that is there, or None."""
    for name in names:
        value = record.get(name)
        if value is not None and value != "" and value != []:
            return value
    return None


def _arxiv_id(record: Mapping[str, Any], record_id: Any) -> Any:
    named = text_of(first(record, ("arxiv_id", "arxiv", "arxivId")))
    number = record.get("number")  # Of a preprint, in CSL-JSON.
    if not named and isinstance(number, str) and number.lower().startswith("arxiv:"):
        return number
    own = str(record_id) if isinstance(record_id, str | int | float) else ""
    # arXiv's own dump keeps its identifier under "id".
    if not named and (own.lower().startswith("arxiv:") or "categories" in record):
        return own
    return named


def text_of(value: Any) -> Any:
    """Return the text (or number) within a value that may be a list or an object."""
    if isinstance(value, list):
        return text_of(value[0]) if value else ""
    if isinstance(value, Mapping):
        names = ("name", "title", "display_name", "value", "journal", "$", "id")
        inner = first(value, names)
        return text_of(inner) if not isinstance(inner, list) else ""
    return value


def _date(value: Any) -> Any:
    """Return the date in `{"date-parts": [[2020, 3]]}` as text."""
    if isinstance(value, Mapping):
        value = first(value, ("date-parts", "year", "date-time", "raw"))
    while isinstance(value, list):
        value = value[0] if value else None
    return value


def people_of(value: Any) -> list[str]:
    """Return the names in a list of strings or objects, or in one separated string."""
    if isinstance(value, str):
        return split_people(value)
    if isinstance(value, Mapping):
        inner = first(value, ("authors", "author"))
        return people_of(inner) if inner is not None else [_name(value)]
    if not isinstance(value, list):
        return []
    return [_name(item) if isinstance(item, Mapping) else str(item) for item in value]


def _name(person: Mapping[str, Any]) -> str:
    family = first(person, _FAMILIES)
    if isinstance(family, str):
        given, particle, suffix = (
            first(person, names) for names in (_GIVENS, ("non-dropping-particle",), ("suffix",))
        )
        return " ".join(str(part) for part in (given, particle, family, suffix) if part)
    return str(text_of(first(person, _NAMES)) or "")


def topics_of(value: Any) -> list[str]:
    """Return topics from a list of strings or objects, or from one separated string."""
    if isinstance(value, str):
        separator = next((mark for mark in (";", "|", ",") if mark in value), None)
        return [part.strip() for part in value.split(separator)] if separator else [value]
    if isinstance(value, Mapping):
        return [topic for inner in value.values() for topic in topics_of(inner)]
    if not isinstance(value, list):
        return []
    names = ("name", "display_name", "tag", "value", "category", "terms", "term")
    topics = [first(item, names) if isinstance(item, Mapping) else item for item in value]
    return [str(topic) for topic in topics if isinstance(topic, str | int | float)]
