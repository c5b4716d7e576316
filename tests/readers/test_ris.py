"""RIS, as Zotero, Scopus, PubMed, ProQuest, Embase and hands write it."""

import pytest

from assistant.types import Paper
from tests.readers.cases import papers, problems, read, titles

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."


def one(text: str) -> Paper:
    (paper,) = papers(read(text))
    return paper


def test_zotero_record() -> None:
    paper = one(
        "TY  - JOUR\nTI  - Terns at sea\nAU  - van der Berg, Anna\nAU  - Birch, Ada J.\n"
        "T2  - Ibis\nAB  - " + ABSTRACT + "\nDA  - 2021/02/01/\nPY  - 2021\nDO  - 10.1234/T\n"
        "SN  - 25225839\nUR  - https://example.org/t\nL2  - https://example.org/pdf\n"
        "KW  - terns\nKW  - diving\nN1  - <p>my note</p>\nER  - \n\n"
    )
    assert paper == Paper(
        id="doi:10.1234/t",
        title="Terns at sea",
        abstract=ABSTRACT,
        authors=("Anna van der Berg", "Ada J. Birch"),
        year=2021,
        venue="Ibis",
        url="https://example.org/t",
        doi="10.1234/t",
        topics=("terns", "diving"),
        source="file",
    )


def test_scopus_record() -> None:
    paper = one(
        "TY  - JOUR\nTI  - Terns\nT2  - Ibis\nJ2  - Ibis\nPY  - 2020\nSN  - 03064530 (ISSN)\n"
        "AU  - Birch, A.\nAD  - University\nAB  - " + ABSTRACT + "\nKW  - diving\n"
        "N1  - Export Date: 18 November 2019\nM3  - Article\nC2  - 31421429\n"
        "N1  - References: Oak, B., Gulls (1999) Ibis, 1; doi: 10.9999/other\n"
        "UR  - https://www.scopus.com/inward/record.uri?eid=2-s2.0-85&doi=10.1234%2ft&md5=a\nER  - \n"
    )
    assert (paper.pmid, paper.venue, paper.authors) == ("31421429", "Ibis", ("A. Birch",))


def test_older_tags_and_a_doi_in_a_note() -> None:
    paper = one(
        "TY  - JOUR\nT1  - Terns\nA1  - Birch,Ada\nA1  - Oak,Ben,Jr.\nJF  - Ibis\nY1  - 1999/07//\n"
        "N2  - " + ABSTRACT + "\nM3  - doi: 10.1234/OLD\nID  - 17\nER  - \n"
    )
    assert paper.authors == ("Ada Birch", "Ben Oak Jr.")
    assert (paper.year, paper.venue, paper.doi) == (1999, "Ibis", "10.1234/old")
    assert paper.record_id == "17"


def test_embase_record() -> None:
    paper = one(
        "TY  - JOUR\nID  - L2004\nT1  - Terns\nA1  - Birch A.J.\nA1  - van der Oak B.\nY1  - 2019//\n"
        f"N2  - {ABSTRACT}\nKW  - eel\nJF  - Ibis\nUR  - https://www.embase.com/x\n"
        "L3  - https://dx.doi.org/10.1234/emb\nER  -\n"
    )
    assert paper.authors == ("A.J. Birch", "B. van der Oak")
    assert (paper.doi, paper.record_id) == ("10.1234/emb", "L2004")


def test_joined_files_with_their_marks() -> None:
    text = f"\ufeffTY  - JOUR\nTI  - %s\nAB  - {ABSTRACT}\nER  - \n"
    assert titles(read(text % "A" + text % "B")) == ["A", "B"]


def test_proquest_record_with_paragraphs_and_address() -> None:
    paper = one(
        "TY  - JOUR\nT1  - Terns\nAU  - Birch, Ada\nAB  - First paragraph of it.\nAB  - Second one.\n"
        "Y1  - 2011/06//\nJF  - Ibis\nAN  - 871234\nUR  - https://search.proquest.com/docview/871234\n"
        "L2  - http://resolver/?doi=10.1234/pq\nKW  - 1234:Birds\nDB  - ProQuest\nER  - \n"
    )
    assert paper.abstract == "First paragraph of it. Second one."
    assert (paper.record_id, paper.pmid) == ("871234", "")


def test_pubmed_accession_number_is_its_pmid() -> None:
    paper = one(f"TY  - JOUR\nTI  - T\nAB  - {ABSTRACT}\nAN  - 12345678\nDB  - PubMed\nER  - \n")
    assert paper.pmid == "12345678"


@pytest.mark.parametrize(
    "text",
    [
        "TY  - JOUR\nTI  - A\nAB  - {a}\nER  - \n\nTY  - JOUR\nTI  - B\nAB  - {a}\n",
        "TY  - JOUR\nTI  - A\nAB  - {a}\nTY  - JOUR\nTI  - B\nAB  - {a}\nER  -\n",
        "\ufeffTY  - JOUR\r\nTI  - A\r\nAB  - {a}\r\nER  - \r\nTY  - JOUR\r\nTI  - B\r\nAB  - {a}\r\n",
        "\n\n1.\nTY  - JOUR\nTI  - A\nAB  - {a}\nER  - \n2.\nTY  - JOUR\nTI  - B\nAB  - {a}\nER  - ",
        "TY - JOUR\nTI - A\nAB - {a}\nER -\n\nTY - JOUR\nTI - B\nAB - {a}\nER -\n",
        "Provider: X\nContent:text/plain\n\nTY  - JOUR\nTI  - A\nAB  -{a}\nER  -\n"
        "TY  - JOUR\nTI  - B\nN2  - {a}\nER  -\n",
    ],
    ids=["no last end", "no end", "mark and crlf", "numbers", "one space", "provider"],
)
def test_ends_and_spaces_that_are_missing(text: str) -> None:
    records = read(text.replace("{a}", ABSTRACT))
    assert titles(records) == ["A", "B"]
    assert problems(records) == []
    assert {paper.abstract for paper in papers(records)} == {ABSTRACT}


def test_values_over_several_lines() -> None:
    paper = one(
        "TY  - JOUR\nTI  - A title\n      in two lines\nAB  - Terns dive,\nER they say, for eels\n"
        "\nAI - based or not.\nKW  - terns\n      diving\nER  - \n"
    )
    assert paper.title == "A title in two lines"
    assert paper.abstract == "Terns dive, ER they say, for eels AI - based or not."
    assert paper.topics == ("terns", "diving")


@pytest.mark.parametrize(
    "abstract", ["", " ", "Too short.", "[No abstract available]", "Abstract not available."]
)
def test_no_abstract_is_a_problem_with_the_title(abstract: str) -> None:
    records = read(f"TY  - JOUR\nTI  - Bare\nAB  -{abstract}\nER  - \n")
    assert [one.reason for one in problems(records)] == ["“Bare” has no abstract"]


def test_record_without_bound_is_reported_and_the_next_read() -> None:
    endless = "TY  - JOUR\nTI  - Endless\n" + f"N1  - {'x' * 990}\n" * 5000
    records = read(f"{endless}TY  - JOUR\nTI  - A\nAB  - {ABSTRACT}\nER  - \n")
    assert titles(records) == ["A"]
    assert problems(records)[0].reason == "record is longer than 4 MB; skipped"
