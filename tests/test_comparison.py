"""What can be counted of a claim and its evidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding.comparison import (
    FEATURES,
    borrowed,
    compare,
    counted,
    coverage,
    numbers,
)
from assistant.text.words import names

REMOVES = "TwigNet removes 92% of the weights and loses 0.4 points of accuracy on ImageNet."


def one(term: str) -> float:
    return 1.0


def test_word_for_word_is_seen() -> None:
    found = compare("twignet removes 92% of the weights", REMOVES, 0.0)
    assert found.verbatim
    assert found.reasons == ("word for word",)
    assert not compare("92% of weights", "92% of weights", 1.0).verbatim  # too short to tell


def test_features_by_hand() -> None:
    # Terms of the claim: bee, follow, hedg, river; 3 of 4, and 2 of 3 pairs, are there.
    found = compare("Bees follow hedges, rivers", "Bees follow hedges home.", 0.55)
    assert found.features == {
        "cosine": pytest.approx(0.5),
        "covered": 0.75,
        "pairs": pytest.approx(2 / 3),
        "figures_missing": 0,
        "names_missing": 0,
        "negated": 0,
        "opposed": 0,
        "hedged": 0,
    }
    assert found.reasons == ("75% of the claim's words are in the sentence",)


def test_without_a_cosine_the_words_stand_for_it() -> None:
    found = compare("Bees follow hedges, rivers", "Bees follow hedges home.", None)
    assert found.features["cosine"] == 0.75


@pytest.mark.parametrize(
    ("claim", "feature", "reason"),
    [
        ("TwigNet removes 95% of all weights", "figures_missing", "number not in the sentence: 95"),
        ("TwigNet prunes BranchNet", "names_missing", "name not in the sentence: branchnet"),
        ("TwigNet never removes weights", "negated", "one of the two is negated"),
        ("TwigNet gains 0.4 points of accuracy", "opposed", "the direction differs"),
    ],
)
def test_what_speaks_against_a_claim_is_said(claim: str, feature: str, reason: str) -> None:
    plain = "TwigNet removes many weights at a 0.4 points loss of accuracy on ImageNet, by 92%."
    found = compare(claim, plain, 0.9)
    assert found.features[feature] == 1
    assert any(reason in text for text in found.reasons)
    assert compare(f"At last, {REMOVES}", plain, 0.9).features[feature] == 0


def test_less_certain_sentence_is_seen() -> None:
    assert compare("Bees follow hedges at night", "Bees may follow hedges.", 0.9).features["hedged"]
    assert not compare("Bees might follow rivers", "Bees may follow.", 0.9).features["hedged"]


def test_title_is_read_with_the_sentence() -> None:
    assert compare("TwigNet prunes weights", "We prune.", 0.5).features["names_missing"]
    assert not compare("TwigNet prunes weights", "We prune.", 0.5, "TwigNet").features[
        "names_missing"
    ]


def test_figures_in_words_count() -> None:
    assert compare("It was tried on 14 sets of data", "on fourteen sets", 0.5).missing == ()
    assert compare("It was tried on 15 sets of data", "on fourteen sets", 0.5).missing == ("15",)


@pytest.mark.parametrize(
    ("claim", "missing", "in_names"),
    [
        ("COVID-19 spreads in winter", ("19",), ("19",)),
        ("COVID-19 spreads in 19 towns", ("19",), ()),
        ("VGG-16 needs 5 hours", ("16", "5"), ("16",)),
        ("It lasts 3-5 days", ("3", "5"), ()),
        ("The share is -5", ("5",), ()),
    ],
)
def test_figures_of_names_are_told_apart(
    claim: str, missing: tuple[str, ...], in_names: tuple[str, ...]
) -> None:
    found = compare(claim, "Nothing of the kind.", 0.5)
    assert (found.missing, found.missing_in_names) == (missing, in_names)
    assert counted("Seven of nine, SEVENTEEN") == {"7", "9", "17"}


@given(st.text(max_size=60), st.text(max_size=60), st.none() | st.floats(-1, 1))
def test_features_are_shares(claim: str, text: str, cosine: float | None) -> None:
    found = compare(claim, text, cosine)
    assert set(found.features) == set(FEATURES)
    assert all(0 <= value <= 1 for value in found.features.values())
    assert found.reasons


def test_coverage_is_weighted_by_rarity() -> None:
    rare = {"bee": 1.0, "hedg": 3.0}.get
    weigh = lambda term: rare(term, 0.0)  # noqa: E731
    assert coverage("bees hedges", "many hedges", weigh) == pytest.approx(0.75)
    assert coverage("", "many hedges", one) == 0.0
    assert coverage("the of", "the of", one) == 0.0


def test_what_is_borrowed_of_the_question() -> None:
    rare = {"bee": 1.0, "hedg": 3.0}.get
    weigh = lambda term: rare(term, 0.0)  # noqa: E731
    assert borrowed("bees hedges", "hedges?", "many bees", weigh) == pytest.approx(0.75)
    assert borrowed("bees hedges", "hedges?", "hedges", weigh) == 0.0
    assert borrowed("bees hedges", "bees?", "wasps", weigh) == pytest.approx(0.25)
    assert borrowed("", "hedges?", "many bees", weigh) == 0.0


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
        ("NAS-based, AI-generated, BERT-like", {"nas", "ai", "bert"}),
        ("TwigNet-slim and ViT-large", {"twignet-slim", "vit-large"}),
        ("WHY DOES BERT FAIL?", set()),
        ("WHY DOES GPT4 FAIL?", {"gpt4"}),
    ],
)
def test_names_have_capitals_or_digits_inside(text: str, found: set[str]) -> None:
    assert names(text) == found
