"""Words that mean nearly the same, and what a paper scores by them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.adapters.sqlite_catalog import SqliteCatalog
from assistant.retrieval.kindred import WIDTH, Kindred, narrowing, no_kin
from assistant.retrieval.wording import looked_for, matches
from assistant.text.words import spelled, terms, vocabulary
from assistant.types import Paper


def paper(title: str, abstract: str) -> Paper:
    return Paper(id=title, title=title, abstract=abstract, source="test")


@pytest.fixture
def catalog(tmp_path: Path) -> SqliteCatalog:
    return SqliteCatalog(tmp_path / "papers.sqlite")


def put(catalog: SqliteCatalog, **rows: list[float]) -> None:
    catalog.put_word_vectors({term: np.array(row, np.float32) for term, row in rows.items()})


def kin_of(kindred: Kindred, term: str, *among: str) -> dict[str, float]:
    return dict(kindred([term], among)[term])


def test_kin_are_near_and_weigh_less_than_the_term(catalog: SqliteCatalog) -> None:
    put(catalog, bee=[9, 1], hornet=[9, 2], sea=[-9, 1], tide=[-9, -1], moon=[0, 0])
    kindred = Kindred(catalog)
    found = kin_of(kindred, "bee", "bee", "hornet", "sea", "unseen")
    assert set(found) == {"bee", "hornet"}
    assert 0 < found["hornet"] < found["bee"] == 1.0
    assert set(kin_of(kindred, "bee", "sea")) == {"bee"}
    assert kin_of(kindred, "unseen", "bee") == {"unseen": 1.0}
    assert kindred([], ["bee"]) == {}


def test_a_library_without_vectors_of_words_has_no_kin(catalog: SqliteCatalog) -> None:
    assert Kindred(catalog)(["bee"], ["fog"]) == no_kin(["bee"], ["fog"]) == {"bee": {"bee": 1.0}}


def test_words_are_read_anew_where_many_are_new_or_the_embedder_is(
    catalog: SqliteCatalog,
) -> None:
    kindred = Kindred(catalog)
    put(catalog, bee=[9, 1], sea=[-9, 1])
    assert set(kin_of(kindred, "bee", "hornet", "sea")) == {"bee"}
    put(catalog, hornet=[9, 2])
    assert set(kin_of(kindred, "bee", "hornet", "sea")) == {"bee", "hornet"}
    catalog.end_reembed("other", 3, "passages-other", "embedded")
    put(catalog, bee=[9, 1, 0], sea=[-9, 1, 0], tide=[-9, 1, 1])
    assert set(kin_of(kindred, "bee", "hornet", "sea")) == {"bee"}


@given(st.integers(1, 40), st.integers(2, 60))
def test_narrowed_vectors_keep_their_cosines(count: int, width: int) -> None:
    rows = np.random.default_rng(count).normal(size=(count, width)).astype(np.float16)
    found = narrowing(rows)(rows).astype(np.float32)
    whole = rows.astype(np.float32) - rows.astype(np.float32).mean(axis=0)
    whole /= np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-6)
    assert np.allclose(found @ found.T, whole @ whole.T, atol=0.01)


def test_wide_vectors_are_narrowed() -> None:
    rows = np.random.default_rng(0).normal(size=(9, WIDTH + 8)).astype(np.float16)
    assert narrowing(rows)(rows).shape == (9, WIDTH)


# --- what a paper scores -------------------------------------------------------------------

RARITY = {"bee": 3.0, "fog": 1.0}
KIN = {"bee": {"bee": 1.0, "hornet": 0.5}, "fog": {"fog": 1.0}}


def test_a_kindred_word_counts_by_its_weight() -> None:
    papers = [paper("Fog", "Bees fly."), paper("Fog", "Hornets fly."), paper("Sea", "Tides rise.")]
    found = matches(
        looked_for("bees in fog", papers, RARITY.__getitem__, lambda terms, among: KIN), papers
    )
    assert found.covered.tolist() == [1.0, 0.25, 0.0]
    assert found.kindred.tolist() == [1.0, 0.625, 0.0]


@given(st.lists(st.text(alphabet="ab ", max_size=30), max_size=4), st.text("ab ", max_size=20))
def test_without_kin_the_shares_are_the_same(texts: list[str], query: str) -> None:
    papers = [paper(text, text) for text in texts]
    found = matches(looked_for(query, papers, lambda term: 1.0), papers)
    assert found.kindred.tolist() == pytest.approx(found.covered.tolist())


@given(st.text(max_size=80), st.text(max_size=80))
def test_each_term_is_spelled_as_it_first_stood(text: str, more: str) -> None:
    found = spelled(text, more)
    assert list(found) == list(dict.fromkeys([*terms(text), *terms(more)]))


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_vocabulary_is_the_set_of_terms(text: str, more: str) -> None:
    assert vocabulary(text, more) == {*terms(text), *terms(more)}
