"""CSL-JSON, as Zotero, Mendeley and pandoc write it."""

import json

from assistant.types import Paper
from tests.readers.cases import papers, problems, read

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."
ITEM = {
    "id": "http://zotero.org/users/1/items/ABCD",
    "type": "article",
    "title": "Diving <i>Sterna</i> terns",
    "abstract": ABSTRACT,
    "author": [
        {"family": "Berg", "given": "Anna", "non-dropping-particle": "van der"},
        {"family": "Oak", "given": "Ben", "suffix": "Jr."},
        {"literal": "World Bird Trust"},
    ],
    "issued": {"date-parts": [["2020", 3]]},
    "container-title": "Ibis",
    "DOI": "10.1234/T",
    "URL": "https://example.org/t",
    "PMID": "31000001",
    "number": "arXiv:2003.00001",
    "keyword": "terns, diving",
    "source": "DOI.org (Crossref)",
}


def test_item() -> None:
    (paper,) = papers(read(json.dumps([ITEM], indent=1)))
    assert paper == Paper(
        id="doi:10.1234/t",
        title="Diving Sterna terns",
        abstract=ABSTRACT,
        authors=("Anna van der Berg", "Ben Oak Jr.", "World Bird Trust"),
        year=2020,
        venue="Ibis",
        url="https://example.org/t",
        doi="10.1234/t",
        arxiv_id="2003.00001",
        pmid="31000001",
        topics=("terns", "diving"),
        source="file",
        record_id="http://zotero.org/users/1/items/ABCD",
    )


def test_a_checksum_is_no_source() -> None:
    (paper,) = papers(read(json.dumps([ITEM | {"source": "abstract-assistant " + "0" * 16}])))
    assert (paper.source, paper.title) == ("file", "Diving Sterna terns")


def test_own_exports_may_hold_odd_values() -> None:
    odd = {"source": "abstract-assistant " + "0" * 16, "export": "abstract-assistant " + "0" * 16}
    odd |= {"author": 5, "authors": 5, "issued": {"date-parts": 5}, "keyword": 5, "topics": {}}
    records = read(json.dumps([ITEM | odd, ITEM | odd | {"author": [5, None], "year": "x"}]))
    assert len(papers(records)) == 2
    assert problems(records) == []
