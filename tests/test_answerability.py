"""The calibrated guess whether the evidence answers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding.answerability import FEATURES, Calibration, features, load_calibration
from assistant.types import Evidence, Hit, Passage
from tests.samples import HIVE, TIDEPOOL, TWIGNET

CALIBRATION = Calibration(threshold=0.5, intercept=-1.0, weights={"a": 2.0}, model_weight=0.5)


def test_probability_by_hand() -> None:
    assert CALIBRATION.probability({"a": 0.5}) == 0.5
    assert CALIBRATION.probability({"a": 1.0}) == pytest.approx(1 / (1 + math.exp(-1)))
    # logit(0.9) = ln 9, half of it.
    expected = 1 / (1 + math.exp(-0.5 * math.log(9)))
    assert CALIBRATION.probability({"a": 0.5}, 0.9) == pytest.approx(expected)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_model_that_says_yes_never_lowers_it(yes: float, value: float) -> None:
    low, high = sorted(CALIBRATION.probability({"a": value}, share) for share in (0.5, yes))
    assert 0 < low <= high < 1
    assert (CALIBRATION.probability({"a": value}, yes) == high) or yes < 0.5


@pytest.mark.parametrize("name", ["features", "with_model"])
def test_shipped_calibrations_load(name: str) -> None:
    calibration = load_calibration(name)
    assert set(calibration.weights) <= set(FEATURES)
    assert 0 < calibration.threshold < 1
    assert all(map(math.isfinite, calibration.weights.values()))
    best = calibration.probability(dict.fromkeys(FEATURES, 1.0), 0.99)
    worst = calibration.probability(dict.fromkeys(FEATURES, 0.0), 0.01)
    assert worst < calibration.threshold < best


def test_features_by_hand() -> None:
    passage = Passage(paper=HIVE, start=0, end=54)
    assert passage.text == "Honeybees return to their hive over several kilometres"
    scores = {"dense": 0.4, "lexical": 0.3}
    evidence = [Evidence(key=1, passage=passage, score=1.0, scores=scores)]
    hits = [
        Hit(paper=HIVE, score=1.0, start=0, end=5, scores={"dense": 0.6, "bm25": 1.0}),
        Hit(paper=TIDEPOOL, score=1.0, start=0, end=5, scores={"dense": 0.2, "bm25": 1.0}),
    ]
    found = features("Do penguins return to the hive?", hits, evidence, lambda term: 2.0)
    assert found == {
        "sentence_dense": 0.4,
        "sentence_lexical": 0.3,
        "paper_dense": 0.6,
        "question_covered": pytest.approx(2 / 3),
        "names_missing": 0.0,
        "names_missing_first": 0.0,
    }


@pytest.mark.parametrize(
    ("question", "missing", "missing_first"),
    [
        ("Does TwigNet prune?", 0.0, 0.0),
        ("Does TwigNet beat GraphPool?", 1.0, 1.0),
        ("How do honeybees compare?", 0.0, 0.0),
        ("Is a ResNet-50 read?", 0.0, 0.0),
        ("Does TwigNet prune HoneyBees?", 0.0, 1.0),
        ("What do TwigNet and HoneyBees share?", 0.0, 0.0),
        ("What do TwigNet and GraphPool share?", 1.0, 1.0),
    ],
)
def test_names_that_the_papers_lack(question: str, missing: float, missing_first: float) -> None:
    evidence = [
        Evidence(
            key=key,
            passage=Passage(paper=paper, start=0, end=9),
            score=1.0,
            scores={"dense": 0.4, "lexical": 0.3},
        )
        for key, paper in enumerate((TWIGNET, HIVE), start=1)
    ]
    found = features(question, [], evidence, lambda term: 2.0)
    assert (found["names_missing"], found["names_missing_first"]) == (missing, missing_first)


def test_features_of_nothing_are_zero() -> None:
    assert features("…", [], [], lambda term: 1.0) == dict.fromkeys(FEATURES, 0.0)
