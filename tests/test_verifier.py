"""Does the evidence support the claim? The tiers, with models that say what they are told."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.adapters.cross_encoder import open_classifier
from assistant.grounding.comparison import FEATURES
from assistant.grounding.judges import NO_EVIDENCE, AdaptedJudge, WordJudge
from assistant.grounding.odds import log_odds, sigmoid
from assistant.grounding.verifier import Stage, Verifier, load_stages, stages_from
from assistant.protocols import Vectors
from assistant.types import Evidence, Passage, Tier
from tests.fakes import counting
from tests.samples import HIVE, STORYLINE, TWIGNET

REMOVES = "TwigNet removes 92% of the weights and loses 0.4 points of accuracy on ImageNet."
OPEN = dict.fromkeys(FEATURES, 0.0)
ALWAYS: dict[Tier, Stage] = {
    "features": Stage(intercept=0.0, weights=OPEN | {"covered": 1.0}, low=0.0, high=1.0),
    "cross-encoder": Stage(intercept=0.0, weights={"before": 0.0, "own": 1.0}, low=0.2, high=0.8),
    "chat model": Stage(intercept=0.0, weights={"before": 0.0, "own": 1.0}, low=0.5, high=0.5),
    "adapted chat model": Stage(intercept=0.0, weights={"own": 1.0}, low=0.5, high=0.5),
}


class Classifier:
    """Gives every pair the same probabilities, and remembers how many it read."""

    def __init__(self, *row: float) -> None:
        self.row = row
        self.read: list[tuple[str, str]] = []

    def classify(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        self.read += pairs
        return np.array([self.row] * len(pairs), np.float32)


def verifier(classifier: Classifier | None = None) -> Verifier:
    return Verifier(ALWAYS, lambda texts: None, lambda: classifier)


def test_word_for_word_needs_no_model() -> None:
    reader = Classifier(0.0, 1.0, 0.0)
    found = verifier(reader).support("TwigNet removes 92% of the weights", REMOVES)
    assert (found.score, found.label, found.tier) == (1.0, "supported", "verbatim")
    assert found.reasons == ("word for word",)
    assert reader.read == []


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ((0.9, 0.05, 0.05), "supported"),
        ((0.1, 0.8, 0.1), "contradicted"),
        ((0.1, 0.1, 0.8), "not found"),
    ],
)
def test_what_is_counted_leaves_open_is_read(row: tuple[float, ...], label: str) -> None:
    found = verifier(Classifier(*row)).support("Bees follow hedges, rivers", "Bees go home.")
    assert (found.label, found.tier) == (label, "cross-encoder")
    assert found.score == pytest.approx(row[0], abs=1e-4)
    if label == "contradicted":
        assert "the sentence seems to say the opposite" in found.reasons


def test_the_chat_model_is_asked_only_where_the_others_are_unsure() -> None:
    asked: list[tuple[str, str]] = []

    def yes(claim: str, text: str) -> float:
        asked.append((claim, text))
        return 0.97

    judge = WordJudge(yes=yes)
    unsure = verifier(Classifier(0.4, 0.3, 0.3)).support("Bees like rivers", "Go.", judge=judge)
    assert (unsure.label, unsure.tier, unsure.score) == (
        "supported",
        "chat model",
        pytest.approx(0.97),
    )
    assert asked == [("Bees like rivers", NO_EVIDENCE), ("Bees like rivers", "Go.")]
    sure = verifier(Classifier(0.9, 0.1, 0.0)).support("Bees like rivers", "Go.", judge=judge)
    assert sure.tier == "cross-encoder"
    assert len(asked) == 2


def test_what_sounds_true_without_evidence_counts_less() -> None:
    stages = ALWAYS | {
        "chat model": Stage(
            intercept=0.0, weights={"before": 0.0, "own": 1.0, "prior": -1.0}, low=0.5, high=0.5
        )
    }
    one = Verifier(stages, lambda texts: None, lambda: Classifier(0.4, 0.3, 0.3))
    gullible = one.support("Bees like rivers", "Go.", judge=WordJudge(yes=lambda *_: 0.97))
    assert gullible.score == pytest.approx(0.5)
    reader = one.support(
        "Bees like rivers",
        "Go.",
        judge=WordJudge(yes=lambda _, text: 0.5 if text == NO_EVIDENCE else 0.97),
    )
    assert reader.score == pytest.approx(0.97)


@pytest.mark.parametrize(("yes", "label"), [(0.9, "supported"), (0.2, "not found")])
def test_an_adapted_model_is_believed_over_the_others(yes: float, label: str) -> None:
    judge = AdaptedJudge(yes=lambda *_: yes)
    for row in ((0.4, 0.3, 0.3), (0.97, 0.0, 0.03), (0.02, 0.0, 0.98)):
        found = verifier(Classifier(*row)).support("Bees like rivers", "Go.", judge=judge)
        assert (found.tier, found.label) == ("adapted chat model", label)
        assert found.score == pytest.approx(yes)


def test_a_figure_that_the_evidence_lacks_rules_out_whatever_an_adapted_model_says() -> None:
    judge = AdaptedJudge(yes=lambda *_: 0.99)
    one = verifier(Classifier(0.97, 0.0, 0.03))
    assert not one.support("Bees like 92 rivers", "Go.", judge=judge).supported
    # In a name it may be another name of the same thing, which the adapted model has read.
    named = "COVID-19 spreads in winter"
    assert one.support(named, "SARS-CoV-2 spreads in winter.", judge=judge).supported
    assert not one.support(named, "SARS-CoV-2 spreads in winter.").supported
    assert not one.support(f"{named} by 19", "It does.", judge=judge).supported


def test_a_chat_model_that_cannot_tell_changes_nothing() -> None:
    one, mute = verifier(Classifier(0.4, 0.3, 0.3)), WordJudge(yes=lambda *_: None)
    found = one.support("Bees fly", "Go.", judge=mute)
    assert (found.tier, found.score) == ("cross-encoder", pytest.approx(0.4))


def test_wrong_figure_is_never_supported_whatever_the_models_say() -> None:
    sure = verifier(Classifier(1.0, 0.0, 0.0))
    for wrong in ("12%", "0.92%", "920", "9.2 times"):
        found = sure.support(f"TwigNet removes {wrong} of the weights.", REMOVES)
        assert not found.supported, wrong
        assert any("number not in the sentence" in reason for reason in found.reasons)


def test_without_models_what_can_be_counted_decides() -> None:
    bare = verifier()
    assert bare.support("Bees follow hedges", "Bees follow many hedges").tier == "features"
    assert counting().support("Honeybees follow hedges at dusk", "Bees swim.").supported is False


def test_long_evidence_is_read_where_it_bears_on_the_claim() -> None:
    reader = Classifier(0.9, 0.1, 0.0)
    padding = "Nothing of note was seen in the second year of the long study. " * 30
    verifier(reader).support("Bees follow rivers", f"{padding}Bees follow wide rivers. {padding}")
    assert "Bees follow wide rivers." in reader.read[0][1]
    assert len(reader.read[0][1].split()) <= 110


def test_the_best_evidence_comes_first_and_few_are_read() -> None:
    papers = (HIVE, TWIGNET, STORYLINE, HIVE, STORYLINE)
    evidence = [
        Evidence(key=key, passage=Passage(paper=paper, start=0, end=60 + key), score=1.0)
        for key, paper in enumerate(papers, start=1)
    ]
    reader = Classifier(0.7, 0.2, 0.1)
    rated = verifier(reader).ranked("A claim about honeybees in fog.", evidence)
    assert len(rated) == 5
    assert rated[0][0].paper == HIVE
    assert len(reader.read) == 3
    assert [support.tier for _, support in rated] == ["cross-encoder"] * 3 + ["features"] * 2
    assert verifier(reader).ranked("x", []) == []


def test_the_shipped_calibration_has_all_tiers() -> None:
    stages = load_stages()
    assert list(stages) == ["features", "cross-encoder", "chat model", "adapted chat model"]
    assert set(stages["features"].weights) == set(FEATURES)
    for stage in stages.values():
        assert 0 <= stage.low <= stage.high <= 1
    assert stages["cross-encoder"].weights["own"] > 0
    assert stages["chat model"].weights["own"] > 0
    assert list(stages["adapted chat model"].weights) == ["own"]
    assert stages_from({}) == {}


@given(st.floats(0, 1))
def test_log_odds_and_back(probability: float) -> None:
    assert sigmoid(log_odds(probability)) == pytest.approx(probability, abs=2e-4)


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3), st.floats(0, 1))
def test_support_is_a_probability(claim: str, parts: list[str], own: float) -> None:
    found = verifier(Classifier(own, 0.0, 1 - own)).support(claim, parts)
    assert 0 <= found.score <= 1
    assert found.supported is (found.score >= 0.5)
    assert found.reasons


@pytest.mark.parametrize("claim", ["蜂" * 300, "。" * 500, "1.5," * 400, "a" * 5000, ""])
def test_claims_of_many_tokens_a_word_leave_room_for_the_evidence(claim: str) -> None:
    classifier = open_classifier(1)
    assert classifier is not None
    [row] = classifier.classify([(claim, "Bees fly home by hedges. " * 20)])
    assert sum(row) == pytest.approx(1, abs=1e-3)
