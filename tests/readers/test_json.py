"""JSON of arXiv, OpenAlex and Semantic Scholar."""

import json

import pytest

from assistant.readers.openalex import rebuilt
from assistant.types import Paper
from tests.readers.cases import papers, problems, read, titles

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."


def one(data: object) -> Paper:
    (paper,) = papers(read(json.dumps(data)))
    return paper


# --- arXiv ----------------------------------------------------------------------------------

ARXIV = {
    "id": "0704.0001",
    "submitter": "Ada Birch",
    "authors": "C. Bal\\'azs, A. Birch",
    "title": "Diving of terns at Tevatron and\n  LHC energies",
    "comments": "37 pages",
    "journal-ref": "Phys.Rev.D76:013009,2007",
    "doi": "10.1103/PhysRevD.76.013009",
    "report-no": None,
    "categories": "hep-ph astro-ph.GA",
    "license": None,
    "abstract": "  Terns dive at $\\sqrt{s}=7$ TeV; we find\n5\\% of the {\\it old} ones.\n",
    "versions": [
        {"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"},
        {"version": "v2", "created": "Tue, 24 Jul 2008 20:10:27 GMT"},
    ],
    "update_date": "2008-11-26",
    "authors_parsed": [["Bal\u00e1zs", "C.", ""], ["Birch", "Ada", "Jr"]],
}


def test_arxiv_dump() -> None:
    assert one(ARXIV) == Paper(
        id="doi:10.1103/physrevd.76.013009",
        title="Diving of terns at Tevatron and LHC energies",
        abstract="Terns dive at √(s)=7 TeV; we find 5% of the old ones.",
        authors=("C. Balázs", "Ada Birch Jr"),
        year=2007,
        venue="Phys.Rev.D76:013009,2007",
        url="https://arxiv.org/abs/0704.0001",
        doi="10.1103/physrevd.76.013009",
        arxiv_id="0704.0001",
        topics=("hep-ph", "astro-ph.GA"),
        source="file",
        raw_abstract=ARXIV["abstract"],
    )


def test_arxiv_copies_with_lists_and_old_ids() -> None:
    record = ARXIV | {"id": "hep-ph/9901001", "categories": ["hep-ph cs.LG", "cs.AI"]}
    record |= {"authors_parsed": [], "versions": [], "doi": None}
    paper = one(record)
    assert (paper.id, paper.year) == ("arxiv:hep-ph/9901001", 2008)
    assert paper.authors == ("C. Balázs", "A. Birch")


# --- OpenAlex -------------------------------------------------------------------------------

WORK = {
    "id": "https://openalex.org/W2741809807",
    "doi": "https://doi.org/10.1234/Terns",
    "title": "Terns at <i>sea</i>",
    "display_name": "Terns at <i>sea</i>",
    "publication_year": 2018,
    "publication_date": "2018-02-13",
    "ids": {"openalex": "https://openalex.org/W2741809807", "pmid": "https://pubmed.ncbi.nlm.nih.gov/29456894"},
    "primary_location": {
        "landing_page_url": "https://doi.org/10.1234/terns",
        "source": {"display_name": "Ibis", "type": "journal"},
    },
    "locations": [{"landing_page_url": "http://arxiv.org/abs/1801.00001", "source": None}],
    "authorships": [
        {"author_position": "first", "author": {"display_name": "Ada Birch"}},
        {"author": {"display_name": None}, "raw_author_name": "Oak, Ben"},
    ],
    "topics": [{"id": "https://openalex.org/T1", "display_name": "Seabirds"}],
    "keywords": [{"display_name": "Diving"}],
    "abstract_inverted_index": {
        "Terns": [0], "dive,": [1], "and": [2, 5], "eels": [3], "flee,": [4], "gulls": [6], "watch.": [7]
    },
    "related_works": ["https://openalex.org/W1"],
}  # fmt: skip


def test_openalex_work() -> None:
    assert one(WORK) == Paper(
        id="doi:10.1234/terns",
        title="Terns at sea",
        abstract="Terns dive, and eels flee, and gulls watch.",
        authors=("Ada Birch", "Ben Oak"),
        year=2018,
        venue="Ibis",
        url="https://doi.org/10.1234/terns",
        doi="10.1234/terns",
        arxiv_id="1801.00001",
        pmid="29456894",
        topics=("Diving", "Seabirds"),
        source="file",
        record_id="https://openalex.org/W2741809807",
    )


@pytest.mark.parametrize("indent", [None, 1])
def test_openalex_answers_snapshots_and_arrays(indent: int | None) -> None:
    works = [WORK | {"id": f"https://openalex.org/W{n}", "doi": None, "ids": {}} for n in (1, 2)]
    bare = {
        "id": "https://openalex.org/W3",
        "display_name": "Bare",
        "abstract_inverted_index": None,
    }
    answer = {
        "meta": {"count": 3},
        "results": [*works, bare],
        "group_by": [{"key": "a", "count": 1}],
    }
    for text in (
        json.dumps(answer, indent=indent),
        json.dumps(answer, indent=indent) + "\n" + json.dumps({"meta": {}, "results": []}),
        json.dumps([*works, bare], indent=indent),
        "\n".join(json.dumps(work) for work in (*works, bare)),
    ):
        records = read(text)
        assert [paper.record_id[-2:] for paper in papers(records)] == ["W1", "W2"]
        assert [one.reason for one in problems(records)] == ["“Bare” has no abstract"]


def test_inverted_index_with_places_from_nowhere() -> None:
    assert rebuilt({"b": [10**15], "a": [-1, "x", None], "c": 3}) == "a b"
    assert rebuilt(None) == rebuilt([1]) == ""


# --- Semantic Scholar -----------------------------------------------------------------------


def s2(number: int, **fields: object) -> dict[str, object]:
    return {
        "paperId": f"p{number}",
        "externalIds": {"DOI": f"10.1234/{number}", "ArXiv": "2101.00001", "PubMed": "77", "CorpusId": 1},
        "url": f"https://www.semanticscholar.org/paper/p{number}",
        "title": f"Terns {number}",
        "abstract": ABSTRACT,
        "venue": "Ibis",
        "year": 2020,
        "fieldsOfStudy": ["Biology"],
        "tldr": {"text": "Never the summary that a model wrote."},
        "authors": [{"authorId": "1", "name": "Ada Birch"}, {"authorId": None, "name": "Ben Oak"}],
        **fields,
    }  # fmt: skip


def test_semantic_scholar_paper() -> None:
    assert one(s2(1)) == Paper(
        id="doi:10.1234/1",
        title="Terns 1",
        abstract=ABSTRACT,
        authors=("Ada Birch", "Ben Oak"),
        year=2020,
        venue="Ibis",
        url="https://www.semanticscholar.org/paper/p1",
        doi="10.1234/1",
        arxiv_id="2101.00001",
        pmid="77",
        topics=("Biology",),
        source="file",
        record_id="p1",
    )


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"total": 2, "offset": 0, "next": 2, "data": [s2(1), s2(2)]}, ["1", "2"]),
        ({"total": 2, "token": "x", "data": [s2(1), s2(2)]}, ["1", "2"]),
        ([s2(1), None, s2(2)], ["1", "2"]),
        ({"recommendedPapers": [s2(1)]}, ["1"]),
        ({"data": [{"contexts": ["x"], "citingPaper": s2(1)}, {"citingPaper": s2(2)}]}, ["1", "2"]),
        ({"offset": 0, "data": [{"isInfluential": True, "citedPaper": s2(3)}]}, ["3"]),
        ({"data": [{"authorId": "9", "name": "A", "papers": [s2(1), s2(2)]}]}, ["1", "2"]),
        ({"authorId": "9", "name": "A", "papers": [s2(4)]}, ["4"]),
        (s2(1, citations=[s2(2)], references=[s2(3), {"paperId": None, "title": None}]), ["1", "2", "3"]),
    ],
    ids="search bulk batch recommended citations references authors author nested".split(),
)  # fmt: skip
def test_semantic_scholar_answers(answer: object, found: list[str]) -> None:
    assert titles(read(json.dumps(answer))) == [f"Terns {number}" for number in found]
    assert titles(read(json.dumps(answer, indent=2))) == [f"Terns {number}" for number in found]


def test_semantic_scholar_dataset() -> None:
    record = {
        "corpusid": 5,
        "externalids": {"DOI": "10.1234/s"},
        "title": "T",
        "abstract": ABSTRACT,
    }
    record |= {
        "s2fieldsofstudy": [{"category": "Biology", "source": "x"}],
        "publicationdate": "2019-01-02",
    }
    paper = one(record)
    assert (paper.doi, paper.topics, paper.year) == ("10.1234/s", ("Biology",), 2019)
    assert paper.record_id == "5"
