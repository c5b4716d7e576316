"""BM25 against the formula itself; filters; an index on disk that grows and survives damage."""

import math
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.adapters.tantivy_index import TantivyIndex
from assistant.errors import LibraryError
from assistant.text.words import terms
from assistant.types import AllOf, AnyOf, HasTag, Paper, Required, YearBetween
from tests.samples import FOLDWELL, HIVE, SAMPLE, TIDEPOOL, TWIGNET

K1, B = 1.2, 0.75


def built(folder: Path, papers: Sequence[Paper]) -> TantivyIndex:
    index = TantivyIndex(folder)
    index.update([(paper, ()) for paper in papers])
    return index


def found(index: TantivyIndex, query: str, required: Required | None = None) -> list[str]:
    return [paper_id for paper_id, _ in index.search(query, 10, required)]


def reference(papers: Sequence[Paper], query: str) -> dict[str, float]:
    """BM25 as Robertson & Zaragoza 2009 (3.15) with Lucene's idf."""
    documents = {paper.id: terms(f"{paper.title} {paper.abstract}") for paper in papers}
    average = sum(map(len, documents.values())) / len(documents)
    scores = {}
    for paper_id, document in documents.items():
        counts = Counter(document)
        total = 0.0
        for term in terms(query):
            holders = sum(term in other for other in documents.values())
            idf = math.log(1 + (len(documents) - holders + 0.5) / (holders + 0.5))
            norm = K1 * (1 - B + B * len(document) / average)
            total += idf * (K1 + 1) * counts[term] / (counts[term] + norm)
        if total > 0:
            scores[paper_id] = total
    return scores


QUERIES = st.lists(
    st.sampled_from(
        "bees radar TwigNet pruning the questions harbours 92 unseenword small".split()
    ),
    min_size=1,
    max_size=4,
    unique=True,
).map(" ".join)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> TantivyIndex:
    return built(tmp_path_factory.mktemp("words"), SAMPLE)


@given(QUERIES)
def test_scores_follow_the_formula(index: TantivyIndex, query: str) -> None:
    hits = index.search(query, 10)
    # Tantivy keeps the length of a long document in one byte.
    assert dict(hits) == pytest.approx(reference(SAMPLE, query), rel=0.03)
    assert [score for _, score in hits] == sorted((score for _, score in hits), reverse=True)


def test_hand_computed_score(tmp_path: Path) -> None:
    papers = [
        Paper(id="1", title="", abstract="bee bee hive"),
        Paper(id="2", title="", abstract="tide"),
    ]
    # N = 2, df = 1: idf = ln(1 + 1.5/1.5) = ln 2. tf = 2, dl = 3, avgdl = 2:
    # norm = 1.2 * (0.25 + 0.75 * 1.5) = 1.65; score = ln 2 * 2.2 * 2 / 3.65.
    assert built(tmp_path, papers).search("bees", 5) == [
        ("1", pytest.approx(math.log(2) * 4.4 / 3.65, rel=1e-5))
    ]


def test_limit_and_zero_scores(index: TantivyIndex) -> None:
    assert len(index.search("bees questions protein tide network", 2)) == 2
    assert index.search("unseenword", 5) == []
    assert index.search("the of and", 5) == []
    assert index.search("", 5) == []


def test_rarity_is_the_idf(index: TantivyIndex) -> None:
    # "bee" is in 1 of 5, "model" in 2 of 5 (Storyline, Foldwell), "unseen" in none.
    assert index.rarity("bee") == pytest.approx(math.log(1 + 4.5 / 1.5))
    assert index.rarity("model") == pytest.approx(math.log(1 + 3.5 / 2.5))
    assert index.rarity("unseen") == pytest.approx(math.log(1 + 5.5 / 0.5))
    assert index.knows("bee")
    assert not index.knows("unseen")


def test_empty_index(tmp_path: Path) -> None:
    index = TantivyIndex(tmp_path / "none")
    assert index.search("bees", 5) == []
    assert not index.knows("bee")
    assert index.rarity("bee") == pytest.approx(math.log(2))
    assert index.count() == 0


def test_query_language_of_the_engine_means_nothing(index: TantivyIndex) -> None:
    assert found(index, 'bees AND -radar words:"x" id:* (') == [HIVE.id]
    assert found(index, "bees " * 3000) == [HIVE.id]


# --- growing --------------------------------------------------------------------------------


def test_growing_paper_by_paper_is_as_one_build(tmp_path: Path) -> None:
    grown = TantivyIndex(tmp_path / "grown")
    for paper in SAMPLE:
        grown.update([(paper, ())])
    whole = built(tmp_path / "whole", SAMPLE)
    for query in ("bees in fog", "small models", "questions of networks"):
        assert dict(grown.search(query, 9)) == pytest.approx(dict(whole.search(query, 9)))


def test_paper_taken_in_again_replaces_itself(tmp_path: Path) -> None:
    index = built(tmp_path, SAMPLE)
    for _ in range(3):
        index.update([(replace(HIVE, abstract="Wasps rule."), ())])
    assert index.count() == len(SAMPLE)
    assert found(index, "wasps") == [HIVE.id]
    assert found(index, "radar") == []
    index.update([], [HIVE.id, "unknown"])
    assert found(index, "wasps") == []
    assert index.count() == len(SAMPLE) - 1


def test_another_reader_sees_what_was_written(tmp_path: Path) -> None:
    reader = TantivyIndex(tmp_path)
    built(tmp_path, SAMPLE)
    assert found(reader, "bees") == [HIVE.id]
    assert reader.count() == len(SAMPLE)


# --- filters --------------------------------------------------------------------------------

TAGS = {HIVE.id: ["author:bee", "venue:x y"], TIDEPOOL.id: ["author:tide"], TWIGNET.id: []}


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        (HasTag("author:bee"), {HIVE.id}),
        (HasTag("venue:x y"), {HIVE.id}),
        (HasTag("venue:x"), set()),
        (YearBetween(2001, 2001), {TIDEPOOL.id}),
        (YearBetween(None, 2001), {HIVE.id, TIDEPOOL.id}),
        (YearBetween(2001, None), {TIDEPOOL.id}),
        (AnyOf((HasTag("author:bee"), HasTag("author:tide"))), {HIVE.id, TIDEPOOL.id}),
        (AllOf((HasTag("author:bee"), YearBetween(2001, None))), set()),
        (AllOf((HasTag("author:bee"), AnyOf((YearBetween(2000, 2000),)))), {HIVE.id}),
    ],
)
def test_filters_hold_and_leave_scores_alone(
    tmp_path: Path, required: Required, expected: set[str]
) -> None:
    papers = [replace(HIVE, year=2000), replace(TIDEPOOL, year=2001), replace(TWIGNET, year=None)]
    index = TantivyIndex(tmp_path)
    index.update([(paper, TAGS[paper.id]) for paper in papers])
    query = "bees harbours network"
    everything = dict(index.search(query, 10))
    assert set(everything) == set(TAGS)
    assert dict(index.search(query, 10, required)) == pytest.approx(
        {paper_id: everything[paper_id] for paper_id in expected}
    )


# --- damage ---------------------------------------------------------------------------------


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _garble(path: Path) -> None:
    path.write_bytes(b"\x93garbage" * 20)


@pytest.mark.parametrize("damage", [_empty, _garble])
def test_damaged_index_is_set_aside(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    built(tmp_path / "words", SAMPLE)
    damage(tmp_path / "words" / "meta.json")
    index = TantivyIndex(tmp_path / "words")
    assert index.count() == 0
    index.update([(FOLDWELL, ())])
    assert found(TantivyIndex(tmp_path / "words"), "protein") == [FOLDWELL.id]
    assert len(list(tmp_path.glob("words-damaged-*"))) == 1


def test_vanished_folder_is_made_again(tmp_path: Path) -> None:
    built(tmp_path / "words", SAMPLE)
    shutil.rmtree(tmp_path / "words")
    assert TantivyIndex(tmp_path / "words").count() == 0


def test_writer_killed_before_its_commit_does_not_stop_the_next(tmp_path: Path) -> None:
    """What a killed writer leaves: its files, but not the note that they count."""
    built(tmp_path / "words", SAMPLE)
    before = {path.name: path.read_bytes() for path in (tmp_path / "words").iterdir()}
    built(tmp_path / "words", [replace(HIVE, abstract="Wasps rule.")])
    left = {path.name for path in (tmp_path / "words").iterdir()} - set(before)
    assert any(name.endswith(".del") for name in left)
    for name, content in before.items():
        if name != ".managed.json":
            (tmp_path / "words" / name).write_bytes(content)
    again = TantivyIndex(tmp_path / "words")
    assert found(again, "wasps") == []
    again.update([(replace(HIVE, abstract="Hornets rule."), ())])
    assert found(again, "hornets") == [HIVE.id]
    assert found(again, "radar") == []
    assert again.count() == len(SAMPLE)


def test_two_writers_in_turn_lose_nothing_and_leave_no_files(tmp_path: Path) -> None:
    """As a page that serves and a command that adds: each has its index open all the while."""
    folder = tmp_path / "words"
    one, other = TantivyIndex(folder), TantivyIndex(folder)

    def names() -> set[str]:
        return {path.name.split(".")[0] for path in folder.iterdir() if path.suffix == ".store"}

    for turn in range(20):
        (one if turn % 2 else other).update([(replace(HIVE, abstract=f"Turn {turn} of bees."), ())])
    (one if turn else other).update([(TWIGNET, ())])
    for index in (one, other):
        assert set(found(index, "bees")) == {HIVE.id}
        assert index.count() == 2
    assert len(names()) <= 4


def test_renewed_index_is_empty_and_takes_papers(tmp_path: Path) -> None:
    index = built(tmp_path / "words", SAMPLE)
    index.renew()
    assert index.count() == 0
    index.update([(HIVE, ())])
    assert found(TantivyIndex(tmp_path / "words"), "bees") == [HIVE.id]


def test_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("in the way")
    with pytest.raises(LibraryError, match="words"):
        TantivyIndex(tmp_path / "words")
