"""Rank and score fusion, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.retrieval.fusion import convex_combination, reciprocal_rank_fusion

COSINES = st.dictionaries(st.sampled_from("abcdef"), st.floats(-1, 1), max_size=6)
SCORES = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 50), max_size=6)


def test_reciprocal_ranks_by_hand() -> None:
    # Each rank r gives (1 / (60 + r)) / (2 / 61).
    assert reciprocal_rank_fusion([["a", "b"], ["b", "c"]]) == pytest.approx(
        {"a": 0.5, "b": 0.5 + 61 / 124, "c": 61 / 124}
    )


def test_first_everywhere_is_one() -> None:
    assert reciprocal_rank_fusion([["a"], ["a", "b"], ["a"]])["a"] == pytest.approx(1.0)
    assert reciprocal_rank_fusion([]) == {}
    assert reciprocal_rank_fusion([[], []]) == {}


def test_combination_by_hand() -> None:
    lexical = {"a": 5.0, "b": 3.0, "d": 1.0}
    dense = {"b": 0.6, "c": 0.2, "d": -0.2}
    # Scaled: lexical a 1, b 0.5, d 0; dense b 1, c 0.5, d 0.
    assert convex_combination(lexical, dense) == pytest.approx(
        {"a": 0.5, "b": 0.75, "c": 0.25, "d": 0.0}
    )
    assert convex_combination(lexical, dense, weight=0.8) == pytest.approx(
        {"a": 0.2, "b": 0.9, "c": 0.4, "d": 0.0}
    )


def test_one_list_alone_keeps_its_order() -> None:
    lexical = convex_combination({"a": 3.0, "b": 2.5, "c": 2.0}, {})
    assert lexical == pytest.approx({"a": 0.5, "b": 0.25, "c": 0.0})
    dense = convex_combination({}, {"a": 1.0, "b": 0.0, "c": -1.0})
    assert dense == pytest.approx({"a": 0.5, "b": 0.25, "c": 0.0})
    assert convex_combination({}, {}) == {}


def test_a_list_of_equals_counts_fully() -> None:
    assert convex_combination({"a": 2.0, "b": 2.0}, {"b": 0.7}) == pytest.approx(
        {"a": 0.5, "b": 1.0}
    )


def test_weak_cosines_do_not_outvote_a_word_that_matches() -> None:
    """Scaled to 0.4 at the least: (0.2 - 0.1) / (0.4 - 0.1)."""
    fused = convex_combination({"named": 3.0, "other": 1.0}, {"other": 0.2, "named": 0.1})
    assert fused == pytest.approx({"named": 0.5, "other": 0.5 / 3})


@given(SCORES, COSINES, st.floats(0, 1))
def test_combination_is_bounded_and_loses_none(
    lexical: dict[str, float], dense: dict[str, float], weight: float
) -> None:
    fused = convex_combination(lexical, dense, weight)
    assert set(fused) == set(lexical) | set(dense)
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in fused.values())
