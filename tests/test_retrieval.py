"""The search's stages, by hand and through a real library."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.app import Assistant
from assistant.filters import parse_filter
from assistant.retrieval.acronyms import acronyms, long_form
from assistant.retrieval.plan import BM25, DEFAULT, DENSE, RRF, Plan
from assistant.retrieval.relevance import SEEN, Relevance, load_relevance
from assistant.retrieval.rerank import Candidate, diversified, rerank, smoothed
from assistant.retrieval.understanding import has_phrases, understand
from assistant.retrieval.wording import looked_for, matches
from assistant.types import Paper
from tests.samples import HIVE, SAMPLE, STORYLINE, TIDEPOOL, TWIGNET

NONE = np.zeros((0, 2), np.float32)
BEES = looked_for("bees", (), lambda term: 1.0)


def paper(title: str, abstract: str = "Bees fly.") -> Paper:
    return Paper(id=title, title=title, abstract=abstract)


def unit(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    row = np.array(values, np.float32)
    return row / np.linalg.norm(row)  # type: ignore[no-any-return]


# --- understanding -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "text", "only"),
    [
        ("bees in fog", "bees in fog", None),
        ("bees author:smith in fog", "bees in fog", "author:smith"),
        ("bees year:>=2020 fog", "bees fog", "year>=2020"),
        ("bees year>=2020", "bees", "year>=2020"),
        ("bees year: 2018..2020", "bees", "year:2018..2020"),
        ('title:"tide tables" harbours', "harbours", 'title:"tide tables"'),
        ("author:smith year:2020 bees", "bees", "author:smith and year:2020"),
        ("-venue:nature bees", "bees", "not venue:nature"),
        ("ratio:2 of bees", "ratio:2 of bees", None),
        ("what happened in the year 2020?", "what happened in the year 2020?", None),
        ("author: smith", "author: smith", None),
    ],
)
def test_fields_become_a_filter(query: str, text: str, only: str | None) -> None:
    found = understand(query)
    assert found.text == text
    assert found.only == (None if only is None else parse_filter(only))


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("10.1000/XYZ.12", "doi:10.1000/xyz.12"),
        ("what does https://doi.org/10.1000/xyz.12 say?", "doi:10.1000/xyz.12"),
        ("arXiv:2101.00001v2", "arxiv:2101.00001"),
        ("what says 2101.00001 about bees", "arxiv:2101.00001"),
        ("PMID 123456", "pmid:123456"),
        ("How Honeybees Find Home in Fog", "title:how honeybees find home in fog"),
        ("who wrote “Tide Tables”?", "title:tide tables"),
    ],
)
def test_identifiers_and_titles_become_keys(query: str, key: str) -> None:
    assert key in understand(query).keys


def test_quoted_phrases_are_found_word_for_word() -> None:
    found = understand('bees "Find-Home" fog')
    assert found.phrases == ("Find-Home",)
    assert not found.is_quoted
    assert found.text == "bees Find-Home fog"
    assert understand('"find home" year:2020').is_quoted
    assert has_phrases(paper("How bees find home"), ("Find-Home",))
    assert not has_phrases(paper("find", "home"), ("find home",))
    assert not has_phrases(paper("How bees find homes"), ("find home",))


@given(st.text(max_size=200))
def test_any_query_can_be_taken_apart(query: str) -> None:
    found = understand(query)
    assert len(found.text) <= len(query) + 2
    assert found.text == found.text.strip()


# --- acronyms ------------------------------------------------------------------------------


def test_acronyms_have_two_capitals() -> None:
    assert acronyms("How do RNNs and GANs compare with BERT in NLP, by IoU?") == [
        "RNNs", "GANs", "BERT", "NLP", "IoU"
    ]  # fmt: skip
    assert acronyms("Which bees does Smith follow in fog?") == []


@pytest.mark.parametrize(
    ("acronym", "text", "form"),
    [
        ("TSS", "We use a time sharing system (TSS) here.", "time sharing system"),
        ("RNNs", "Recurrent neural networks (RNNs) forget.", "recurrent neural networks"),
        ("HMM", "Trained by hidden Markov models (HMM).", "hidden markov models"),
        ("TSS", "Nothing of the kind (TSS).", ""),
        ("TSS", "We know TSS well.", ""),
        ("AB", "It ends. A bee (AB) flies.", "a bee"),
        ("PRF", "with pseudo-relevance feedback (PRF)", "pseudo-relevance feedback"),
    ],
)
def test_long_forms_stand_before_their_acronym(acronym: str, text: str, form: str) -> None:
    assert long_form(acronym, [paper("t", text)]) == form


@given(st.text(alphabet="abc (AB).", max_size=60))
def test_a_long_form_begins_as_its_acronym_does(text: str) -> None:
    form = long_form("AB", [paper("t", text)])
    assert not form or form.startswith("a")


# --- reranking -----------------------------------------------------------------------------


def test_words_and_pairs_are_shares_by_rarity() -> None:
    papers = [
        paper("Fog", "The bees fly home in it."),
        paper("Bees", " ".join(["word"] * 20) + " fog."),
        paper("Tides", "The sea."),
    ]
    rarity = {"bee": 3.0, "fog": 1.0}
    found = matches(looked_for("bees in fog", papers, lambda term: rarity[term]), papers)
    assert found.covered.tolist() == [1.0, 1.0, 0.0]
    assert found.near.tolist() == [1.0, 0.0, 0.0]
    assert found.titled.tolist() == [0.25, 0.75, 0.0]


def test_neighbours_lend_their_scores() -> None:
    same, other = unit(1, 0)[None], unit(0, 1)[None]
    found = smoothed(np.array([1.0, 0.0, 0.5]), [same, same, other])
    # The second's one neighbour is the first; the third has none.
    assert found.tolist() == pytest.approx([0.0, 1.0, 0.0])
    assert smoothed(np.array([1.0, 0.5]), [NONE, same]).tolist() == [0.0, 0.0]


def test_diversity_puts_a_copy_behind_another_paper() -> None:
    same, other = unit(1, 0)[None], unit(0, 1)[None]
    scores = np.array([1.0, 0.9, 0.8])
    assert diversified(scores, [same, same, other], 0.0) == [0, 1, 2]
    assert diversified(scores, [same, same, other], 0.5) == [0, 2, 1]


def candidate(
    name: str, bm25: float, dense: float | None, passage: object, sentence: object
) -> Candidate:
    return Candidate(
        paper=paper(name, "No word of it."),
        bm25=bm25,
        dense=dense,
        passages=NONE if passage is None else passage[None],  # type: ignore[index]
        sentences=NONE if sentence is None else sentence[None],  # type: ignore[index]
    )


def test_the_best_sentence_decides_between_equals() -> None:
    question = unit(1, 0)
    pool = [
        candidate("a", 2.0, 0.6, unit(3, 4), unit(0, 1)),
        candidate("b", 2.0, 0.6, unit(3, 4), unit(1, 0)),
    ]
    total, stages = rerank(BEES, question, pool, DEFAULT)
    assert total[1] > total[0]
    assert stages["sentence"].tolist() == [0.0, 1.0]
    none, _ = rerank(BEES, question, pool, replace(DEFAULT, sentence=0))
    assert none[0] == pytest.approx(none[1])


def test_a_paper_without_vectors_counts_as_the_farthest() -> None:
    pool = [candidate("a", 1.0, 0.7, unit(1, 1), None), candidate("b", 1.0, None, None, None)]
    _, stages = rerank(BEES, unit(1, 0), pool, DEFAULT)
    assert stages["dense"].tolist() == [1.0, 1.0]  # one known cosine: nothing to tell apart
    assert np.isfinite(sum(stages.values())).all()


def test_feedback_raises_what_is_like_the_best() -> None:
    question = unit(1, 0, 0)
    pool = [
        candidate("best", 9.0, 0.8, unit(4, 3, 0), None),
        candidate("like it", 1.0, 0.0, unit(0, 1, 0), None),
        candidate("unlike", 1.0, 0.0, unit(0, 0, 1), None),
    ]
    plan = replace(DEFAULT, feedback=0.3, neighbours=0.0)
    _, stages = rerank(BEES, question, pool, plan)
    assert stages["feedback"][0] > stages["feedback"][1] > stages["feedback"][2]


def test_a_plan_looks_somewhere() -> None:
    with pytest.raises(ValueError, match="words, the vectors"):
        Plan(lexical=0, dense=0)


# --- through a library ---------------------------------------------------------------------


def titles(assistant: Assistant, query: str, plan: Plan | None = None) -> list[str]:
    return [hit.paper.title for hit in assistant.library.search(query, 10, None, plan)]


def test_each_plan_finds_the_paper_asked_for(library: Callable[..., Assistant]) -> None:
    assistant = library()
    for plan in (DEFAULT, BM25, DENSE, RRF):
        assert titles(assistant, "honeybees return in fog", plan)[0] == HIVE.title


def test_hits_carry_stages_and_a_probability(library: Callable[..., Assistant]) -> None:
    hits = library().search("How do honeybees return to the hive in fog?")
    assert {"bm25", "dense", *SEEN, "relevance"} - {"score", "share"} <= set(hits[0].scores)
    assert 0 < hits[-1].scores["relevance"] < hits[0].scores["relevance"] < 1
    assert 0 < hits[0].score <= 1
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_fields_of_a_query_filter_it(library: Callable[..., Assistant]) -> None:
    assistant = library()
    year = TIDEPOOL.year
    assert year is not None
    assert titles(assistant, f"bees year:{year}") == [
        one.title for one in SAMPLE if one.year == year
    ]


def test_a_title_or_an_identifier_comes_first(library: Callable[..., Assistant]) -> None:
    known = replace(STORYLINE, doi="10.1000/story.7")
    assistant = library([TWIGNET, HIVE, known])
    assert titles(assistant, TWIGNET.title.upper())[0] == TWIGNET.title
    assert titles(assistant, f"honeybees in fog, unlike doi:{known.doi}")[0] == STORYLINE.title
    assert titles(assistant, f"honeybees “{STORYLINE.title}”")[0] == STORYLINE.title


def test_a_quoted_query_gives_what_has_it_word_for_word(library: Callable[..., Assistant]) -> None:
    papers = [
        paper("Cold dark matter", "Galaxies turn in cold dark matter halos all the time."),
        paper("Dark and cold", "What is the matter with dark, cold nights in a galaxy of stars?"),
    ]
    assistant = library(papers)
    assert titles(assistant, '"cold dark matter"') == ["Cold dark matter"]
    assert titles(assistant, '"matter with dark"') == ["Dark and cold"]
    assert len(titles(assistant, '"no such phrase of matter"')) == 2


def test_an_acronym_finds_its_long_form(library: Callable[..., Assistant]) -> None:
    papers = [
        paper("One", "We study the zonal hermit kettle (ZHK) in winter, and name it."),
        paper("Two", "The zonal hermit kettle boils at noon."),
        paper("Three", "Another matter altogether, of ships and of sails."),
    ]
    assistant = library(papers)
    assert titles(assistant, "ZHK", replace(BM25, acronyms=True)) == ["One", "Two"]
    assert titles(assistant, "ZHK", BM25) == ["One"]


# --- calibration ---------------------------------------------------------------------------


def test_probability_by_hand() -> None:
    one = Relevance(intercept=-1.0, weights={"dense": 2.0, "coverage": 1.0})
    assert one.probability({"dense": 0.5}) == pytest.approx(0.5)
    assert one.probability({"dense": 0.5, "coverage": 1.0}) == pytest.approx(0.7310586)
    assert one.probability({"dense": 1e9}) < 1.0


def test_shipped_calibration_rises_with_the_evidence() -> None:
    shipped = load_relevance()
    assert set(shipped.weights) == set(SEEN)
    low, high = dict.fromkeys(SEEN, 0.1), dict.fromkeys(SEEN, 0.9)
    assert shipped.probability(low) < 0.2 < 0.6 < shipped.probability(high)
