"""The catalog: all or none, the order added, and vectors that fit the present text."""

import json
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.adapters.sqlite_catalog import SqliteCatalog
from assistant.errors import LibraryError
from assistant.protocols import CatalogEntry, SourceRecord
from assistant.types import Paper
from tests.samples import HIVE, SAMPLE, STORYLINE, TWIGNET


def entry(paper: Paper, *keys: str) -> CatalogEntry:
    return CatalogEntry(
        paper=paper, keys=keys, source=paper.source, record_hash="h", tag_hash=paper.venue
    )


def put(catalog: SqliteCatalog, *entries: CatalogEntry, run: int = 1) -> None:
    catalog.put(entries, run)


@pytest.fixture
def catalog(tmp_path: Path) -> SqliteCatalog:
    return SqliteCatalog(tmp_path / "library" / "papers.sqlite")


def test_papers_come_back_as_they_were_in_the_order_added(catalog: SqliteCatalog) -> None:
    put(catalog, *map(entry, SAMPLE))
    put(catalog, entry(replace(TWIGNET, venue="Here")))
    assert list(catalog.papers()) == [replace(TWIGNET, venue="Here"), *SAMPLE[1:]]
    assert catalog.count() == len(SAMPLE)
    assert catalog.get(HIVE.id) == HIVE
    assert catalog.get("none") is None
    assert catalog.get_many([HIVE.id, "none"]) == {HIVE.id: HIVE}


def test_papers_are_found_by_key(catalog: SqliteCatalog) -> None:
    put(catalog, entry(TWIGNET, "a", "b"), entry(HIVE, "b"))
    assert catalog.owners(["a", "b", "c"]) == {"a": [TWIGNET.id], "b": [TWIGNET.id, HIVE.id]}
    assert catalog.owners([]) == {}


def test_put_is_all_or_none(catalog: SqliteCatalog) -> None:
    bad = CatalogEntry(paper=HIVE, keys=(), source=None, record_hash="h", tag_hash="")  # type: ignore[arg-type]
    with pytest.raises(LibraryError, match="nothing stored was lost"):
        put(catalog, entry(TWIGNET), bad)
    assert catalog.count() == 0
    assert catalog.generation() == 0
    assert catalog.todo("words", 9) == []


def test_many_papers_at_once(catalog: SqliteCatalog) -> None:
    """More than one statement's worth of placeholders."""
    papers = [replace(HIVE, id=str(number)) for number in range(1203)]
    put(catalog, *map(entry, papers))
    ids = [paper.id for paper in papers]
    assert len(catalog.get_many(ids)) == 1203
    assert catalog.remove([*ids[:1100], "none"]) == 1100
    assert catalog.count() == 103


def test_generation_grows_with_every_change_and_only_then(catalog: SqliteCatalog) -> None:
    seen = [catalog.generation()]
    put(catalog, entry(TWIGNET))
    seen.append(catalog.generation())
    catalog.done("vectors", [TWIGNET.id])
    catalog.remove(["none"])
    assert catalog.generation() == seen[-1]
    catalog.remove([TWIGNET.id])
    seen.append(catalog.generation())
    assert seen == sorted(set(seen))


def lists(catalog: SqliteCatalog) -> dict[str, list[str]]:
    """Return what each index must still take in, where there is anything."""
    stages = ("words", "tags", "vectors", "sentences", "reembed")
    return {stage: found for stage in stages if (found := catalog.todo(stage, 99))}


def strike_off(catalog: SqliteCatalog) -> None:
    for stage, ids in lists(catalog).items():
        catalog.done(stage, ids)  # type: ignore[arg-type]


def test_each_change_is_listed_for_the_indexes_it_concerns(catalog: SqliteCatalog) -> None:
    put(catalog, entry(TWIGNET), entry(HIVE))
    both = sorted([TWIGNET.id, HIVE.id])
    assert lists(catalog) == {"words": both, "vectors": both, "sentences": both}
    catalog.done("vectors", [TWIGNET.id])
    assert catalog.todo("vectors", 9) == [HIVE.id]
    strike_off(catalog)
    put(catalog, entry(HIVE))
    assert lists(catalog) == {}
    put(catalog, entry(replace(HIVE, venue="Here")))
    assert lists(catalog) == {"words": [HIVE.id], "tags": [HIVE.id]}
    strike_off(catalog)
    put(catalog, entry(replace(HIVE, venue="Here", abstract="Other text.")))
    assert lists(catalog) == {stage: [HIVE.id] for stage in ("words", "vectors", "sentences")}
    strike_off(catalog)
    catalog.remove([TWIGNET.id])
    assert lists(catalog) == {"words": [TWIGNET.id], "vectors": [TWIGNET.id]}
    catalog.redo("vectors")
    assert catalog.todo_count("vectors") == 2


def test_reembedding_lists_all_and_what_comes_meanwhile(catalog: SqliteCatalog) -> None:
    put(catalog, entry(TWIGNET))
    strike_off(catalog)
    assert catalog.begin_reembed("new")
    assert not catalog.begin_reembed("new")
    put(catalog, entry(HIVE))
    assert catalog.todo("reembed", 9) == sorted([TWIGNET.id, HIVE.id])
    catalog.done("reembed", [TWIGNET.id])
    assert catalog.begin_reembed("newer")
    assert catalog.todo_count("reembed") == 2
    catalog.end_reembed("newer", 7, "passages-newer", "embedded")
    assert [catalog.meta(key) for key in ("embedder", "dimension", "collection", "reembed")] == [
        "newer", "7", "passages-newer", ""
    ]  # fmt: skip
    assert set(lists(catalog)) == {"words", "sentences"}
    assert catalog.todo_count("sentences") == 2


# --- records, sources, runs -----------------------------------------------------------------


def test_records_are_known_again_with_the_last_run_that_met_them(catalog: SqliteCatalog) -> None:
    put(catalog, entry(TWIGNET), entry(HIVE), run=catalog.begin_run())
    assert catalog.seen([("made-up.txt", "h"), ("made-up.txt", "x"), ("other", "h")]) == {
        ("made-up.txt", "h"): (TWIGNET.id, 1)
    } or catalog.seen([("made-up.txt", "h")]) == {("made-up.txt", "h"): (HIVE.id, 1)}
    run = catalog.begin_run()
    assert run == 2
    catalog.touch([("made-up.txt", "h")], run)
    assert catalog.records([HIVE.id]) == {
        HIVE.id: [SourceRecord(source="made-up.txt", record_hash="h", run=2)]
    }


def test_edited_record_takes_the_place_of_those_before(catalog: SqliteCatalog) -> None:
    put(catalog, entry(HIVE), replace(entry(HIVE), record_hash="h2"), run=1)
    assert len(catalog.records([HIVE.id])[HIVE.id]) == 2
    put(catalog, replace(entry(HIVE), record_hash="h3", edited=True), run=2)
    (record,) = catalog.records([HIVE.id])[HIVE.id]
    assert (record.record_hash, record.run) == ("h3", 2)


def test_what_a_run_did_not_meet_has_vanished(catalog: SqliteCatalog) -> None:
    put(catalog, replace(entry(HIVE), source="folder/a.bib"), run=1)
    put(catalog, replace(entry(TWIGNET), source="folder/b.bib"), run=1)
    put(catalog, replace(entry(STORYLINE), source="folder2/b.bib"), run=1)
    put(catalog, replace(entry(HIVE), source="folder/a.bib"), run=2)
    assert catalog.vanished("folder/", 2) == [(TWIGNET.id, "folder/b.bib")]
    catalog.unlink([(TWIGNET.id, "folder/b.bib")])
    assert catalog.vanished("folder/", 2) == []
    assert catalog.sources([TWIGNET.id]) == {}


def test_sentence_vectors_fit_the_text_they_were_made_of(catalog: SqliteCatalog) -> None:
    put(catalog, entry(TWIGNET), entry(HIVE))
    rows = np.array([[0.25, -0.5], [1.0, 0.0]], np.float32)
    catalog.put_sentence_vectors(
        {TWIGNET.id: (TWIGNET.content_hash, rows), HIVE.id: (HIVE.content_hash, rows[:0])}
    )
    found = catalog.sentence_vectors([TWIGNET, HIVE, STORYLINE])
    assert set(found) == {TWIGNET.id, HIVE.id}
    assert found[TWIGNET.id].dtype == np.float32
    assert found[TWIGNET.id].tolist() == rows.tolist()
    assert found[HIVE.id].shape == (0, 2)
    assert catalog.sentence_vectors([replace(TWIGNET, abstract="Other.")]) == {}


def test_removing_takes_keys_sources_and_vectors_along(catalog: SqliteCatalog) -> None:
    put(catalog, entry(TWIGNET, "a"))
    rows = np.ones((1, 2), np.float32)
    catalog.put_sentence_vectors({TWIGNET.id: (TWIGNET.content_hash, rows)})
    assert catalog.sources([TWIGNET.id]) == {TWIGNET.id: ["made-up.txt"]}
    catalog.remove([TWIGNET.id])
    put(catalog, entry(TWIGNET))
    assert catalog.owners(["a"]) == {}
    assert catalog.sentence_vectors([TWIGNET]) == {}


def test_every_thread_reads_the_same_library(catalog: SqliteCatalog) -> None:
    put(catalog, *map(entry, SAMPLE))
    counts: list[int] = []

    def count() -> None:
        counts.append(catalog.count())
        catalog.close()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [len(SAMPLE)] * 4


def test_reopened_catalog_has_all(tmp_path: Path) -> None:
    first = SqliteCatalog(tmp_path / "papers.sqlite")
    put(first, entry(TWIGNET))
    first.close()
    assert list(SqliteCatalog(tmp_path / "papers.sqlite").papers()) == [TWIGNET]


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LibraryError, match="ASSISTANT_HOME"):
        SqliteCatalog(tmp_path / "file" / "papers.sqlite")


def test_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "papers.sqlite"
    path.write_bytes(b"not a database, certainly not one " * 40)
    with pytest.raises(LibraryError, match=r"papers\.sqlite can't be opened"):
        SqliteCatalog(path)


def test_library_of_another_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "papers.sqlite"
    SqliteCatalog(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()
    with pytest.raises(LibraryError, match="schema version 99"):
        SqliteCatalog(path)


VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE papers (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    content_hash TEXT NOT NULL, record TEXT NOT NULL, embedded_hash TEXT NOT NULL DEFAULT ''
);
CREATE INDEX pending ON papers (number) WHERE embedded_hash <> content_hash;
CREATE TABLE keys (
    key TEXT NOT NULL, paper_id TEXT NOT NULL REFERENCES papers (id) ON DELETE CASCADE,
    PRIMARY KEY (key, paper_id)
) WITHOUT ROWID;
CREATE INDEX keys_by_paper ON keys (paper_id);
CREATE TABLE sources (
    paper_id TEXT NOT NULL REFERENCES papers (id) ON DELETE CASCADE, source TEXT NOT NULL,
    record_hash TEXT NOT NULL, PRIMARY KEY (paper_id, source)
);
CREATE TABLE sentence_vectors (
    paper_id TEXT PRIMARY KEY REFERENCES papers (id) ON DELETE CASCADE,
    content_hash TEXT NOT NULL, width INTEGER NOT NULL, vectors BLOB NOT NULL
);
INSERT INTO meta VALUES ('schema_version', '1'), ('generation', '4');
"""


def test_library_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "papers.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_1)
        for paper, embedded in ((TWIGNET, TWIGNET.content_hash), (HIVE, "")):
            connection.execute(
                "INSERT INTO papers (id, content_hash, record, embedded_hash) VALUES (?, ?, ?, ?)",
                (paper.id, paper.content_hash, json.dumps(paper.to_dict()), embedded),
            )
            connection.execute("INSERT INTO keys VALUES (?, ?)", (f"doi:{paper.id}", paper.id))
            connection.execute("INSERT INTO sources VALUES (?, 'a.txt', 'h')", (paper.id,))
        blob = np.ones((1, 2), np.float16).tobytes()
        connection.execute(
            "INSERT INTO sentence_vectors VALUES (?, ?, 2, ?)",
            (TWIGNET.id, TWIGNET.content_hash, blob),
        )
    connection.close()
    catalog = SqliteCatalog(path)
    assert list(catalog.papers()) == [TWIGNET, HIVE]
    both = sorted([TWIGNET.id, HIVE.id])
    assert lists(catalog) == {
        "words": both, "vectors": both, "sentences": both
    }  # fmt: skip
    assert catalog.sources([HIVE.id]) == {HIVE.id: ["a.txt"]}
    assert catalog.owners([f"doi:{HIVE.id}"]) == {f"doi:{HIVE.id}": [HIVE.id]}
    assert catalog.sentence_vectors([TWIGNET])[TWIGNET.id].tolist() == [[1.0, 1.0]]
    assert catalog.generation() == 4
    catalog.close()
    assert SqliteCatalog(path).count() == 2


def test_library_of_the_third_version_keeps_its_vectors_and_gets_those_of_words(
    tmp_path: Path,
) -> None:
    path = tmp_path / "papers.sqlite"
    catalog = SqliteCatalog(path)
    put(catalog, entry(TWIGNET))
    strike_off(catalog)
    rows = np.ones((1, 2), np.float32)
    catalog.put_sentence_vectors({TWIGNET.id: (TWIGNET.content_hash, rows)})
    catalog.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE word_vectors")
        connection.execute("UPDATE meta SET value = '3' WHERE key = 'schema_version'")
    connection.close()
    catalog = SqliteCatalog(path)
    assert lists(catalog) == {"sentences": [TWIGNET.id]}
    assert catalog.sentence_vectors([TWIGNET])[TWIGNET.id].tolist() == [[1.0, 1.0]]
    assert catalog.word_count() == 0


def test_a_term_keeps_its_first_vector_until_all_are_forgotten(catalog: SqliteCatalog) -> None:
    one, other = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    assert list(catalog.word_vectors()) == []
    catalog.put_word_vectors({"bee": one, "fog": other})
    catalog.put_word_vectors({"bee": other, "sea": other})
    [(terms, rows)] = catalog.word_vectors()
    assert (terms, rows.tolist()) == (["bee", "fog", "sea"], [[1, 0], [0, 1], [0, 1]])
    assert catalog.known_words(["bee", "tide"]) == {"bee"}
    assert catalog.word_count() == 3
    catalog.redo("sentences")
    assert catalog.word_count() == 0


def test_library_that_cannot_be_brought_up_to_date_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "papers.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_1)
        connection.execute("DROP TABLE sources")
    connection.close()
    with pytest.raises(LibraryError, match="can't be opened"):
        SqliteCatalog(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
        columns = [row[1] for row in connection.execute("PRAGMA table_info(papers)")]
    connection.close()
    assert "embedded_hash" in columns
    assert "tag_hash" not in columns
