"""Which sentences bear on a question: each part of the score alone, by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding.anaphora import with_context
from assistant.grounding.evidence import (
    Weights,
    compares,
    lexical_share,
    number_evidence,
    rank_sentences,
    with_named_papers,
    within_words,
)
from assistant.text.sentences import split_sentences
from assistant.types import Evidence, Hit, Paper, Passage
from tests.samples import HIVE, SAMPLE, TWIGNET

NOTHING = Weights(
    paper=0,
    lexical=0,
    neighbours=0,
    asked_figure=0,
    figure=0,
    position=0,
    length=0,
    own_work=0,
    named=0,
    opening=0,
    first_paper=0,
)
PAPER = Paper(id="1", title="T", abstract="Bees fly far. We saw 240 of them. They hum.")


def only(**weights: float) -> Weights:
    return Weights(**{**vars(NOTHING), **weights})


def hit(paper: Paper, score: float = 0.0) -> Hit:
    return Hit(paper=paper, score=score, start=0, end=len(paper.abstract))


def one(term: str) -> float:
    return 1.0


def ranked(
    weights: Weights,
    question: str = "",
    hits: Sequence[Hit] = (hit(PAPER),),
    cosines: Sequence[float] = (0.0, 0.0, 0.0),
) -> dict[str, float]:
    """Return the score of each sentence, best first, where cosines are as given."""
    rows = np.array([[value] for value in cosines], np.float32)
    vectors = {PAPER.id: rows}
    query = np.array([1.0], np.float32)
    found = rank_sentences(question, hits, query, vectors, one, weights)
    assert [evidence.key for evidence in found] == list(range(1, len(found) + 1))
    return {evidence.text: round(evidence.score, 5) for evidence in found}


def test_cosine_with_the_question() -> None:
    scores = ranked(NOTHING, cosines=(0.2, 0.9, 0.5))
    assert list(scores.items()) == [
        ("We saw 240 of them.", 0.9),
        ("They hum.", 0.5),
        ("Bees fly far.", 0.2),
    ]


def test_score_of_the_paper() -> None:
    scores = ranked(only(paper=0.5), hits=[hit(HIVE, 0.4), hit(PAPER, 0.8)])
    # As a share of the best paper's.
    assert scores["They hum."] == 0.5
    assert scores["Honeybees return to their hive over several kilometres."] == 0.25
    assert next(iter(scores)) == "Bees fly far."


def test_share_of_the_question_words() -> None:
    scores = ranked(only(lexical=2.0), "bees hum")
    # One of two words, once, in 3 and in 1 content words ("they" is none).
    expected = {3: None, 1: None}
    for length in expected:
        expected[length] = 2 * 0.5 * 1 / (1 + 1.2 * (0.25 + 0.75 * length / 15))
    assert scores["Bees fly far."] == pytest.approx(expected[3], abs=1e-5)
    assert scores["They hum."] == pytest.approx(expected[1], abs=1e-5)
    assert scores["We saw 240 of them."] == 0.0


def test_share_of_the_neighbours() -> None:
    scores = ranked(only(neighbours=0.5), cosines=(0.2, 0.4, 0.8))
    assert scores == pytest.approx(
        {
            "They hum.": 0.8 + 0.5 * 0.4,
            "We saw 240 of them.": 0.4 + 0.5 * (0.2 + 0.8),
            "Bees fly far.": 0.2 + 0.5 * 0.4,
        },
        abs=1e-4,
    )


def test_place_length_and_kind() -> None:
    assert ranked(only(position=1.0)) == {
        "They hum.": 1.0,
        "We saw 240 of them.": 0.5,
        "Bees fly far.": 0.0,
    }
    assert ranked(only(length=1.0))["We saw 240 of them."] == 5 / 40
    assert ranked(only(own_work=1.0))["We saw 240 of them."] == 1.0
    assert ranked(only(own_work=1.0))["Bees fly far."] == 0.0
    assert ranked(only(figure=1.0))["We saw 240 of them."] == 1.0
    assert ranked(only(figure=1.0))["They hum."] == 0.0
    assert ranked(only(opening=0.5)) == {
        "We saw 240 of them.": 0.0,
        "They hum.": 0.0,
        "Bees fly far.": -0.5,
    }


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("How many bees did they see?", True),
        ("What accuracy is reached?", True),
        ("By how much does it fall?", True),
        ("What do bees follow?", False),
        ("Why do they hum?", False),
    ],
)
def test_a_figure_counts_where_one_is_asked_for(question: str, asks: bool) -> None:
    scores = ranked(only(asked_figure=1.0), question)
    assert scores["We saw 240 of them."] == float(asks)
    assert scores["Bees fly far."] == 0.0


def test_without_vectors_the_words_decide() -> None:
    found = rank_sentences("Which landmarks do bees use?", [hit(HIVE)], None, {}, one)
    assert found[0].text == "Bees without landmarks did not return within two hours."
    assert {evidence.scores["dense"] for evidence in found} == {0.0}


@pytest.mark.parametrize(
    ("question", "earlier", "first"),
    [("Do they hum?", "How far?", "They hum."), ("How far?", "Do they hum?", "Bees fly far.")],
)
def test_what_was_asked_earlier_counts_less_than_the_question_itself(
    question: str, earlier: str, first: str
) -> None:
    args = ([hit(PAPER)], None, {}, one, only(lexical=1))
    best, second, last = rank_sentences(question, *args, earlier=earlier)
    assert best.text == first
    assert best.score > second.score > last.score == 0.0


def test_a_figure_that_was_asked_for_earlier_is_not_asked_for_again() -> None:
    args = ([hit(PAPER)], None, {}, one, only(asked_figure=1))
    found = rank_sentences("Do they hum?", *args, earlier="How many bees?")
    assert [each.score for each in found] == [0.0, 0.0, 0.0]


def test_the_first_papers_sentences_stand_together_unless_papers_are_compared() -> None:
    other = Paper(id="2", title="U", abstract="Wasps fly too.")
    hits = (hit(PAPER, 0.5), hit(other, 0.4))
    weights = only(first_paper=0.2)
    scores = ranked(weights, "How far do they fly?", hits)
    assert scores["They hum."] == 0.2
    assert scores["Wasps fly too."] == 0.0
    assert set(ranked(weights, "Which of both flies further?", hits).values()) == {0.0}


def test_fewer_vectors_than_sentences_are_no_error() -> None:
    scores = ranked(NOTHING, cosines=(0.9,))
    assert scores["Bees fly far."] == 0.9
    assert scores["They hum."] == 0.0


def test_no_papers_give_no_evidence() -> None:
    assert rank_sentences("bees?", [], None, {}, one) == []


def test_every_sentence_of_every_paper_is_ranked_once_with_its_place() -> None:
    found = rank_sentences("bees?", [hit(paper) for paper in SAMPLE], None, {}, one)
    places = [(e.paper.id, e.passage.start, e.passage.end) for e in found]
    expected = [(p.id, a, b) for p in SAMPLE for a, b in split_sentences(p.abstract)]
    assert sorted(places) == sorted(expected)
    assert [e.score for e in found] == sorted((e.score for e in found), reverse=True)


# --- words ----------------------------------------------------------------------------------


def test_lexical_share_by_hand() -> None:
    wanted = {"bee": 2.0, "fog": 1.0}
    # tf(bee) = 2 of 3 terms: norm = 1.2 * (0.25 + 0.75 * 3/15) = 0.48.
    assert lexical_share(wanted, "Bees follow bees.") == pytest.approx(2 * 2 / (2 + 0.48) / 3)
    assert lexical_share(wanted, "Tides rise.") == 0.0
    assert lexical_share({}, "Bees.") == 0.0
    assert lexical_share(wanted, "") == 0.0


@given(
    st.dictionaries(st.sampled_from(["bee", "fog", "tide"]), st.floats(0.01, 9), max_size=3),
    st.lists(st.sampled_from(["bees", "fog", "tides", "the", "x1"]), max_size=50).map(" ".join),
)
def test_lexical_share_is_bounded(wanted: dict[str, float], sentence: str) -> None:
    assert 0 <= lexical_share(wanted, sentence) <= 1 + 1e-9


# --- choosing -------------------------------------------------------------------------------


def evidence(paper: Paper, place: int) -> Evidence:
    start, end = split_sentences(paper.abstract)[place]
    passage = Passage(paper=paper, start=start, end=end)
    return Evidence(key=99, passage=passage, score=0.5, scores={"dense": 0.1})


def named(*titles: str) -> list[Evidence]:
    """Return two sentences of each paper, those of the first paper first."""
    papers = [replace(PAPER, id=title, title=title) for title in titles]
    return rank_sentences("", [hit(paper) for paper in papers], None, {}, one, NOTHING)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("How do BeeNet and WaspNet differ?", ["About bees", "BeeNet", "WaspNet"]),
        ("How does WaspNet fly?", ["About bees", "About bees", "About bees"]),
        ("How do WaspNet and OwlNet differ?", ["About bees", "About bees", "About bees"]),
    ],
)
def test_papers_that_are_named_follow_the_best_sentence(question: str, first: list[str]) -> None:
    ranked_ones = named("About bees", "BeeNet", "WaspNet")
    found = with_named_papers(question, ranked_ones)
    assert [each.paper.title for each in found[:3]] == first
    assert sorted(each.key for each in found) == [each.key for each in ranked_ones]


def test_the_best_sentence_of_a_named_paper_stays_first_and_what_many_share_names_none() -> None:
    ranked_ones = named("BeeNet on GPUs", "Wasps on GPUs", "WaspNet on GPUs")
    found = with_named_papers("Do WaspNet and BeeNet run on GPUs?", ranked_ones)
    assert [each.paper.title for each in found[:2]] == ["BeeNet on GPUs", "WaspNet on GPUs"]
    assert with_named_papers("Do GPUs help BeeNet?", ranked_ones) == ranked_ones
    assert with_named_papers("Do BeeNet and WaspNet fly?", []) == []


def test_evidence_is_numbered_by_paper_in_the_order_of_its_text() -> None:
    chosen = [evidence(HIVE, 3), evidence(TWIGNET, 1), evidence(HIVE, 0)]
    numbered = number_evidence(chosen)
    assert [(one.key, one.text) for one in numbered] == [
        (1, "Honeybees return to their hive over several kilometres."),
        (2, "Bees without landmarks did not return within two hours."),
        (3, chosen[1].text),
    ]
    assert numbered[0].scores == {"dense": 0.1}
    assert number_evidence([]) == []


def test_words_are_limited_after_the_third_sentence() -> None:
    chosen = [evidence(HIVE, place) for place in (0, 1, 2, 3)]
    lengths = [8, 10, 10, 9]
    assert [len(one.text.split()) for one in chosen] == lengths
    assert within_words(chosen, 6, 37) == chosen
    assert within_words(chosen, 6, 36) == chosen[:3]
    assert within_words(chosen, 6, 1) == chosen[:3]
    assert within_words(chosen, 2, 100) == chosen[:2]
    assert within_words([], 6, 100) == []


LINKED = Paper(
    id="2",
    title="T",
    abstract="We made a new kind of net. It prunes early. It is small. Bees fly far.",
)


def linked(*places: int) -> list[Evidence]:
    """Return sentences of that paper in this order, the second and third referring back."""
    every = [replace(evidence(LINKED, place), key=place) for place in range(4)]
    return with_context([every[place] for place in places])


def chosen(ranked: list[Evidence], most: int, words: int) -> list[tuple[int, bool]]:
    return [(one.key, one.is_context) for one in within_words(ranked, most, words)]


def test_a_sentence_that_refers_back_brings_what_it_refers_to() -> None:
    assert chosen(linked(2, 3, 1, 0), 2, 100) == [(2, False), (0, True), (3, False)]
    # Once is enough.
    assert chosen(linked(1, 2, 3, 0), 2, 100) == [(1, False), (0, True), (2, False)]


def test_context_that_is_good_evidence_itself_is_evidence() -> None:
    assert chosen(linked(1, 0, 3, 2), 2, 100) == [(1, False), (0, False)]
    assert chosen(linked(0, 1, 3, 2), 2, 100) == [(0, False), (1, False)]


def test_context_counts_among_the_words() -> None:
    # 3 words each but for the context's 7; the first three are read in any case.
    ranked = linked(1, 2, 3, 0)
    assert chosen(ranked, 3, 15) == [(1, False), (2, False), (3, False)]
    assert chosen(ranked, 3, 16) == [(1, False), (0, True), (2, False), (3, False)]
    assert chosen(ranked, 4, 16) == [(1, False), (0, False), (2, False), (3, False)]


def test_numbering_keeps_what_is_known_of_the_evidence() -> None:
    numbered = number_evidence(within_words(linked(2, 3, 1, 0), 2, 100))
    assert [(one.key, one.text, one.is_context) for one in numbered] == [
        (1, "We made a new kind of net.", True),
        (2, "It is small.", False),
        (3, "Bees fly far.", False),
    ]
    assert numbered[1].context == numbered[0].passage


def test_comparing_questions_are_recognised() -> None:
    assert compares("Which of the two methods is faster?")
    assert compares("How does TwigNet compare to others?")
    assert not compares("How many bees were tracked?")


def test_usual_weights_are_finite_and_positive() -> None:
    assert all(math.isfinite(weight) and weight >= 0 for weight in vars(Weights()).values())
