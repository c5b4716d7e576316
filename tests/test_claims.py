"""A model's reply, cut into claims with the numbers it cites."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding.claims import DraftClaim, Item, Row, finished_claims, split_claims
from assistant.grounding.marks import cited_numbers
from assistant.grounding.shortening import shorter


def claims(reply: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(claim.text, claim.numbers) for claim in split_claims(reply)]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("It works [1].", [("It works.", (1,))]),
        ("It works. [2]", [("It works.", (2,))]),
        ("It works.[2]", [("It works.", (2,))]),
        ("It works [1][3].", [("It works.", (1, 3))]),
        ("It works [1, 3]. It fails [2-4].", [("It works.", (1, 3)), ("It fails.", (2, 3, 4))]),
        ("It works. [1] It fails. [2]", [("It works.", (1,)), ("It fails.", (2,))]),
        ("It works [1 and 2].", [("It works.", (1, 2))]),
        ("It works 【3】.", [("It works.", (3,))]),
        ("It works [^4].", [("It works.", (4,))]),
        ("It [1] works.", [("It works.", (1,))]),
        ("- It works [1].\n* It fails [2].", [("It works.", (1,)), ("It fails.", (2,))]),
        ("1. It works [1].\n2) It fails [2].", [("It works.", (1,)), ("It fails.", (2,))]),
        ("**Answer:** It `works` [1].", [("It works.", (1,))]),
        ("Answer: It works.", [("It works.", ())]),
        ("## It works", [("It works", ())]),
        (
            "It uses e.g. trees [1]. It gains 3.5 points.",
            [
                ("It uses e.g. trees.", (1,)),
                ("It gains 3.5 points.", ()),
            ],
        ),
        ("[1]", []),
        ("...", []),
        ("", []),
    ],
)
def test_literal_replies(reply: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    assert claims(reply) == expected


@pytest.mark.parametrize(
    "reply",
    [
        "It works [9 & 10].",
        "It works 【9†source】.",
        "It works [[9]].",
        "It works [9,].",
        "It works ［9］.",
    ],
)
def test_other_ways_to_cite_are_marks_as_well(reply: str) -> None:
    """No bracketed number of the model's own may stay in what is shown as a sentence."""
    (claim,) = split_claims(reply)
    assert not re.search(r"[\[【［][^\]】］]*\d[^\]】］]*[\]】］]|\[\]", claim.text)
    assert 9 in claim.numbers


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("It works. (2) It fails. (3)", [("It works.", ()), ("(2) It fails.", (3,))]),
        ("It works (2).\nIt fails (3).", [("It works.", (2,)), ("It fails.", (3,))]),
        ("It lies in [0, 1] [2].", [("It lies in [0, 1].", (2,))]),
    ],
)
def test_round_marks_and_intervals(reply: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    assert claims(reply) == expected


def test_numbers_in_brackets() -> None:
    assert cited_numbers("a [1, 3-5] b [3] c (7) d [x]") == [1, 3, 4, 5]
    assert cited_numbers("[2–3; 9]") == [2, 3, 9]
    # An absurd range is no reason to count for ever.
    assert len(cited_numbers("[1-999999999]")) == 21


def test_sentences_of_one_item_share_it() -> None:
    shapes = [claim.shape for claim in split_claims("It works.\n- A works. B works.\n- C works.")]
    assert shapes == [None, Item(1), Item(1), Item(2)]


TABLE = """\
So it is:

| Method | **Weights** removed | Source |
|:---|---:|---|
| TwigNet | 92% [1] | [2] |
| A \\| B | | [3, 4] |
| Hive | few | [Smith 2020] |
"""


def test_rows_are_claims() -> None:
    header = ("Method", "Weights removed", "Source")
    assert split_claims(TABLE) == [
        DraftClaim(text="So it is:", numbers=()),
        DraftClaim(
            text="TwigNet: Weights removed 92%",
            numbers=(1, 2),
            shape=Row(header, ("TwigNet", "92%", "")),
        ),
        # The second row says nothing of anything.
        DraftClaim(
            text="Hive: Weights removed few",
            numbers=(),
            strange=("[Smith 2020]",),
            shape=Row(header, ("Hive", "few", "")),
        ),
    ]


def test_rows_are_fitted_to_their_header() -> None:
    (claim,) = split_claims("| A | B |\n|---|---|\n| a | b | c [1] |")
    assert claim.shape == Row(("A", "B"), ("a", "b c"))
    assert claim.numbers == (1,)


def test_rows_without_a_header_are_items() -> None:
    claims = split_claims("| a | b [1] |\n| c | d |")
    assert [(claim.text, claim.shape) for claim in claims] == [
        ("a: b", Item(0)),
        ("c: d", Item(1)),
    ]


@pytest.mark.parametrize("end", range(1, len(TABLE)))
def test_no_claim_of_a_table_that_is_out_changes_any_more(end: int) -> None:
    out = finished_claims(TABLE[:end])
    assert split_claims(TABLE)[: len(out)] == out


def test_absurd_number_is_no_error() -> None:
    assert split_claims("It works [" + "1" * 5000 + "].")[0].text == "It works."


MARKS = st.sampled_from(["[1]", "[9]", "[2, 3]", "[1-3]", "【2】", "[x]", "[", "]", "[4"])
REPLIES = st.lists(
    MARKS
    | st.sampled_from(["It works.", "bees fly", "No!", "e.g. trees", "\n", "- ", "2. ", "**", " "])
    | st.text(max_size=6),
    max_size=12,
).map(" ".join)


@given(REPLIES)
def test_no_claim_keeps_a_mark_or_is_empty(reply: str) -> None:
    for claim in split_claims(reply):
        assert isinstance(claim, DraftClaim)
        assert re.search(r"\w", claim.text)
        assert claim.text == claim.text.strip()
        assert "\n" not in claim.text
        assert not re.search(r"\[\d+\]", claim.text)


def test_shorter_cuts_where_a_further_statement_begins() -> None:
    claim = "TwigNet removes most weights, and it runs twice as fast; users like it."
    assert shorter(claim) == [
        "TwigNet removes most weights, and it runs twice as fast.",
        "TwigNet removes most weights.",
    ]
    assert shorter("TwigNet removes most weights.") == []
    assert shorter("It, and he, go.") == []
