"""A change of the embedder: the old vectors serve until the new ones are whole."""

from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.errors import ModelError
from tests import fakes
from tests.fakes import FakeServer, WordEmbedder
from tests.samples import HIVE, SAMPLE, STORYLINE, TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"


@pytest.fixture
def home(tmp_path: Path, library: Library) -> Path:
    """Return the home of a library that was made with the embedded encoder."""
    library(SAMPLE, home=tmp_path / "home").close()
    return tmp_path / "home"


def test_vectors_are_made_anew_and_then_serve(
    library: Library, home: Path, server: FakeServer
) -> None:
    words = {"embedder": "openai:words", "openai_base_url": server.address, "answerable_at": 0.0}
    assistant = library([], home=home, **words)
    before = assistant.ask(QUESTION)
    assert "'assistant reembed'" in before.notices[0]
    assert server.paths == []
    assert assistant.library.embedder_name == "all-MiniLM-L6-v2"
    assert assistant.reembed() == 5
    assert assistant.library.embedder_name == "openai:words"
    assert set(server.paths) == {"/v1/embeddings"}
    assert assistant.library.store().count() == 5
    _, near = assistant.library.nearest("honeybees in fog", 1)
    assert near[0][0].paper_id == HIVE.id
    expected = WordEmbedder().embed_query("honeybees in fog")
    passage = WordEmbedder().embed([f"{HIVE.title}. {HIVE.abstract}"])[0]
    assert near[0][1] == pytest.approx(float(expected @ passage), abs=1e-3)
    assert assistant.reembed() == 0
    assistant.close()
    again = library([], home=home, **words).ask(QUESTION)
    assert again.notices == ()
    assert again.citations[0].evidence.paper == TWIGNET


def test_interrupted_it_goes_on_where_it_was(
    library: Library, home: Path, server: FakeServer
) -> None:
    words = {"embedder": "openai:words", "openai_base_url": server.address}
    server.will_embed(fakes.embeds(), fakes.fails(400))
    assistant = library([], home=home, **words)
    # The first request asks for the width; the second, of all five papers, fails.
    with pytest.raises(ModelError):
        assistant.reembed()
    assert assistant.library.embedder_name == "all-MiniLM-L6-v2"
    assert assistant.catalog.todo_count("reembed") == 5
    assert assistant.search("insects that fly home")[0].paper == HIVE
    assistant.remove(STORYLINE.id)
    server.will_embed(fakes.embeds())
    assert assistant.reembed() == 5
    assert assistant.library.store().count() == 4
    assert assistant.catalog.todo_count("reembed") == 0


def test_another_process_takes_over_the_new_vectors(
    library: Library, home: Path, server: FakeServer
) -> None:
    words = {"embedder": "openai:words", "openai_base_url": server.address}
    reader = library([], home=home, **words)
    reader.library.stores.reopen_seconds = 0.0
    assert reader.search("insects that fly home")[0].paper == HIVE
    writer = library([], home=home, **words)
    assert writer.reembed() == 5
    hits = reader.search("honeybees in fog")
    assert hits[0].paper == HIVE
    assert reader.library.embedder_name == "openai:words"
    _, near = writer.library.nearest("honeybees in fog", 9)
    expected = {record.paper_id: score for record, score in near}
    assert hits[0].scores["dense"] == pytest.approx(expected[HIVE.id], abs=1e-4)


def test_server_that_fails_leaves_words_and_a_notice(
    library: Library, tmp_path: Path, server: FakeServer
) -> None:
    words = {"embedder": "openai:words", "openai_base_url": server.address, "answerable_at": 0.0}
    assistant = library([], home=tmp_path / "home", **words)
    server.will_embed(fakes.fails(401))
    report = assistant.add_papers(SAMPLE)
    assert (report.added, report.pending) == (5, 5)
    assert any("refused the key" in notice for notice in report.notices)
    answer = assistant.ask(QUESTION)
    assert answer.citations[0].evidence.paper == TWIGNET
    assert any("refused the key" in notice for notice in answer.notices)
    server.will_embed(fakes.embeds())
    assert assistant.index() == 0
    assert assistant.library.store().count() == 5
