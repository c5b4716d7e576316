"""Vectors in a real Chroma collection below tmp_path."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.adapters.chroma_graph import GRAPH, Graph
from assistant.adapters.chroma_store import ChromaStore
from assistant.errors import EmbedderMismatchError, LibraryError
from assistant.protocols import PassageRecord
from assistant.types import AllOf, AnyOf, HasTag, Required, YearBetween


def passage(paper_id: str, start: int = 0, content_hash: str = "h", **fields: Any) -> PassageRecord:
    return PassageRecord(
        paper_id=paper_id, start=start, end=start + 10, content_hash=content_hash, **fields
    )


def rows(*vectors: tuple[float, ...]) -> np.ndarray:
    return np.array(vectors, np.float32)


@pytest.fixture
def store(tmp_path: Path) -> ChromaStore:
    return ChromaStore(tmp_path / "chroma", "words", 3)


def test_search_ranks_by_cosine(store: ChromaStore) -> None:
    """Lengths don't count, and opposite is -1: neither holds for Chroma's default distance."""
    store.upsert(
        [passage("far"), passage("near"), passage("against"), passage("long")],
        rows((0, 1, 0), (0.8, 0.6, 0), (-1, 0, 0), (0.6, 0.8, 0)),
    )
    found = store.search(np.array([5, 0, 0], np.float32), 10)
    assert [record.paper_id for record, _ in found] == ["near", "long", "far", "against"]
    assert [score for _, score in found] == pytest.approx([0.8, 0.6, 0.0, -1.0], abs=1e-5)


def test_search_of_a_small_library_misses_nothing(tmp_path: Path) -> None:
    """Chroma's own search is approximate, and differs from one building of it to the next."""
    draw = np.random.default_rng(3)
    centres = draw.normal(size=(12, 64))
    vectors = centres[draw.integers(0, 12, 600)] + 0.5 * draw.normal(size=(600, 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    store = ChromaStore(tmp_path / "chroma", "words", 64)
    store.upsert([passage(str(number)) for number in range(600)], vectors)
    for query in draw.normal(size=(40, 64)).astype(np.float32):
        best = [str(place) for place in np.argsort(-(vectors @ query))[:100]]
        assert [record.paper_id for record, _ in store.search(query, 100)] == best


def test_records_come_back_whole(store: ChromaStore) -> None:
    records = [passage("a-b 1-2", 7, "x"), passage("b", 0, "y")]
    store.upsert(records, rows((1, 0, 0), (0, 1, 0)))
    assert [record for record, _ in store.search(rows((1, 0, 0))[0], 2)] == records


def test_empty_store_finds_nothing(store: ChromaStore) -> None:
    assert store.count() == 0
    assert store.search(rows((1, 0, 0))[0], 5) == []
    store.upsert([], rows().reshape(0, 3))
    store.remove([])
    store.remove_stale({})
    assert store.count() == 0


def test_same_passage_twice_is_stored_once_with_the_last_vector(store: ChromaStore) -> None:
    store.upsert([passage("a")], rows((0, 1, 0)))
    store.upsert([passage("a")], rows((1, 0, 0)))
    assert store.count() == 1
    ((_, score),) = store.search(rows((1, 0, 0))[0], 5)
    assert score == pytest.approx(1.0, abs=1e-5)


def test_stale_passages_go_and_current_ones_stay(store: ChromaStore) -> None:
    store.upsert(
        [passage("a", 0, "old"), passage("a", 0, "new"), passage("b", 0, "old")],
        rows((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    )
    store.remove_stale({"a": "new"})
    left = {(r.paper_id, r.content_hash) for r, _ in store.search(rows((1, 0, 0))[0], 9)}
    assert left == {("a", "new"), ("b", "old")}


def test_removing_papers_takes_all_their_passages(store: ChromaStore) -> None:
    store.upsert([passage("a"), passage("a", 20), passage("b")], rows(*[(1, 0, 0)] * 3))
    store.remove(["a", "none"])
    assert [record.paper_id for record, _ in store.search(rows((1, 0, 0))[0], 9)] == ["b"]


def test_more_than_one_batch(store: ChromaStore) -> None:
    """Chroma refuses more passages in one call than its own limit."""
    vectors = np.random.default_rng(0).normal(size=(6000, 3)).astype(np.float32)
    records = [passage(str(number)) for number in range(6000)]
    store.upsert(records, vectors)
    assert store.count() == 6000
    ((found, score),) = store.search(vectors[5999], 1)
    assert (found.paper_id, score) == ("5999", pytest.approx(1.0, abs=1e-4))
    store.remove_stale({record.paper_id: "h" for record in records[:1200]})
    assert store.count() == 6000
    store.remove([record.paper_id for record in records[:1200]])
    assert store.count() == 4800


def test_another_client_sees_what_was_stored(tmp_path: Path) -> None:
    ChromaStore(tmp_path, "words", 3).upsert([passage("a")], rows((1, 0, 0)))
    assert ChromaStore(tmp_path, "words", 3).count() == 1


@pytest.mark.parametrize(("name", "dimension"), [("others", 3), ("words", 4)])
def test_another_embedder_is_refused_with_the_command(
    tmp_path: Path, name: str, dimension: int
) -> None:
    ChromaStore(tmp_path, "words", 3).upsert([passage("a")], rows((1, 0, 0)))
    with pytest.raises(EmbedderMismatchError, match="'assistant doctor --rebuild'"):
        ChromaStore(tmp_path, name, dimension)
    assert ChromaStore(tmp_path, "words", 3).count() == 1


def test_renewed_store_is_empty_and_of_the_present_embedder(tmp_path: Path) -> None:
    ChromaStore(tmp_path / "chroma", "others", 4).upsert([passage("a")], rows((1, 0, 0, 0)))
    store = ChromaStore.renewed(tmp_path / "chroma", "words", 3)
    assert store.count() == 0
    store.upsert([passage("b")], rows((0, 1, 0)))
    again = ChromaStore(tmp_path / "chroma", "words", 3)
    ((found, score),) = again.search(rows((0, 2, 0))[0], 5)
    assert (found.paper_id, score) == ("b", pytest.approx(1.0, abs=1e-5))


def test_damaged_store_is_renewed_and_what_was_there_set_aside(tmp_path: Path) -> None:
    folder = tmp_path / "chroma"
    folder.mkdir()
    damaged = b"not a database, certainly not " * 100
    (folder / "chroma.sqlite3").write_bytes(damaged)
    store = ChromaStore.renewed(folder, "words", 3)
    store.upsert([passage("b")], rows((0, 1, 0)))
    assert store.count() == 1
    (aside,) = tmp_path.glob("chroma-damaged-*")
    assert (aside / "chroma.sqlite3").read_bytes() == damaged


def test_wrong_width_is_a_library_error(store: ChromaStore) -> None:
    store.upsert([passage("a")], rows((1, 0, 0)))
    with pytest.raises(LibraryError, match="Chroma failed"):
        store.upsert([passage("b")], rows((1, 0)))
    with pytest.raises(LibraryError, match="Chroma failed"):
        store.search(rows((1, 0))[0], 1)


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LibraryError, match="file"):
        ChromaStore(tmp_path / "file" / "chroma", "words", 3)


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        (HasTag("author:bee"), {"a", "b"}),
        (HasTag("author:be"), set()),
        (YearBetween(2001, None), {"b"}),
        (YearBetween(None, 2001), {"a", "b"}),
        (YearBetween(2000, 2000), {"a"}),
        (YearBetween(None, None), {"a", "b"}),
        (AllOf((HasTag("author:bee"), YearBetween(2001, 2001))), {"b"}),
        (AnyOf((HasTag("venue:x"), HasTag("venue:y"))), {"a", "c"}),
        (AnyOf((AllOf((HasTag("author:bee"), HasTag("venue:x"))), HasTag("venue:y"))), {"a", "c"}),
    ],
)
def test_filters_are_pushed_down(
    store: ChromaStore, required: Required, expected: set[str]
) -> None:
    store.upsert(
        [
            passage("a", tags=("author:bee", "venue:x"), year=2000),
            passage("b", tags=("author:bee",), year=2001),
            passage("c", tags=("venue:y",)),
            passage("d"),
        ],
        rows(*[(1, 0, 0)] * 4),
    )
    found = store.search(rows((1, 0, 0))[0], 9, required)
    assert {record.paper_id for record, _ in found} == expected


def test_tags_change_without_new_vectors(store: ChromaStore) -> None:
    records = [passage("a", tags=("author:bee",), year=2000), passage("b")]
    store.upsert(records, rows((1, 0, 0), (0, 1, 0)))
    store.retag({"a": (None, ["author:wasp"]), "b": (1999, []), "none": (2000, [])})

    def passing(required: Required) -> list[str]:
        return [record.paper_id for record, _ in store.search(rows((1, 0, 0))[0], 9, required)]

    assert passing(HasTag("author:wasp")) == ["a"]
    assert passing(HasTag("author:bee")) == []
    assert passing(YearBetween(None, None)) == ["b"]
    assert len(store.search(rows((1, 0, 0))[0], 9)) == 2


OTHER_PROCESS = """
import sys
from pathlib import Path
import numpy as np
from assistant.adapters.chroma_store import ChromaStore
from assistant.protocols import PassageRecord
store = ChromaStore(Path(sys.argv[1]), "words", 3)
store.upsert([PassageRecord(paper_id="b", start=0, end=1, content_hash="h")],
             np.array([[0, 1, 0]], np.float32))
"""


def test_what_another_process_wrote_is_seen_after_reopening(tmp_path: Path) -> None:
    store = ChromaStore(tmp_path, "words", 3)
    store.upsert([passage("a")], rows((1, 0, 0)))
    assert len(store.search(rows((0, 1, 0))[0], 9)) == 1
    subprocess.run([sys.executable, "-c", OTHER_PROCESS, str(tmp_path)], check=True)
    store.reopen()
    assert [record.paper_id for record, _ in store.search(rows((0, 1, 0))[0], 9)] == ["b", "a"]


def test_two_collections_live_side_by_side_until_one_is_dropped(tmp_path: Path) -> None:
    old = ChromaStore(tmp_path, "words", 3)
    old.upsert([passage("a")], rows((1, 0, 0)))
    new = ChromaStore(tmp_path, "others", 2, "passages-new")
    new.upsert([passage("b")], rows((1, 0)))
    assert (old.count(), new.count()) == (1, 1)
    old.drop()
    assert new.count() == 1
    assert ChromaStore(tmp_path, "others", 3).count() == 0


def test_the_graph_keeps_its_links_and_is_searched_as_wanted_now(tmp_path: Path) -> None:
    """Sparse links miss some of the nearest; a broader search of the same links finds more."""
    draw = np.random.default_rng(5)
    vectors = draw.normal(size=(3000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = draw.normal(size=(40, 32)).astype(np.float32)
    sparse = Graph(neighbours=4, weighed=10, searched=10)
    store = ChromaStore(tmp_path / "chroma", "words", 32, graph=sparse)
    store.upsert([passage(str(number)) for number in range(3000)], vectors)

    def found(store: ChromaStore) -> int:
        hits = 0
        for query in queries:
            best = {str(place) for place in np.argsort(-(vectors @ query))[:10]}
            hits += len(best & {record.paper_id for record, _ in store.search(query, 10)})
        return hits

    narrow = found(store)
    store.close()
    reopened = ChromaStore(tmp_path / "chroma", "words", 32, graph=Graph(searched=1000))
    assert found(reopened) > narrow
    reopened.close()


def test_a_new_collection_gets_the_products_graph(tmp_path: Path) -> None:
    store = ChromaStore(tmp_path / "chroma", "words", 3)
    store.close()
    import chromadb

    client = chromadb.PersistentClient(str(tmp_path / "chroma"))
    shape = client.get_collection("passages").configuration_json["hnsw"]
    client.close()
    assert shape["space"] == "cosine"
    assert shape["max_neighbors"] == GRAPH.neighbours
    assert shape["ef_construction"] == GRAPH.weighed
    assert shape["ef_search"] == GRAPH.searched
