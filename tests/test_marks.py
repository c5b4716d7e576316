"""Citation marks, told from what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding.marks import cited_numbers, leading_marks, marks, without_marks


@pytest.mark.parametrize(
    ("text", "numbers", "rest"),
    [
        ("It works [1].", [1], "It works."),
        ("It works [1][2].", [1, 2], "It works."),
        ("It works [1, 2].", [1, 2], "It works."),
        ("It works [1-3].", [1, 2, 3], "It works."),
        ("It works [1 and 4].", [1, 4], "It works."),
        ("It works (1).", [1], "It works."),
        ("It works (1, 2)", [1, 2], "It works"),
        ("It works [Source 2].", [2], "It works."),
        ("It works (evidence 2), and runs.", [2], "It works, and runs."),
        ("It works 【9†source】.", [9], "It works."),
        ("It works [Smith 2020].", [], "It works."),
        ("It works [Smith et al., 2020; Lee and Wu, 2019a].", [], "It works."),
        ("It works (Smith et al., 2020).", [], "It works."),
        ("It works [0].", [0], "It works."),
        ("The [CLS] token works [3].", [3], "The [CLS] token works."),
        ("It lies in [0, 1] always [2].", [2], "It lies in [0, 1] always."),
    ],
)
def test_marks_are_taken_out(text: str, numbers: list[int], rest: str) -> None:
    assert cited_numbers(text) == numbers
    assert without_marks(text) == rest


@pytest.mark.parametrize(
    "text",
    [
        "The [CLS] token and [MASK] stay.",
        "Scores lie in [0, 1].",
        "Scores lie in [0-1].",
        "Scores lie in the interval [1, 2].",
        "Take x ∈ [2, 3].",
        "Values of [0.5, 1] and [3.5] stay.",
        "We minimise Eq. (1).",
        "See Table (2).",
        "It (1) prunes and (2) trains.",
        "It won the prize (2019).",
        "It removes weights (92).",
        "It beats ResNet (June, 2020).",
        "An array a[i] stays.",
    ],
)
def test_what_is_no_mark_stays(text: str) -> None:
    assert list(marks(text)) == []
    assert without_marks(text) == text


def test_marks_that_name_no_evidence_are_told() -> None:
    (mark,) = marks("It works [Smith 2020].")
    assert (mark.text, mark.numbers) == ("[Smith 2020]", ())


def test_leading_marks_end_where_the_sentence_begins() -> None:
    assert leading_marks("[1][2] It works [3].") == len("[1][2]")
    assert leading_marks("It works [1].") == 0
    assert leading_marks("(1) It works.") == 0


@given(st.text(st.sampled_from("[]()1230, -;aSmith"), max_size=40))
def test_taking_marks_out_leaves_no_single_number_in_brackets(text: str) -> None:
    spans = [(mark.start, mark.end) for mark in marks(text)]
    assert spans == sorted(spans)
    assert all(start < end for start, end in spans)
    assert len(without_marks(text)) <= len(text)
