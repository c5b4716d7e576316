"""Sentences that refer back, and what they refer to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding.anaphora import FARTHEST, antecedent, is_anaphoric, with_context
from assistant.text.sentences import split_sentences
from assistant.types import Evidence, Paper, Passage

REFERS = [
    "It removes 92% of the weights.",
    "Its decoder has two layers.",
    "They also prove a bound.",
    "This method halves the memory.",
    "This allows larger batches.",
    "These results hold in fog.",
    "Such models are costly.",
    "The former is faster.",
    "The proposed method beats seven baselines.",
    "The framework has three parts.",
    "The two networks share their weights.",
    "Both methods fail in fog.",
    "Each of them is pruned once.",
    "However, they fail in fog.",
    "In addition, this approach needs no labels.",
    "Together they form a graph.",
    "On ImageNet, it loses 0.4 points.",
    "On ImageNet it loses 0.4 points.",
    "With this module, accuracy rises.",
    "Based on these findings, we prune late.",
    "Using them, the network learns twice as fast.",
    "“This loss is smooth.”",
]
STANDS_ALONE = [
    "TwigNet removes 92% of the weights.",
    "We track 240 bees.",
    "Our method beats seven baselines.",
    "This paper presents TwigNet.",
    "In this paper, we present TwigNet.",
    "This short note presents TwigNet.",
    "In this work the authors prune early.",
    "It is known that bees follow hedges.",
    "However, it is hard to prune early.",
    "It has been shown that tickets exist.",
    "It turns out that bees are late.",
    "To this end, we propose TwigNet.",
    "To address this problem, we propose TwigNet.",
    "When BERT is pruned, it loses little.",
    "The method of Smith is older.",
    "The results hold in fog.",
    "Such as it was, TwigNet worked.",
    "So that bees come home, TwigNet steers them.",
    "In forests where bees nest it is dark.",
    "Italy has more bees.",
    "Thesis writers prune late.",
    "",
]


@pytest.mark.parametrize("sentence", REFERS)
def test_what_refers_back(sentence: str) -> None:
    assert is_anaphoric(sentence)


@pytest.mark.parametrize("sentence", STANDS_ALONE)
def test_what_stands_alone(sentence: str) -> None:
    assert not is_anaphoric(sentence)


@given(st.sampled_from(REFERS[:12] + STANDS_ALONE[:3]), st.sampled_from(["However,", "Moreover,"]))
def test_a_connective_changes_nothing(sentence: str, connective: str) -> None:
    assert is_anaphoric(f"{connective} {sentence}") is is_anaphoric(sentence)


@given(st.text(max_size=200))
def test_any_text_is_judged(text: str) -> None:
    assert is_anaphoric(text) in (True, False)
    assert is_anaphoric(f"TwigNet {text}") is False


@given(st.lists(st.sampled_from([REFERS[0], REFERS[4], STANDS_ALONE[0]]), min_size=1, max_size=8))
def test_antecedent_is_near_and_before(sentences: list[str]) -> None:
    for place, sentence in enumerate(sentences):
        before = antecedent(sentences, place)
        assert (before is None) is (place == 0 or not is_anaphoric(sentence))
        if before is not None:
            assert place - FARTHEST <= before < place
            names_it = before == 0 or not is_anaphoric(sentences[before])
            assert names_it or before == place - 1


def test_antecedent_by_hand() -> None:
    named, it, this = "TwigNet prunes.", "It is small.", "This helps."
    assert antecedent([named, it, this], 1) == 0
    assert antecedent([named, it, this], 2) == 0
    assert antecedent([named, "Bees fly.", it], 2) == 1
    assert antecedent([it, named], 0) is None
    assert antecedent([named, named], 1) is None
    # Four sentences that refer back: none that names it is near enough.
    assert antecedent([named, it, this, it, this], 4) == 3


# --- evidence -------------------------------------------------------------------------------

PAPER = Paper(
    id="1",
    title="T",
    abstract="TwigNet prunes early. It removes 92% of the weights. Bees fly. They hum.",
)
SPANS = split_sentences(PAPER.abstract)


def passage(place: int) -> Passage:
    return Passage(paper=PAPER, start=SPANS[place][0], end=SPANS[place][1])


def evidence(*places: int) -> list[Evidence]:
    return [Evidence(key=place, passage=passage(place), score=1.0) for place in places]


def test_each_sentence_gets_the_one_it_refers_to() -> None:
    found = with_context(evidence(3, 1, 0, 2))
    assert [(one.text, one.context and one.context.text) for one in found] == [
        ("They hum.", "Bees fly."),
        ("It removes 92% of the weights.", "TwigNet prunes early."),
        ("TwigNet prunes early.", None),
        ("Bees fly.", None),
    ]


def test_what_was_sifted_out_is_no_context() -> None:
    found = with_context(evidence(3, 1, 0))
    assert [one.context for one in found] == [None, passage(0), None]
    assert with_context([]) == []
