"""JSON documents: arrays, CSL-JSON, answers of other services, and broken records in them."""

import json
import time

import pytest

from assistant.types import Paper
from tests.readers.cases import papers, read, titles

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."


CSL = {
    "id": "birchTerns2020",
    "type": "article-journal",
    "abstract": ABSTRACT,
    "container-title": "Ibis",
    "DOI": "10.1234/CSL",
    "title": "Terns",
    "author": [{"family": "Birch", "given": "Ada"}, {"literal": "Tern Group"},
               {"family": "Berg", "given": "A.", "non-dropping-particle": "van der"}],
    "issued": {"date-parts": [["2020", 3, 1]]},
    "keyword": "terns, diving",
}  # fmt: skip


@pytest.mark.parametrize("indent", [None, "\t"])
def test_csl_json(indent: str | None) -> None:
    records = read(json.dumps([CSL, CSL | {"id": "b", "title": "B"}], indent=indent))
    assert papers(records)[0] == Paper(
        id="doi:10.1234/csl",
        title="Terns",
        abstract=ABSTRACT,
        authors=("Ada Birch", "Tern Group", "A. van der Berg"),
        year=2020,
        venue="Ibis",
        doi="10.1234/csl",
        topics=("terns", "diving"),
        source="file",
        record_id="birchTerns2020",
    )
    assert titles(records) == ["Terns", "B"]


@pytest.mark.parametrize(
    "answer",
    [
        {  # Crossref
            "status": "ok",
            "message": {
                "facets": {},
                "items": [
                    {
                        "title": ["Terns"],
                        "abstract": f"<jats:title>Abstract</jats:title><jats:p>{ABSTRACT}</jats:p>",
                        "author": [{"given": "Ada", "family": "Birch", "sequence": "first"}],
                        "issued": {"date-parts": [[2020]]},
                        "container-title": ["Ibis"],
                    }
                ],
            },
        },
        {  # Europe PMC
            "hitCount": 1,
            "resultList": {
                "result": [
                    {
                        "title": "Terns",
                        "abstractText": f"<h4>{ABSTRACT}</h4>",
                        "authorString": "Ada Birch",
                        "pubYear": "2020",
                        "journalInfo": {"journal": {"title": "Ibis"}},
                    }
                ]
            },
        },
        [  # Zotero
            {
                "key": "X",
                "data": {
                    "title": "Terns",
                    "abstractNote": ABSTRACT,
                    "creators": [{"firstName": "Ada", "lastName": "Birch"}],
                    "date": "May 2020",
                    "publicationTitle": "Ibis",
                },
            }
        ],
        {  # IEEE Xplore
            "articles": [
                {
                    "title": "Terns",
                    "abstract": ABSTRACT,
                    "authors": {"authors": [{"full_name": "Ada Birch"}]},
                    "publication_year": 2020,
                    "publication_title": "Ibis",
                }
            ]
        },
        {  # Scopus
            "search-results": {
                "entry": [
                    {
                        "dc:title": "Terns",
                        "dc:description": ABSTRACT,
                        "dc:creator": "Birch, Ada",
                        "prism:coverDate": "2020-01-01",
                        "prism:publicationName": "Ibis",
                    }
                ]
            }
        },
    ],
    ids="crossref europe-pmc zotero ieee scopus".split(),
)
def test_answers_of_other_services(answer: object) -> None:
    for text in (json.dumps(answer), json.dumps(answer, indent=2)):
        (paper,) = papers(read(text))
        assert (paper.title, paper.abstract) == ("Terns", ABSTRACT)
        assert (paper.authors, paper.year, paper.venue) == (("Ada Birch",), 2020, "Ibis")


def record(number: int, abstract: str = ABSTRACT) -> str:
    fields = {"id": number, "title": f"T{number}", "abstract": abstract, "authors": [{"id": 1}]}
    return json.dumps(fields)


@pytest.mark.parametrize(
    "broken",
    [
        '{"id": 2, "title": "no end of text, "abstract": "' + ABSTRACT + '"}',
        '{"id": 2, "title": "T2", "authors": [{"id": 1}, "abstract": "x"}',
        '{"id": 2, "title": "T2", "abstract": "' + ABSTRACT,
        '{"id": 2, "title": "T2" "abstract": "x"}',
        '{"id": 2, "title": T2, "abstract": "x"}}',
        '{"id": 2, "title": "a \\x b"}',
        "[[[[",
        "]",
        '"}"',
        "null",
    ],
)
@pytest.mark.parametrize("joint", [", ", ",\n"], ids=["one line", "lines"])
def test_broken_record_in_an_array_loses_only_itself(broken: str, joint: str) -> None:
    text = "[" + joint.join((record(1), broken, record(3), record(4))) + "]"
    assert titles(read(text)) == ["T1", "T3", "T4"]


def test_array_on_one_line_longer_than_a_line_may_be() -> None:
    text = "[" + ", ".join(record(number, ABSTRACT * 10) for number in range(15_000)) + "]"
    assert len(text) > 9_000_000
    assert len(titles(read(text))) == 15_000


@pytest.mark.parametrize("text", ['{"a":', '{"a":"', "[{", '{"a": "\n', '{"a": [', '[{"title": "'])
def test_hostile_repetition_ends_in_good_time(text: str) -> None:
    start = time.process_time()
    data = (text * (1_000_000 // len(text))).encode()
    read(b'[{"title": "T", "abstract": "' + ABSTRACT.encode() + b'"},' + data)
    assert time.process_time() - start < 20
