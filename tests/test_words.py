"""Words and terms, as the lexical index and the verifier see them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.text.words import STOP_WORDS, places, terms, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("State-of-the-art at 3.5!", ["state-of-the-art", "at", "3.5"]),
        ("Bees' hives, don't", ["bees", "hives", "don't"]),
        ("snake_case and/or", ["snake", "case", "and/or"]),
        ("ÉTÉ été", ["été", "été"]),
        ("--- …", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The networks are pruned", ["network", "prune"]),
        ("Pruning prunes pruned", ["prune", "prune", "prune"]),
        ("weight-sharing", ["weight-shar", "weight", "share"]),
        ("of the and", []),
        ("a x 7", ["7"]),
        ("ImageNet-1k", ["imagenet-1k", "imagenet", "1k"]),
    ],
)
def test_terms_are_stemmed_content_words(text: str, found: list[str]) -> None:
    assert terms(text) == found


@given(st.text(max_size=100))
def test_terms_do_not_depend_on_the_words_around(text: str) -> None:
    assert terms(f"{text} bees") == [*terms(text), "bee"]


@given(st.text(max_size=100))
def test_no_stop_word_is_a_term_of_its_own(text: str) -> None:
    plain = " ".join(word for word in text.split() if word.lower() in STOP_WORDS)
    assert terms(plain) == []


@given(st.text(alphabet="abc-. ABé'1", max_size=80), st.text(alphabet="abc-. 1", max_size=40))
def test_places_count_as_terms_does(text: str, more: str) -> None:
    every = [*terms(text), *terms(more)]
    expected: dict[str, list[int]] = {}
    for place, term in enumerate(every):
        expected.setdefault(term, []).append(place)
    assert places(frozenset(every), text, more) == expected
    assert places(frozenset(), text, more) == {}
