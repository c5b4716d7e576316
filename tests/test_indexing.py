"""File → library: what is added, merged or replaced, and that a kill loses nothing."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from assistant.adapters.chroma_store import ChromaStore
from assistant.adapters.llama_index_retrieval import LlamaIndexSplitter
from assistant.adapters.sqlite_catalog import SqliteCatalog
from assistant.adapters.tantivy_index import TantivyIndex
from assistant.identity import assign_id
from assistant.indexing import Indexing
from assistant.protocols import Embedder
from assistant.types import BUNDLED_SOURCE, AddReport, HasTag, Paper, Problem
from tests.fakes import DyingEmbedder, WordEmbedder
from tests.samples import FOLDWELL, HIVE, SAMPLE, STORYLINE, TIDEPOOL, TWIGNET


@dataclass
class Shelf:
    """The stores of one library, and the embedder in use."""

    folder: Path
    embedder: Embedder | None

    def __post_init__(self) -> None:
        """Open the stores."""
        self.catalog = SqliteCatalog(self.folder / "papers.sqlite")
        self.store = ChromaStore(self.folder / "chroma", "words", WordEmbedder.dimension)
        self.lexical = TantivyIndex(self.folder / "words")
        self.said: list[tuple[str, int, int]] = []

    @property
    def indexing(self) -> Indexing:
        """The pipeline over these stores."""
        return Indexing(
            self.catalog,
            lambda: self.store,
            self.lexical,
            lambda: self.embedder,
            lambda: LlamaIndexSplitter(60),
        )

    def progress(self, what: str, done: int, total: int) -> None:
        """Note what is said."""
        self.said.append((what, done, total))

    def add(self, *records: Paper | Problem) -> AddReport:
        """Add records."""
        return self.indexing.add(records, self.progress)

    def passages(self) -> list[tuple[str, str]]:
        """Return (paper id, content hash) of every passage in Chroma, sorted."""
        return sorted(self.store.passages())

    def left(self) -> int:
        """Return what all indexes must still take in."""
        stages = ("words", "tags", "vectors", "sentences", "reembed")
        return sum(self.catalog.todo_count(stage) for stage in stages)

    def is_whole(self) -> bool:
        """Whether each paper has one vector of its present text, and its words."""
        papers = list(self.catalog.papers())
        return (
            self.passages() == sorted((paper.id, paper.content_hash) for paper in papers)
            and self.left() == 0
            and self.lexical.count() == len(papers)
            and set(self.catalog.sentence_vectors(papers)) == {paper.id for paper in papers}
        )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path, WordEmbedder())


def counts(report: AddReport) -> tuple[int, int, int, int, int]:
    """Return added, replaced, unchanged, merged, skipped."""
    return (report.added, report.replaced, report.unchanged, report.merged, report.skipped)


def many(number: int) -> list[Paper]:
    """Return papers with a title and a text of their own each."""
    return [
        assign_id(
            Paper(
                id="",
                title=f"Paper w{place}x",
                abstract=f"Finding w{place}x about bees. It was made at z{place}y.",
                source="many.txt",
            )
        )
        for place in range(number)
    ]


# --- what becomes of a record ---------------------------------------------------------------


def test_new_papers_are_added_then_unchanged(shelf: Shelf) -> None:
    assert counts(shelf.add(*SAMPLE)) == (5, 0, 0, 0, 0)
    assert shelf.is_whole()
    generation = shelf.catalog.generation()
    assert counts(shelf.add(*SAMPLE)) == (0, 0, 5, 0, 0)
    assert shelf.catalog.generation() == generation
    assert shelf.is_whole()


def test_edited_abstract_of_the_same_file_replaces_the_old(shelf: Shelf) -> None:
    shelf.add(*SAMPLE)
    edited = replace(HIVE, abstract="Bees are quite another matter now. They swim in tea.")
    assert counts(shelf.add(edited)) == (0, 1, 0, 0, 0)
    assert shelf.catalog.get(HIVE.id) == edited
    assert shelf.is_whole()
    assert [paper_id for paper_id, _ in shelf.lexical.search("radar hedges", 5)] == []
    assert [paper_id for paper_id, _ in shelf.lexical.search("swim tea", 5)] == [HIVE.id]


def test_edited_abstract_without_any_identifier_replaces_the_old(shelf: Shelf) -> None:
    shelf.add(FOLDWELL)
    edited = replace(FOLDWELL, abstract="Nothing of the former text remains but its heading.")
    assert counts(shelf.add(edited)) == (0, 1, 0, 0, 0)
    assert list(shelf.catalog.papers()) == [edited]
    assert shelf.is_whole()


def test_record_of_another_file_fills_gaps_only(shelf: Shelf) -> None:
    shelf.add(FOLDWELL)
    other = replace(
        FOLDWELL, id="x", abstract=f"{FOLDWELL.abstract} More.", venue="Chains", source="b.jsonl"
    )
    assert counts(shelf.add(other)) == (0, 0, 0, 1, 0)
    assert list(shelf.catalog.papers()) == [replace(FOLDWELL, venue="Chains")]
    assert shelf.catalog.sources([FOLDWELL.id]) == {FOLDWELL.id: ["b.jsonl", "made-up.txt"]}
    assert counts(shelf.add(other, FOLDWELL)) == (0, 0, 1, 1, 0)
    assert shelf.is_whole()


def test_same_record_twice_in_one_file_is_merged(shelf: Shelf) -> None:
    assert counts(shelf.add(HIVE, TWIGNET, HIVE)) == (2, 0, 0, 1, 0)
    assert counts(shelf.add(HIVE, TWIGNET, HIVE)) == (0, 0, 2, 1, 0)
    assert shelf.is_whole()


def test_two_papers_of_one_title_are_two_papers(shelf: Shelf) -> None:
    one = assign_id(Paper(id="", title="Editorial", abstract=HIVE.abstract, source="a.txt"))
    two = assign_id(Paper(id="", title="Editorial", abstract=TIDEPOOL.abstract, source="a.txt"))
    assert counts(shelf.add(one, two)) == (2, 0, 0, 0, 0)
    assert [paper.abstract for paper in shelf.catalog.papers()] == [one.abstract, two.abstract]
    assert counts(shelf.add(two, one)) == (0, 0, 2, 0, 0)
    three = replace(one, abstract=FOLDWELL.abstract)
    assert counts(shelf.add(one, two, three)) == (1, 0, 2, 0, 0)
    assert len({paper.id for paper in shelf.catalog.papers()}) == 3
    assert shelf.is_whole()


def test_same_id_in_two_files_is_two_papers(shelf: Shelf) -> None:
    one = Paper(id="1", record_id="1", title="Bees", abstract=HIVE.abstract, source="a")
    two = Paper(id="1", record_id="1", title="Tides", abstract=TIDEPOOL.abstract, source="b")
    assert counts(shelf.add(one)) == (1, 0, 0, 0, 0)
    assert counts(shelf.add(two)) == (1, 0, 0, 0, 0)
    assert [(paper.id, paper.title) for paper in shelf.catalog.papers()] == [
        ("1", "Bees"),
        ("1~2", "Tides"),
    ]
    assert counts(shelf.add(one, two)) == (0, 0, 2, 0, 0)
    assert shelf.is_whole()


def test_papers_apart_by_identifier_stay_apart_in_spite_of_one_text(shelf: Shelf) -> None:
    first = replace(TWIGNET, doi="10.1/a", id="doi:10.1/a")
    second = replace(TWIGNET, doi="10.1/b", id="doi:10.1/b")
    assert counts(shelf.add(first, second)) == (2, 0, 0, 0, 0)


def test_preprint_and_publication_meet_by_their_common_identifier(shelf: Shelf) -> None:
    preprint = replace(STORYLINE, source="a")
    published = replace(STORYLINE, id="doi:10.1/s", doi="10.1/s", title="New Title", source="b")
    assert counts(shelf.add(preprint, published)) == (1, 0, 0, 1, 0)
    (paper,) = shelf.catalog.papers()
    assert (paper.doi, paper.title) == ("10.1/s", STORYLINE.title)


def test_problems_are_counted_and_named(shelf: Shelf) -> None:
    bad = Problem(source="a.txt", line=3, reason="no abstract")
    mended = Problem(source="a.txt", line=4, reason="not UTF-8", skipped=False)
    report = shelf.add(bad, HIVE, mended)
    assert counts(report) == (1, 0, 0, 0, 1)
    assert report.problems == (bad, mended)


# --- the bundled summaries ------------------------------------------------------------------

SUMMARY = Paper(
    id="hash:summary",
    title=FOLDWELL.title,
    abstract=(
        "A compact predictor of chain shapes, Foldwell comes from distillation; laptops run it "
        "within seconds, though long sequences suffer."
    ),
    source=BUNDLED_SOURCE,
)


def test_real_abstract_supersedes_the_bundled_summary(shelf: Shelf) -> None:
    shelf.add(SUMMARY)
    assert counts(shelf.add(FOLDWELL)) == (1, 0, 0, 0, 0)
    (paper,) = shelf.catalog.papers()
    assert (paper.id, paper.abstract) == (SUMMARY.id, FOLDWELL.abstract)
    assert not paper.is_summary
    assert shelf.is_whole()
    assert counts(shelf.add(SUMMARY)) == (0, 0, 1, 0, 0)
    assert list(shelf.catalog.papers()) == [paper]


def test_bundled_summary_of_a_paper_at_hand_changes_nothing(shelf: Shelf) -> None:
    shelf.add(FOLDWELL)
    assert counts(shelf.add(SUMMARY)) == (0, 0, 0, 1, 0)
    assert list(shelf.catalog.papers()) == [FOLDWELL]


def test_new_version_of_a_bundled_summary_leaves_the_real_abstract(shelf: Shelf) -> None:
    shelf.add(SUMMARY)
    shelf.add(replace(FOLDWELL, title=SUMMARY.title, abstract=f"{SUMMARY.abstract} Really."))
    shelf.add(replace(SUMMARY, abstract=f"{SUMMARY.abstract} Version two."))
    (paper,) = shelf.catalog.papers()
    assert paper.abstract == f"{SUMMARY.abstract} Really."
    assert not paper.is_summary


# --- kept in step ---------------------------------------------------------------------------


def test_long_abstracts_are_cut_into_passages(shelf: Shelf) -> None:
    text = " ".join(f"Sentence w{number}x tells of bees at home." for number in range(60))
    paper = Paper(id="1", title="Long", abstract=text, source="a")
    shelf.add(paper)
    found = sorted(
        (record.start, record.end)
        for record, _ in shelf.store.search(WordEmbedder().embed(["bees"])[0], 100)
    )
    assert len(found) > 5
    assert (found[0][0], found[-1][1]) == (0, len(text))
    assert all(text[start:end].startswith("Sentence") for start, end in found)


def test_without_embedder_words_are_indexed_and_vectors_wait(shelf: Shelf) -> None:
    shelf.embedder = None
    assert shelf.add(*SAMPLE).pending == 5
    assert [paper_id for paper_id, _ in shelf.lexical.search("bees", 5)] == [HIVE.id]
    assert shelf.passages() == []
    shelf.embedder = WordEmbedder()
    assert shelf.indexing.catch_up(shelf.progress) == 0
    assert shelf.is_whole()


def test_progress_is_told(shelf: Shelf) -> None:
    shelf.add(*many(130))
    assert ("embedding papers", 0, 130) in shelf.said
    assert ("embedding papers", 130, 130) in shelf.said
    assert shelf.said[-1] == ("embedding sentences", 130, 130)


def test_removed_papers_leave_every_store_and_may_return(shelf: Shelf) -> None:
    shelf.add(*SAMPLE)
    assert shelf.indexing.remove([HIVE.id, "none"], shelf.progress) == 1
    assert shelf.catalog.get(HIVE.id) is None
    assert shelf.lexical.search("bees", 5) == []
    assert shelf.is_whole()
    assert counts(shelf.add(HIVE)) == (1, 0, 0, 0, 0)
    assert shelf.is_whole()


# --- killed at any instant ------------------------------------------------------------------


def finish(folder: Path) -> Shelf:
    """Return the library as the next process finds and mends it."""
    shelf = Shelf(folder, WordEmbedder())
    assert shelf.indexing.catch_up(shelf.progress) == 0
    return shelf


@pytest.mark.parametrize("lives", range(6))
def test_kill_while_embedding_loses_and_doubles_nothing(tmp_path: Path, lives: int) -> None:
    """Batches of 64 take two calls each: one for passages, one for sentences."""
    papers = many(150)
    dying = Shelf(tmp_path, DyingEmbedder(lives))
    with pytest.raises(KeyboardInterrupt):
        dying.add(*papers)
    assert dying.catalog.count() == dying.lexical.count() == 150
    shelf = finish(tmp_path)
    assert shelf.is_whole()
    assert counts(shelf.add(*papers)) == (0, 0, 150, 0, 0)
    assert shelf.store.count() == 150


@pytest.mark.parametrize("lives", range(2))
def test_kill_while_replacing_keeps_a_vector_for_the_paper(tmp_path: Path, lives: int) -> None:
    Shelf(tmp_path, WordEmbedder()).add(HIVE)
    dying = Shelf(tmp_path, DyingEmbedder(lives))
    edited = replace(HIVE, abstract="Bees swim in tea. They like the sugar.")
    with pytest.raises(KeyboardInterrupt):
        dying.add(edited)
    assert [paper_id for paper_id, _ in dying.passages()] == [HIVE.id]
    shelf = finish(tmp_path)
    assert list(shelf.catalog.papers()) == [edited]
    assert shelf.is_whole()


def test_kill_while_reading_keeps_what_was_read(tmp_path: Path) -> None:
    papers = many(1100)

    def read(papers: Sequence[Paper]) -> Iterator[Paper]:
        yield from papers
        raise KeyboardInterrupt

    shelf = Shelf(tmp_path, None)
    with pytest.raises(KeyboardInterrupt):
        shelf.indexing.add(read(papers), shelf.progress)
    assert shelf.catalog.count() == 1000
    again = Shelf(tmp_path, None)
    assert counts(again.add(*papers)) == (100, 0, 1000, 0, 0)
    assert len(again.lexical.search("bees", 2000)) == 1100


@pytest.mark.parametrize(
    "kill",
    [
        lambda shelf: shelf.catalog.remove([HIVE.id]),
        lambda shelf: shelf.catalog.redo("words", "vectors", "sentences"),
        lambda shelf: (
            shelf.store.remove([one.id for one in shelf.catalog.papers()])
            or shelf.catalog.redo("words", "vectors", "sentences")
        ),
    ],
    ids=["removing", "rebuilding", "rebuilding, vectors cleared"],
)
def test_catch_up_brings_all_in_step(tmp_path: Path, kill: Callable[[Shelf], object]) -> None:
    shelf = Shelf(tmp_path, WordEmbedder())
    shelf.add(*SAMPLE)
    kill(shelf)
    again = finish(tmp_path)
    assert again.is_whole()


def test_kill_after_the_words_were_written_doubles_none(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, WordEmbedder())
    shelf.add(*SAMPLE)
    shelf.catalog.redo("words")
    shelf.lexical.update([(paper, ()) for paper in SAMPLE])
    again = finish(tmp_path)
    assert again.lexical.count() == len(SAMPLE)
    assert again.is_whole()


# --- filters follow what is known of a paper -------------------------------------------------


def test_another_source_costs_no_embedding_but_filters_know_it(shelf: Shelf) -> None:
    shelf.add(*SAMPLE)
    shelf.embedder = DyingEmbedder(0)
    again = replace(TWIGNET, source="second.bib", venue="Proceedings of Twigs")
    assert counts(shelf.add(again)) == (0, 0, 0, 1, 0)
    assert shelf.is_whole()
    vector = WordEmbedder().embed(["network"])[0]
    for tag in ("source:second", "venue:twigs", "source:made"):
        required = HasTag(tag)
        expected = {one.id for one in SAMPLE} if tag == "source:made" else {TWIGNET.id}
        assert {one for one, _ in shelf.lexical.search("network", 9, required)} == {TWIGNET.id}
        assert {one.paper_id for one, _ in shelf.store.search(vector, 9, required)} == expected


# --- runs of `add` --------------------------------------------------------------------------


def test_edited_file_with_two_records_of_one_paper_settles(shelf: Shelf) -> None:
    """The second record is neither an edition of the first nor new at every run."""
    one = replace(HIVE, venue="")
    two = replace(HIVE, venue="Fog Letters", abstract=f"{HIVE.abstract} More was seen.")
    assert counts(shelf.add(one, two)) == (1, 0, 0, 1, 0)
    assert counts(shelf.add(one, two)) == (0, 0, 1, 1, 0)
    edited = replace(one, abstract="Bees swim in tea. Nobody had expected it of them.")
    assert counts(shelf.add(edited, two)) == (0, 1, 0, 1, 0)
    assert counts(shelf.add(edited, two)) == (0, 0, 1, 1, 0)
    (paper,) = shelf.catalog.papers()
    assert paper == replace(edited, venue="Fog Letters")
    assert shelf.is_whole()


def test_near_duplicates_are_merged_and_reported(shelf: Shelf) -> None:
    one = replace(HIVE, id="x", pmid="", authors=(), source="a.ris")
    text = f"{HIVE.abstract} We thank the beekeepers of the valley for their patience."
    two = replace(one, title="How honeybees find home in the fog", abstract=text, source="b.csv")
    report = shelf.add(one, two)
    assert counts(report) == (1, 0, 0, 1, 0)
    (merged,) = report.near_duplicates
    assert (merged.paper_id, merged.title, merged.source) == ("x", HIVE.title, "b.csv")
    assert merged.likeness >= 0.6
    assert "b.csv" in str(merged)
    assert shelf.catalog.sources(["x"]) == {"x": ["a.ris", "b.csv"]}
    assert counts(shelf.add(one, two)) == (0, 0, 1, 1, 0)
    assert shelf.add(TWIGNET).near_duplicates == ()


def test_papers_are_found_while_the_rest_is_read(shelf: Shelf) -> None:
    found: list[int] = []

    def read(papers: Sequence[Paper]) -> Iterator[Paper]:
        yield from papers[:-1]
        reader = TantivyIndex(shelf.folder / "words")
        found.append(len(reader.search("bees", 10_000)))
        yield papers[-1]

    shelf.embedder = None
    shelf.indexing.add(read(many(5501)), shelf.progress)
    assert found == [5000]
    assert len(shelf.lexical.search("bees", 10_000)) == 5501


def test_without_vectors_only_words_are_indexed(shelf: Shelf) -> None:
    shelf.embedder = DyingEmbedder(0)
    report = shelf.indexing.add(SAMPLE, shelf.progress, vectors=False)
    assert report.pending == 5
    assert shelf.lexical.count() == 5
    shelf.embedder = WordEmbedder()
    shelf.indexing.embed_passages(shelf.progress, limit=2)
    assert shelf.catalog.todo_count("vectors") == 3
    shelf.indexing.catch_up(shelf.progress)
    assert shelf.is_whole()


def test_words_of_two_papers_get_a_vector(shelf: Shelf) -> None:
    one, two, three = many(3)
    shelf.add(one)
    assert shelf.catalog.word_count() == 0
    shelf.add(two)
    assert {"bee", "find"} <= shelf.catalog.known_words(["bee", "find", "w0x", "w1x"])
    assert not shelf.catalog.known_words(["w0x", "w1x"])
    count = shelf.catalog.word_count()
    shelf.add(three)
    assert shelf.catalog.word_count() == count


def test_a_second_look_at_a_paper_embeds_no_sentence_again(shelf: Shelf) -> None:
    shelf.add(*SAMPLE)
    with sqlite3.connect(shelf.folder / "papers.sqlite") as connection:
        connection.execute("INSERT INTO todo SELECT 'sentences', id FROM papers")
    connection.close()
    shelf.embedder = DyingEmbedder(0)
    shelf.indexing.embed_sentences(shelf.progress)
    assert shelf.is_whole()
