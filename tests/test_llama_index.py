"""Splitting and retrieval on llama-index, also inside its own query engine."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine

from assistant.adapters.chroma_store import ChromaStore
from assistant.adapters.llama_index_retrieval import HybridRetriever, LlamaIndexSplitter
from assistant.adapters.sqlite_catalog import SqliteCatalog
from assistant.adapters.tantivy_index import TantivyIndex
from assistant.app import Assistant
from assistant.indexing import Indexing
from assistant.protocols import PassageRecord, Vectors
from assistant.retrieval.search import HybridSearch
from assistant.text.cleaning import clean_text
from assistant.types import Paper, Required
from tests.fakes import WordEmbedder
from tests.samples import HIVE, SAMPLE, STORYLINE, TIDEPOOL, TWIGNET

ABSTRACTS = st.lists(
    st.sampled_from(
        [
            "Bees fly home.",
            "We tracked 240 bees (e.g. with radar) in fog.",
            "Accuracy rises from 54% to 71.5%.",
            "蜜蜂在雾中回家。",
            "averylongwordwithoutanyspacesinit" * 3,
            "one, two; three, four",
            "“Quoted text.”",
            "Ωmega… then?",
        ]
    )
    | st.text(max_size=30),
    max_size=30,
).map(lambda parts: clean_text(" ".join(["Bees.", *parts])))


@settings(max_examples=80)
@given(ABSTRACTS, st.sampled_from([12, 40, 230]))
def test_passages_are_exact_ordered_and_whole(text: str, tokens: int) -> None:
    place = 0
    for start, end in LlamaIndexSplitter(tokens).split(text):
        assert place <= start < end <= len(text)
        assert not text[place:start].strip()
        place = end
    assert not text[place:].strip()


def test_passages_end_at_sentence_ends() -> None:
    text = " ".join(f"Sentence number {number} tells of bees." for number in range(40))
    spans = LlamaIndexSplitter(60).split(text)
    assert len(spans) > 4
    assert all(text[start:end].startswith("Sentence number") for start, end in spans)
    assert all(text[start:end].endswith("bees.") for start, end in spans)


@pytest.fixture(scope="module")
def parts(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[SqliteCatalog, ChromaStore, TantivyIndex]:
    """Return the three stores over the sample papers, with vectors of words."""
    folder: Path = tmp_path_factory.mktemp("library")
    embedder = WordEmbedder()
    catalog = SqliteCatalog(folder / "papers.sqlite")
    store = ChromaStore(folder / "chroma", embedder.name, embedder.dimension)
    lexical = TantivyIndex(folder / "lexical")
    indexing = Indexing(
        catalog, lambda: store, lexical, lambda: embedder, lambda: LlamaIndexSplitter(60)
    )
    indexing.add(SAMPLE, lambda what, done, total: None)
    return catalog, store, lexical


Parts = tuple[SqliteCatalog, ChromaStore, TantivyIndex]


def retriever(parts: Parts, *, words_only: bool = False, limit: int = 10) -> HybridRetriever:
    catalog, store, lexical = parts
    embedder = WordEmbedder()

    def nearest(
        query: str, depth: int, required: Required | None
    ) -> tuple[Vectors | None, list[tuple[PassageRecord, float]]]:
        if words_only:
            return None, []
        vector = embedder.embed_query(query)
        return vector, store.search(vector, depth, required)

    return HybridRetriever(HybridSearch(catalog, lexical, nearest), limit)


def test_hits_carry_the_scores_of_each_stage(parts: Parts) -> None:
    hits = retriever(parts).search("Where do honeybees return in fog?", 3)
    assert len(hits) == 3
    assert hits[0].paper == HIVE
    assert hits[0].scores["bm25"] > 0
    assert 0 < hits[0].scores["dense"] <= 1
    assert 0.5 < hits[0].score <= 1
    assert hits[0].passage.text == HIVE.abstract[hits[0].start : hits[0].end]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_words_alone_find_papers_where_there_is_no_embedder(parts: Parts) -> None:
    hits = retriever(parts, words_only=True).search("harbours and tides", 5)
    assert [hit.paper for hit in hits] == [TIDEPOOL]
    assert hits[0].scores["dense"] == 0.0
    assert (hits[0].start, hits[0].end) == (0, len(TIDEPOOL.abstract))
    assert retriever(parts, words_only=True).search("unseenword", 5) == []


def test_long_abstract_gives_its_best_passage(tmp_path: Path) -> None:
    filler = " ".join(f"Harbour {number} has high water at noon." for number in range(30))
    paper = replace(TIDEPOOL, abstract=f"{filler} Penguins skate on ice. {filler}")
    embedder = WordEmbedder()
    catalog = SqliteCatalog(tmp_path / "papers.sqlite")
    store = ChromaStore(tmp_path / "chroma", embedder.name, embedder.dimension)
    lexical = TantivyIndex(tmp_path / "lexical")
    Indexing(catalog, lambda: store, lexical, lambda: embedder, lambda: LlamaIndexSplitter(60)).add(
        [paper], lambda what, done, total: None
    )
    assert store.count() > 5
    (hit,) = retriever((catalog, store, lexical)).search("penguins skate ice", 5)
    assert "Penguins skate on ice." in hit.passage.text
    assert len(hit.passage.text) < 400


def test_vectors_of_a_paper_that_is_gone_take_no_place(parts: Parts, tmp_path: Path) -> None:
    """A kill between the catalog's and Chroma's removal leaves such vectors behind."""
    _, store, _ = parts
    empty_of_bees = SqliteCatalog(tmp_path / "papers.sqlite")
    lexical = TantivyIndex(tmp_path / "lexical")
    embedder = WordEmbedder()
    Indexing(
        empty_of_bees, lambda: store, lexical, lambda: embedder, lambda: LlamaIndexSplitter(60)
    ).add([paper for paper in SAMPLE if paper != HIVE], lambda what, done, total: None)
    found = retriever((empty_of_bees, store, lexical)).search("honeybees return in fog", 2)
    assert len(found) == 2
    assert HIVE not in [hit.paper for hit in found]


def test_retriever_works_in_a_query_engine_of_llama_index(parts: Parts) -> None:
    engine = RetrieverQueryEngine.from_args(retriever(parts, limit=2), llm=MockLLM())
    response = engine.query("Where do honeybees return in fog?")
    nodes = response.source_nodes
    assert nodes[0].metadata["paper_id"] == HIVE.id
    assert len(nodes) == 2
    assert nodes[0].score > nodes[1].score
    assert nodes[0].node.text == HIVE.abstract
    metadata = nodes[0].metadata
    assert HIVE.abstract[metadata["start"] : metadata["end"]] == nodes[0].node.text
    # The mock repeats its prompt: the model was given the passage, its title and the question.
    assert HIVE.abstract in str(response)
    assert HIVE.title in str(response)
    assert HIVE.id not in str(response)
    assert "Where do honeybees return in fog?" in str(response)


def test_assistant_lends_its_retriever(library: Callable[..., Assistant]) -> None:
    nodes = library().retriever.retrieve("Which dataset asks about films?")
    assert nodes[0].metadata["title"] == STORYLINE.title
    assert TWIGNET.id in {node.metadata["paper_id"] for node in nodes}


def test_papers_without_a_year_are_nodes_too(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path / "papers.sqlite")
    lexical = TantivyIndex(tmp_path / "lexical")
    paper = Paper(id="1", title="", abstract="Bees without a year or title fly home.")
    Indexing(catalog, lambda: None, lexical, lambda: None, lambda: None).add(  # type: ignore[arg-type,return-value]
        [paper], lambda what, done, total: None
    )
    one = HybridRetriever(HybridSearch(catalog, lexical, lambda query, depth, required: (None, [])))
    (node,) = one.retrieve("bees")
    assert node.metadata["year"] is None
    assert node.text == paper.abstract
