"""The sentences of a long evidence that bear on a claim."""

from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding.focus import focus

FILLER = "The weather of that year was mild and the harvest was good in every valley."


def test_short_evidence_stays_whole() -> None:
    assert focus("x", ["Bees fly. They sting.", "Rivers run."]) == (
        "Bees fly. They sting. Rivers run."
    )
    assert focus("x", []) == ""


def test_what_shares_words_is_kept_in_order() -> None:
    parts = [FILLER] * 10 + ["Bees follow hedges."] + [FILLER] * 10 + ["Bees fear fog."]
    found = focus("Bees in fog follow hedges", parts, words=40)
    assert found.index("hedges") < found.index("fog")
    assert len(found.split()) <= 40


def test_each_word_of_the_claim_is_looked_for() -> None:
    # Three sentences say "bees"; only one says "altitude": it must not be crowded out.
    parts = ["Bees and more bees fly on and on all day long here."] * 3 + [FILLER] * 5
    parts.append("Altitude hardly matters to any of them in summer.")
    assert "Altitude" in focus("Bees and altitude", parts, words=25)


def test_one_endless_sentence_is_cut() -> None:
    assert len(focus("bees", ["bees and " * 500], words=50).split()) == 50


@given(st.text(max_size=40), st.lists(st.text(max_size=120), max_size=6), st.integers(5, 40))
def test_never_longer_than_asked(claim: str, parts: list[str], words: int) -> None:
    assert len(focus(claim, parts, words=words).split()) <= max(words, 1)
