"""Cleaning: what exports leave behind goes, everything else stays."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.text.cleaning import clean_text, title_key

MESSY = st.text(
    alphabet=st.sampled_from(list("ab E.1 \\{}$%^_&;<>/#[]@'\"~\n\t\u200b\u00a0é\u0301")),
    max_size=60,
)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        # LaTeX residue
        (r"the language (\ie, the question)", "the language (i.e., the question)"),
        (r"tools (\eg a saw)", "tools (e.g. a saw)"),
        (r"Birch \etal found", "Birch et al. found"),
        (r"gains 100\% of it", "gains 100% of it"),
        (r"an $\alpha$-stable law", "an α-stable law"),
        (r"at $10^{-3}$ of the cost", "at 10^-3 of the cost"),
        (r"Erd\H{o}s and G\"odel", "Erdős and Gödel"),
        (r"\textbf{bold} claims", "bold claims"),
        # what only looks like LaTeX
        ("costs $5 and $7 a month", "costs $5 and $7 a month"),
        ("10% of them, 20% of us", "10% of them, 20% of us"),
        # markup and entities
        ("<p>One.</p><p>Two.</p>", "One. Two."),
        ("H<sub>2</sub>O", "H2O"),
        ("where p<b and c>d hold", "where p<b and c>d hold"),
        ("salt &amp; pepper &#8211; both", "salt & pepper – both"),
        ("<jats:p>Text.</jats:p>", "Text."),
        # the page's own mail protection
        ("mAP [email\u00a0protected] of 50", "mAP (hidden by the page) of 50"),
        # invisible characters and white space
        ("in\u00adfor\u200bma\u202etion", "information"),
        ("a\r\n b\t\tc\u00a0d", "a b c d"),
        ("bell\x07 and nul\x00here", "bell and nul here"),
        ("cafe\u0301", "café"),
        ("", ""),
        ("  \n ", ""),
    ],
)
def test_literal_cases(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@given(st.text(max_size=120) | MESSY)
def test_result_is_one_clean_line(raw: str) -> None:
    clean = clean_text(raw)
    assert clean == clean.strip()
    assert unicodedata.is_normalized("NFC", clean)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ufeff]|\s\s", clean)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=30))
def test_plain_words_only_change_form(raw: str) -> None:
    assert clean_text(raw) == unicodedata.normalize("NFC", raw)


def test_half_of_a_character_pair_is_dropped() -> None:
    """JSON may spell lone surrogates; no database and no hash can take them."""
    assert clean_text("good\ud800 text").encode() == b"good text"


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("To Prune, or Not to Prune?", "to prune or not to prune"),
        ("GÖDEL's Proof", "godel s proof"),
        ("Straße\u2014re\u0301sume\u0301", "strasse resume"),
        ("snake_case & ﬁne", "snake case fine"),
        ("…!", ""),
    ],
)
def test_title_key(title: str, key: str) -> None:
    assert title_key(title) == key


@given(st.text(max_size=40))
def test_title_key_ignores_the_normal_form(title: str) -> None:
    composed, split = (unicodedata.normalize(form, title) for form in ("NFC", "NFD"))
    assert title_key(composed) == title_key(split)
