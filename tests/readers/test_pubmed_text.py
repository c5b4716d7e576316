"""PubMed's "Abstract (text)": what is the abstract among paragraphs that nothing names."""

import time

import pytest

from assistant.types import Paper
from tests.readers.cases import papers, problems, read, titles

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."
SAVED = """1. J Appl Terns (1985). 2020 Nov 4;22(11):e19222. doi: 10.1234/terns-2020. Epub 2020 
Mar 2.

Terns of the harbour in the year of COVID-
19: a systematic review.

[Article in Spanish]

O'Birch AJ(1)(2), van der Oak B(#)(2), García-Elm C Jr(3); Tern Study Group.

Author information:
(1)Department of Birds, University of the Harbour, Port.
(2)Department of Eels.

Erratum in
    J Appl Terns (1985). 2021 Jan;23(1):7.

BACKGROUND: Terns dive for sand eels, pre-
and post-breeding, in 1999 
and later.
1. This is a list.
RESULTS: They caught <5 eels & more.

Copyright © 2020, The Terns.

DOI: 10.1234/terns-2020
PMCID: PMC7673981
PMID: 33146621 [Indexed for MEDLINE]

Conflict of interest statement: The authors fish for eels themselves, and say so here.


2. Ibis. 2019 Dec 30.

No text here.

Birch A.

PMID: 5


3. Ibis. 1998;1(1):1-2.

No author here.

Terns dive for sand eels in shallow water near the breakers.

2. Another paragraph, with a number in front of it.

PMID: 6 [PubMed - indexed for MEDLINE]


"""


def test_saved_list() -> None:
    records = read(SAVED)
    first, third = papers(records)
    assert first == Paper(
        id="doi:10.1234/terns-2020",
        title="Terns of the harbour in the year of COVID-19: a systematic review.",
        abstract="BACKGROUND: Terns dive for sand eels, pre- and post-breeding, in 1999 and later. "
        "1. This is a list. RESULTS: They caught <5 eels & more.",
        authors=("AJ O'Birch", "B van der Oak", "C García-Elm Jr", "Tern Study Group"),
        year=2020,
        venue="J Appl Terns (1985)",
        url="https://pubmed.ncbi.nlm.nih.gov/33146621/",
        doi="10.1234/terns-2020",
        pmid="33146621",
        source="file",
        record_id="PMC7673981",
        raw_abstract=first.raw_abstract,
    )
    assert (third.title, third.year, third.authors) == ("No author here.", 1998, ())
    assert third.abstract == f"{ABSTRACT} 2. Another paragraph, with a number in front of it."
    assert [str(one) for one in problems(records)] == [
        "file, line 33: “No text here.” has no abstract"
    ]


def record(number: int, *blocks: str) -> str:
    return "\n\n".join((f"{number}. Ibis. 2020;1:1.", *blocks, f"PMID: {number}")) + "\n"


def test_records_with_one_blank_line_between() -> None:
    text = "\n".join(record(number, f"T{number}", ABSTRACT) for number in (1, 2, 3))
    assert titles(read(text)) == ["T1", "T2", "T3"]


def test_group_alone_is_no_abstract() -> None:
    group = "World Organization of Terns and Gulls."
    (bare,) = read(record(1, "T", group))
    assert str(bare) == "file, line 1: “T” has no abstract"
    (paper,) = papers(read(record(1, "T", group, ABSTRACT)))
    assert (paper.authors, paper.abstract) == (("World Organization of Terns and Gulls",), ABSTRACT)


def test_abstract_in_another_language_stands_in_only_where_there_is_no_other() -> None:
    other = "Publisher: Les sternes plongent pour les lançons près du rivage."
    assert papers(read(record(1, "T", "Birch A.", ABSTRACT, other)))[0].abstract == ABSTRACT
    assert papers(read(record(1, "T", "Birch A.", other)))[0].abstract.startswith("Les sternes")


def test_record_that_breaks_off_is_named_and_the_next_one_read() -> None:
    records = read(
        f"1. Ibis. 2020;1:1.\n\nBroken off\n\n{ABSTRACT}\n\n\n" + record(2, "T", ABSTRACT)
    )
    assert titles(records) == ["T"]
    assert [str(one) for one in problems(records)] == [
        "file, line 1: record “Broken off” breaks off before its PMID; skipped"
    ]


@pytest.mark.parametrize(
    "text", ["2. ", "2. a\n\n", "a. ", "A B, ", "(1)", "-\n", "\n\n2. x. 19", " "]
)
def test_hostile_repetition_ends_in_good_time(text: str) -> None:
    start = time.process_time()
    records = read(record(1, "T1", ABSTRACT) + "\n\n2. " + text * (1_000_000 // len(text)))
    assert titles(records) == ["T1"]
    assert time.process_time() - start < 20


def test_zero_bytes_are_named_once_with_their_line() -> None:
    records = read(
        record(1, "T1", ABSTRACT.replace("eels", "ee\0ls"), "\0")
        + "\n\n"
        + record(2, "T2", ABSTRACT)
    )
    assert [paper.abstract for paper in papers(records)] == [ABSTRACT, ABSTRACT]
    (found,) = problems(records)
    assert (found.line, found.skipped) == (5, False)
    assert "zero bytes" in found.reason


def test_record_without_bound_is_reported_and_the_next_read() -> None:
    endless = "2. Ibis. 2020;1:1.\n\nEndless\n\n" + ("x" * 990 + "\n\n") * 5000 + "PMID: 2\n"
    records = read("\n\n".join((record(1, "T1", ABSTRACT), endless, record(3, "T3", ABSTRACT))))
    assert titles(records) == ["T1", "T3"]
    assert problems(records)[0].reason == "record “Endless” is too long; skipped"
