"""Which column of a table means what, under the names that the databases give them."""

import re
from collections.abc import Mapping, Sequence

# The first name whose cell isn't empty wins; names are compared as letters and digits only.
COLUMNS: Mapping[str, Sequence[str]] = {
    "title": (
        "title articletitle documenttitle itemtitle papertitle primarytitle publicationtitle2 ti t1"
        " translatedtitle originaltitle name displayname"
    ).split(),
    "abstract": (
        "abstract abstractnote abstracttext notesabstract ab n2 abstracts summary"
        " originalabstract description"
    ).split(),
    "authors": (
        "authorfullnames af authors author authornames authorlist au a1 authorname firstauthors"
        " authorshipsauthordisplayname creators creator bookauthors"
    ).split(),
    "year": (
        "publicationyear year py pubyear yearofpublication y1 publicationdate date pd da dp"
        " publishedyear coverdate issuedate onlinedate createdate published pubdate datepublished"
    ).split(),
    "venue": (
        "sourcetitle publicationtitle journal journalbook journaltitle journalname so jt"
        " secondarytitle containertitle publicationname conferencename conference venue booktitle"
        " publication t2 jf jo source primarylocationsourcedisplayname primarylocationdisplayname"
        " pubtitle"
    ).split(),
    "doi": "doi di do doilink articledoi itemdoi digitalobjectidentifier".split(),
    "pmid": "pubmedid pmid pm medlinepmid pubmed idspmid".split(),
    "arxiv_id": "arxivid arxiv eprint".split(),
    "url": (
        "link url urls fulltexturl openurllink pdflink articleurl ur fulltextlink accessurl"
        " primarylocationlandingpageurl sourcelinkout documenturl embaselink plink sourceurls"
        " dimensionsurl externalurl"
    ).split(),
    "record_id": (
        "eid utuniquewosid ut uniquewosid accessionnumber lensid publicationid storeid recordid id"
        " key pui paperid"
    ).split(),
}
TOPICS = (
    "authorkeywords keywords keyword kw de ieeeterms indexkeywords meshterms meshheadings"
    " keywordsplus manualtags automatictags tags topics subjects emtreemedicalindextermsmajorfocus"
    " emtreedrugindextermsmajorfocus keywordsdisplayname conceptsdisplayname topicsdisplayname"
    " identifierkeywords subjectterms fieldsofstudy categories"
).split()
# Scopus and others name the database itself in their last columns.
DATABASES = frozenset(
    ("scopus", "web of science", "pubmed", "medline", "embase", "ieee", "ieee xplore", "wos")
)
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")


def normal(name: str) -> str:
    """Return a column's name as compared."""
    return _NOT_LETTERS.sub("", name.casefold())


def column_map(header: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the places of each field's columns, those with topics as "topic 0" and so on.

    Only the first is the abstract's: where that is empty, a description is no abstract.
    """
    places: dict[str, int] = {}
    for index, name in enumerate(header):
        places.setdefault(normal(name), index)
    found = {
        field: tuple(places[name] for name in names if name in places)
        for field, names in COLUMNS.items()
    }
    found["abstract"] = found["abstract"][:1]
    topics = [places[name] for name in TOPICS if name in places]
    found |= {f"topic {number}": (place,) for number, place in enumerate(topics)}
    return {field: where for field, where in found.items() if where}


def is_header(cells: Sequence[str]) -> bool:
    """Whether the cells name columns, of a table of papers."""
    if len(cells) < 2 or any(len(cell) > 120 for cell in cells):
        return False
    fields = column_map(cells)
    if "title" not in fields and "abstract" not in fields:
        return False
    named = sum(not field.startswith("topic") for field in fields)
    return named >= 2 and len(set(map(normal, cells))) > len(cells) // 2
