"""Does a sentence support a claim?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding.verifier import (
    SUPPORTED_AT,
    best_support,
    coverage,
    names,
    numbers,
    support,
)
from assistant.types import Evidence, Paper, Passage
from tests.samples import HIVE, STORYLINE, TWIGNET


def sentence(text: str, title: str = "On TwigNet") -> Evidence:
    paper = Paper(id="1", title=title, abstract=text)
    return Evidence(key=1, passage=Passage(paper=paper, start=0, end=len(text)), score=1.0)


def one(term: str) -> float:
    return 1.0


REMOVES = "TwigNet removes 92% of the weights and loses 0.4 points of accuracy on ImageNet."


def test_word_for_word_is_certain() -> None:
    found = support("twignet removes 92% of the weights", sentence(REMOVES), 0.0, one)
    assert (found.score, found.supported, found.reasons) == (1.0, True, ("word for word",))


def test_score_by_hand() -> None:
    # Terms of the claim: bee, follow, hedg, river; 3 of 4 are in the sentence.
    found = support("Bees follow hedges, rivers", sentence("Bees follow hedges home."), 0.55, one)
    assert found.score == pytest.approx(0.6 * 0.75 + 0.4 * 0.5)
    assert found.supported
    assert found.reasons == ("75% of the claim's words are in the sentence",)


def test_without_a_cosine_the_words_stand_for_it() -> None:
    found = support("Bees follow hedges, rivers", sentence("Bees follow hedges home."), None, one)
    assert found.score == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("TwigNet removes 95% of all weights on ImageNet", "number not in the sentence: 95"),
        ("TwigNet removes the weights of BranchNet on ImageNet", "name not in the sentence: bra"),
        ("TwigNet never removes weights on ImageNet", "one of the two is negated"),
        ("TwigNet gains 0.4 points of accuracy on ImageNet", "the direction differs"),
    ],
)
def test_contradictions_lower_the_score_and_say_why(claim: str, reason: str) -> None:
    plain = "TwigNet removes many weights at a 0.4 points loss of accuracy on ImageNet, by 92%."
    found = support(claim, sentence(plain), 0.9, one)
    agreeing = support(f"At last {REMOVES}", sentence(plain), 0.9, one)
    assert any(reason in text for text in found.reasons)
    assert found.score < agreeing.score


def test_wrong_figure_is_never_supported() -> None:
    for wrong in ("12%", "0.92%", "920", "9.2 times"):
        found = support(f"TwigNet removes {wrong} of the weights.", sentence(REMOVES), 0.95, one)
        assert not found.supported, wrong


def test_unrelated_sentence_is_not_supported() -> None:
    found = support("Honeybees follow hedges in fog.", sentence(REMOVES), 0.1, one)
    assert not found.supported
    assert found.score < 0.2


def test_title_is_read_with_the_sentence() -> None:
    found = support("TwigNet prunes weights", sentence("We prune weights."), 0.5, one)
    assert not any("name" in reason for reason in found.reasons)


def test_words_repeated_from_the_question_count_less() -> None:
    claim, question = "Bees find home by magic", "How do bees find home?"
    bees = sentence("Bees find home.", title="")
    alone = support(claim, bees, None, one)
    asked = support(claim, bees, None, one, question)
    assert alone.score == pytest.approx(0.75)
    # bee, find, home weigh 0.35 each; magic weighs 1.
    assert asked.score == pytest.approx(3 * 0.35 / (3 * 0.35 + 1))


@given(
    st.text(max_size=60),
    st.text(max_size=60),
    st.none() | st.floats(-1, 1),
    st.text(max_size=20),
)
def test_support_is_a_share(claim: str, text: str, cosine: float | None, question: str) -> None:
    found = support(claim, sentence(text), cosine, one, question)
    assert 0 <= found.score <= 1 + 1e-9
    assert found.supported is (found.score >= SUPPORTED_AT)
    assert found.reasons


def test_coverage_is_weighted_by_rarity() -> None:
    rare = {"bee": 1.0, "hedg": 3.0}.get
    weigh = lambda term: rare(term, 0.0)  # noqa: E731
    assert coverage("bees hedges", "many hedges", weigh) == pytest.approx(0.75)
    assert coverage("", "many hedges", one) == 0.0
    assert coverage("the of", "the of", one) == 0.0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,000 bees", {"1000"}),
        ("3.50 and 3.5", {"3.5"}),
        ("92% of 240", {"92", "240"}),
        ("-0.4 or −0.4", {"0.4"}),
        ("10.0", {"10"}),
        ("100", {"100"}),
        ("ResNet50 v2.1", set()),
        ("ResNet-50", {"50"}),
        ("none", set()),
    ],
)
def test_numbers_have_one_form(text: str, found: set[str]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("TwigNet and BERT beat ResNet-50", {"twignet", "bert", "resnet-50"}),
        ("We saw Bees in Paris", set()),
        ("GPT4 and mAP", {"gpt4", "map"}),
        ("nothing here", set()),
    ],
)
def test_names_have_capitals_or_digits_inside(text: str, found: set[str]) -> None:
    assert names(text) == found


def test_best_support_comes_first() -> None:
    papers = (HIVE, TWIGNET, STORYLINE)
    evidence = [
        Evidence(key=key, passage=Passage(paper=p, start=0, end=len(p.abstract)), score=1.0)
        for key, p in enumerate(papers, start=1)
    ]
    rated = best_support("TwigNet removes 92% of the weights.", evidence, None, None, one)
    assert rated[0][0].key == 2
    assert len(rated) == 3
    scores = [pair[1].score for pair in rated]
    assert scores == sorted(scores, reverse=True)
    assert best_support("x", [], None, None, one) == []
