"""Sentences: spans that lose nothing, and ends where a reader sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.text.sentences import split_sentences

PROSE = st.lists(
    st.sampled_from(
        ["We", "it", "e.g.", "3.5", "J.", "et al.", "Yes!", "no?", "end.", "…", "(A.)", " ", "\n"]
    ),
    max_size=25,
).map(" ".join)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@given(st.text(max_size=150) | PROSE)
def test_spans_are_ordered_disjoint_and_lose_nothing(text: str) -> None:
    spans = split_sentences(text)
    place = 0
    for start, end in spans:
        assert place <= start < end <= len(text)
        assert not text[place:start].strip()
        assert text[start:end] == text[start:end].strip()
        place = end
    assert not text[place:].strip()


@pytest.mark.parametrize(
    "parts",
    [
        ["We prune.", "It works."],
        ["We use trees, e.g. oaks, i.e. wood.", "They grow."],
        ["Birch et al. (2020) prune.", "We do not."],
        ["See Fig. 3 and Eq. 2 for it.", "The rest follows."],
        ["It gains 3.5 points over 2.1 before.", "Then 4.0 is reached."],
        ["J. R. Oak and A. Birch agree.", "Others differ."],
        ["It uses trees, bees, etc.", "The rest is sky."],
        ["Is it so?", "Yes!", "It is (mostly)."],
        ["He said “stop.”", "Then he left."],
        ["The U.S. Navy sails.", "It returns."],
        ["We use ResNet-50 vs. VGG on ImageNet.", "TwigNet wins."],
        ["The rate is 5 per sec. per bee.", "Bees hum."],
        ["One sentence without an end"],
        ["It ends so…", "Then goes on."],
        ["Code: https://a.org/bird.", "We thank all."],
        ["ε is small.", "Ωmega is large."],
        ["It is new.", "iPhones are too."],
        ["We bound the error for any k.", "We then test it."],
    ],
)
def test_sentences_end_where_a_reader_ends_them(parts: list[str]) -> None:
    assert sentences(" ".join(parts)) == parts


def test_lower_case_collections_are_split_too() -> None:
    text = "the tide was measured . harbours differ. recall is 3.5 times higher."
    assert sentences(text) == [
        "the tide was measured .",
        "harbours differ.",
        "recall is 3.5 times higher.",
    ]


def test_nothing_gives_nothing() -> None:
    assert split_sentences("") == []
    assert split_sentences(" \n ") == []
