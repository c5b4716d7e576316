"""Who is who: identifiers, keys, and when two records are one paper."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.identity import (
    assign_id,
    merge,
    normal_arxiv_id,
    normal_doi,
    same_paper,
    same_title,
    similar,
    strong_keys,
    text_key,
)
from assistant.types import Paper
from tests.samples import SAMPLE, TWIGNET


def paper(**fields: object) -> Paper:
    return Paper(**{"id": "", "title": "A Title", "abstract": "Bees fly home.", **fields})


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("10.1234/ABC.def", "10.1234/abc.def"),
        ("https://doi.org/10.1234/abc", "10.1234/abc"),
        ("doi: 10.1234/abc.", "10.1234/abc"),
        ("(10.1234/abc)", "10.1234/abc"),
        ("https://dx.doi.org/10.1002/(SICI)1097-0258", "10.1002/(sici)1097-0258"),
        ("not one", ""),
        ("", ""),
    ],
)
def test_doi_has_one_form(text: str, doi: str) -> None:
    assert normal_doi(text) == doi


@pytest.mark.parametrize(
    ("text", "arxiv_id"),
    [
        ("2101.00001", "2101.00001"),
        ("arXiv:2101.00001v3", "2101.00001"),
        ("https://arxiv.org/abs/2101.00001v2", "2101.00001"),
        ("http://arxiv.org/pdf/0704.0001.pdf", "0704.0001"),
        ("hep-th/9901001v1", "hep-th/9901001"),
        ("math.GT/0309136", "math.gt/0309136"),
        ("https://doi.org/10.48550/arXiv.2101.00001", "2101.00001"),
        ("record 7", ""),
        ("", ""),
    ],
)
def test_arxiv_identifier_has_one_form(text: str, arxiv_id: str) -> None:
    assert normal_arxiv_id(text) == arxiv_id


@given(st.text(max_size=60))
def test_normal_forms_stay_as_they_are(text: str) -> None:
    for normal in (normal_doi, normal_arxiv_id):
        once = normal(text)
        assert normal(once) == once


def test_id_prefers_doi_then_arxiv_then_pmid_then_the_record() -> None:
    full = paper(doi="10.1/a", arxiv_id="2101.00001", pmid="7", record_id="rec")
    assert assign_id(full).id == "doi:10.1/a"
    assert assign_id(replace(full, doi="")).id == "arxiv:2101.00001"
    assert assign_id(replace(full, doi="", arxiv_id="")).id == "pmid:7"
    assert assign_id(paper(record_id="rec")).id == "rec"
    assert strong_keys(full) == ("doi:10.1/a", "arxiv:2101.00001", "pmid:7")


def test_without_any_identifier_the_id_is_a_stable_hash() -> None:
    digest = hashlib.sha256(b"title:a title|ada birch|2020").hexdigest()[:16]
    made = assign_id(paper(authors=("Ada  Birch", "Ben Oak"), year=2020))
    assert made.id == f"hash:{digest}"
    assert assign_id(paper(title="A TITLE!", authors=("ada birch",), year=2020)).id == made.id


def test_text_key_falls_back_to_the_abstract() -> None:
    assert text_key(paper()) == "title:a title"
    assert text_key(paper(title="")) == "text:bees fly home"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {}, True),
        ({}, {"title": "a title."}, True),
        ({}, {"title": "Another title"}, False),
        ({}, {"abstract": "Harbours have tides."}, False),
        ({"year": 2020}, {"year": 2021}, True),
        ({"year": 2020}, {"year": 2022}, False),
        ({"doi": "10.1/a"}, {"doi": "10.1/b"}, False),
        ({"doi": "10.1/a"}, {"doi": "10.1/a", "title": "Other"}, True),
        ({"doi": "10.1/a"}, {}, True),
        ({"pmid": "1"}, {"pmid": "2"}, False),
        ({"arxiv_id": "2101.00001"}, {"arxiv_id": "2101.00001", "year": 1999}, True),
    ],
)
def test_same_paper(one: dict[str, object], other: dict[str, object], same: bool) -> None:
    assert same_paper(paper(**one), paper(**other)) is same
    assert same_paper(paper(**other), paper(**one)) is same


def test_same_title_ignores_case_accents_and_punctuation() -> None:
    assert same_title(paper(title="Gödel: A Life"), paper(title="GODEL a life"))
    assert not same_title(paper(title="Gödel: A Life"), paper(title="Gödel: Life"))


def test_similarity_is_the_share_of_common_terms() -> None:
    # {bee, fly, home} and {bee, fly, away}: 2 of 4.
    assert similar("Bees fly home", "Bees flying away") == pytest.approx(0.5)
    assert similar("", "") == 1.0
    assert similar("bees", "") == 0.0


@given(st.sampled_from(SAMPLE), st.sampled_from(SAMPLE))
def test_similarity_is_symmetric_and_bounded(one: Paper, other: Paper) -> None:
    value = similar(one.abstract, other.abstract)
    assert value == similar(other.abstract, one.abstract)
    assert 0 <= value <= 1
    assert (value == 1) is (one is other)


def test_merge_fills_gaps_and_overwrites_nothing() -> None:
    kept = paper(id="1", year=2020, venue="Here")
    other = paper(id="2", year=1999, venue="There", pmid="7", authors=("Ada",), abstract="Other.")
    merged = merge(kept, other)
    assert merged == replace(kept, pmid="7", authors=("Ada",))
    assert merge(TWIGNET, TWIGNET) is TWIGNET
