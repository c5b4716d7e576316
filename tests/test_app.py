"""`Assistant` and `ask()`: the parts put together on a real library."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import assistant as package
from assistant.adapters.chroma_store import ChromaStore
from assistant.adapters.file_lock import FileLock
from assistant.app import Assistant
from assistant.errors import (
    EmbedderMismatchError,
    FilterError,
    LibraryBusyError,
    UnreadableFileError,
)
from assistant.settings import Settings
from assistant.types import Message, Paper
from tests.samples import HIVE, SAMPLE, STORYLINE, TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"


def write(path: Path, *papers: Paper) -> Path:
    """Write papers as JSON lines."""
    path.write_text("".join(json.dumps(paper.to_dict()) + "\n" for paper in papers), "utf-8")
    return path


def test_files_go_in_and_come_out(library: Library, tmp_path: Path) -> None:
    one, two = write(tmp_path / "a.jsonl", TWIGNET), write(tmp_path / "b.jsonl", HIVE)
    assistant = library([])
    assert str(assistant.add(one, str(two))) == "2 added"
    assert assistant.count() == assistant.passage_count() == 2
    assert [paper.title for paper in assistant.papers()] == [TWIGNET.title, HIVE.title]
    found = assistant.paper(TWIGNET.id)
    assert found is not None
    assert found.abstract == TWIGNET.abstract
    assert assistant.paper("none") is None
    assert assistant.remove(TWIGNET.id, "none") == 1
    assert assistant.count() == assistant.passage_count() == 1


def test_one_unreadable_file_does_not_keep_the_others_out(library: Library, tmp_path: Path) -> None:
    good, bad = write(tmp_path / "a.jsonl", TWIGNET), tmp_path / "b.pdf"
    bad.write_bytes(b"%PDF-1.7")
    assistant = library([])
    report = assistant.add(bad, good, tmp_path / "none.txt")
    assert (report.added, report.skipped) == (1, 2)
    assert [str(bad) in str(problem) for problem in report.problems] == [True, False]


def test_no_readable_file_at_all_is_an_error_that_names_all(
    library: Library, tmp_path: Path
) -> None:
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(UnreadableFileError) as caught:
        library([]).add(tmp_path / "b.pdf", tmp_path / "none.txt")
    assert "b.pdf" in str(caught.value)
    assert "none.txt" in str(caught.value)


def test_library_of_an_earlier_run_is_there_again(library: Library, tmp_path: Path) -> None:
    library(SAMPLE, home=tmp_path / "home").close()
    again = library([], home=tmp_path / "home")
    assert again.count() == 5
    assert again.index() == 0
    assert again.ask(QUESTION).citations[0].evidence.paper == TWIGNET


def test_function_ask_answers_from_the_environment(
    library: Library, tmp_path: Path, models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(SAMPLE, home=tmp_path / "home").close()
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ASSISTANT_MODELS", str(models_folder))
    monkeypatch.setenv("ASSISTANT_MODEL", "extractive")
    monkeypatch.chdir(tmp_path)
    answer = package.ask(QUESTION, answerable_at=0.0)
    assert isinstance(answer, package.Answer)
    assert answer.citations[0].evidence.paper == TWIGNET


def test_history_may_be_messages_or_mappings(library: Library) -> None:
    assistant = library(answerable_at=0.0)
    asked = "How do honeybees find home in fog?"
    found = [
        assistant.ask("And without landmarks?", [turn]).trace.standalone_question
        for turn in (Message(role="user", content=asked), {"role": "user", "content": asked})
    ]
    assert found == [f"{asked} And without landmarks?"] * 2


def test_several_threads_may_ask_at_once(library: Library) -> None:
    """A web page answers every reader in a thread of its own."""
    assistant = library(answerable_at=0.0)
    titles: list[str] = []

    def ask() -> None:
        titles.append(assistant.ask(QUESTION).citations[0].evidence.paper.title)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert titles == [TWIGNET.title] * 6


def test_first_answer_says_that_the_embedder_is_missing(library: Library, tmp_path: Path) -> None:
    """The notice must come with the first answer, not from the second on."""
    library(SAMPLE, home=tmp_path / "home").close()
    again = library([], home=tmp_path / "home", models=tmp_path / "none", answerable_at=0.0)
    notices = [again.ask(QUESTION).notices for _ in range(2)]
    assert all(any("Searching by words only" in one for one in each) for each in notices)


def test_papers_added_without_embedder_get_their_vectors_later(
    library: Library, tmp_path: Path
) -> None:
    first = library([], home=tmp_path / "home", models=tmp_path / "none")
    report = first.add_papers(SAMPLE)
    assert report.pending == 5
    assert "Searching by words only" in report.notices[0]
    first.close()
    again = library([], home=tmp_path / "home")
    assert again.ask(QUESTION).notices == ()
    assert again.passage_count() == 5


# --- filters --------------------------------------------------------------------------------


def test_filters_hold_for_search_answers_lists_and_exports(library: Library) -> None:
    assistant = library(answerable_at=0.0)
    found = assistant.search("network questions bees", where="year:2021..2022")
    assert {hit.paper for hit in found} == {TWIGNET, STORYLINE}
    assert list(assistant.papers("author:birch")) == [TWIGNET]
    answer = assistant.ask(QUESTION, where="not author:birch")
    assert TWIGNET not in {one.paper for one in answer.evidence}
    assert TWIGNET in {one.paper for one in assistant.ask(QUESTION).evidence}
    assert TWIGNET.title in "".join(assistant.export("jsonl", "author:birch"))
    assert HIVE.title not in "".join(assistant.export("jsonl", "author:birch"))
    with pytest.raises(FilterError):
        assistant.search("bees", where="colour:red")


def test_filter_that_no_paper_passes_is_named(library: Library) -> None:
    answer = library().ask(QUESTION, where="author:nobody")
    assert answer.status == "abstained"
    assert "No paper passes the filter author:nobody" in answer.text


def test_what_the_indexes_cannot_tell_is_found_by_looking_further(library: Library) -> None:
    """Titles aren't tags: all papers come near, and most are passed over."""
    papers = [
        Paper(id=str(number), title=f"Bees {number}", abstract="Bees are bees, bees, bees.")
        for number in range(150)
    ]
    last = Paper(id="last", title="Wanted at the end", abstract="A hive has few bees, they say.")
    assistant = library([], models=Path("none"))
    assistant.add_papers([*papers, last])
    assert [hit.paper.id for hit in assistant.search("bees", 5, where="title:wanted")] == ["last"]


# --- two processes, one library -------------------------------------------------------------


def in_another_process(home: Path, models: Path, *arguments: str) -> str:
    environ = {
        **os.environ,
        "ASSISTANT_HOME": str(home),
        "ASSISTANT_MODELS": str(models),
        "ASSISTANT_MODEL": "extractive",
        "ASSISTANT_OFFLINE": "1",
    }
    command = [sys.executable, "-m", "assistant", *arguments]
    done = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_reader_sees_what_another_process_added_and_removed(
    library: Library, tmp_path: Path, models_folder: Path
) -> None:
    home = tmp_path / "home"
    reader = library([TWIGNET], home=home)
    reader.library.stores.reopen_seconds = 0.0
    assert [hit.paper for hit in reader.search("pruning at initialization")] == [TWIGNET]
    in_another_process(home, models_folder, "add", str(write(tmp_path / "b.jsonl", HIVE)))
    assert {hit.paper.title for hit in reader.search("insects that fly home")} == {
        HIVE.title, TWIGNET.title
    }  # fmt: skip
    assert reader.passage_count() == 2
    in_another_process(home, models_folder, "remove", TWIGNET.id)
    assert [hit.paper.title for hit in reader.search("pruning")] == [HIVE.title]
    # And writes again itself, over what the other wrote.
    reader.add_papers([STORYLINE])
    found = {hit.paper.title for hit in reader.search("insects that fly home")}
    assert found == {HIVE.title, STORYLINE.title}


@pytest.mark.slow
def test_reader_is_never_broken_by_a_writer(
    library: Library, tmp_path: Path, models_folder: Path
) -> None:
    """Search without pause while another process adds, edits, removes and rebuilds."""
    home = tmp_path / "home"
    reader = library(SAMPLE, home=home)
    reader.library.stores.reopen_seconds = 0.0
    first = [
        Paper(id=f"p{n}", title=f"Bees {n}", abstract=f"Bee {n} flies home, they say.")
        for n in range(150)
    ]
    edited = [replace(paper, abstract=f"{paper.abstract} And lands.") for paper in first]
    path = write(tmp_path / "many.jsonl", *first)
    found: list[int] = []

    def look() -> None:
        while not done.is_set():
            assert reader.search("pruning at initialization", 3)[0].paper.id == TWIGNET.id
            found.append(len(reader.search("bees that fly", 300)))

    done = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        try:
            in_another_process(home, models_folder, "add", str(path))
            write(path, *edited)
            in_another_process(home, models_folder, "add", str(path))
            in_another_process(home, models_folder, "doctor", "--quick", "--rebuild")
            in_another_process(home, models_folder, "remove", *[paper.id for paper in first[5:]])
        finally:
            done.set()
    for one in looking:
        one.result()
    assert max(found) >= 150
    assert reader.library.notices == [], reader.library.notices[0]
    assert len(reader.search("bees that fly", 300)) == 10
    assert reader.passage_count() == 10


def test_question_is_answered_while_another_process_writes(library: Library) -> None:
    assistant = library(answerable_at=0.0)
    path = assistant.catalog.folder / "write.lock"
    with FileLock(path)():
        assistant.catalog.redo("words", "vectors")
        answer = assistant.ask(QUESTION)
        assert answer.citations[0].evidence.paper == TWIGNET
        assert any("found by their words only" in notice for notice in answer.notices)
        other = library([], home=assistant.settings.home)
        other.library.patience = 0.0
        with pytest.raises(LibraryBusyError):
            other.remove(TWIGNET.id)
    assert assistant.ask(QUESTION).notices == ()


def test_many_waiting_papers_do_not_hold_up_a_question(library: Library) -> None:
    papers = [Paper(id=str(n), title=f"Bees {n}", abstract=f"Bees {n} fly.") for n in range(140)]
    assistant = library([], answerable_at=0.0)
    assistant.library.add_papers([*papers, TWIGNET], vectors=False)
    answer = assistant.ask(QUESTION)
    assert answer.citations[0].evidence.paper == TWIGNET
    assert "141 of 141 papers are found by their words only" in answer.notices[0]
    assistant.index_beside()
    assert assistant.ask(QUESTION).notices == ()
    assert assistant.passage_count() == 141


def test_lost_indexes_are_made_again(library: Library, tmp_path: Path) -> None:
    home = tmp_path / "home"
    library(SAMPLE, home=home).close()
    shutil.rmtree(home / "library" / "words")
    shutil.rmtree(home / "library" / "chroma")
    again = library([], home=home)
    assert again.search("pruning at initialization")[0].paper == TWIGNET
    assert again.index() == 0
    assert again.passage_count() == 5


# --- rebuilding -----------------------------------------------------------------------------


def test_rebuild_makes_vectors_and_words_anew(library: Library) -> None:
    assistant = library()
    before = assistant.search(QUESTION)
    assert assistant.rebuild() == 0
    assert assistant.passage_count() == 5
    assert [hit.paper for hit in assistant.search(QUESTION)] == [hit.paper for hit in before]


def test_rebuild_takes_over_a_library_of_another_embedder(library: Library, tmp_path: Path) -> None:
    """The error says to run it, so it must help."""
    folder = tmp_path / "home" / "library"
    ChromaStore(folder / "chroma", "another", 7)
    assistant = library([], home=tmp_path / "home")
    with pytest.raises(EmbedderMismatchError, match="'assistant doctor --rebuild'"):
        assistant.add_papers(SAMPLE)
    assert assistant.rebuild() == 0
    assert assistant.passage_count() == 5
    assert assistant.search(QUESTION)[0].paper == TWIGNET


def test_rebuild_mends_damaged_vectors(library: Library, tmp_path: Path) -> None:
    chroma = tmp_path / "home" / "library" / "chroma"
    chroma.mkdir(parents=True)
    (chroma / "chroma.sqlite3").write_bytes(b"not a database, certainly not " * 100)
    assistant = library([], home=tmp_path / "home")
    try:
        assistant.add_papers(SAMPLE)
    except package.AssistantError as error:
        assert "'assistant doctor --rebuild'" in str(error)  # noqa: PT017 - or it mends itself
    assert assistant.rebuild() == 0
    assert assistant.passage_count() == 5


def test_rebuild_mends_damaged_words(library: Library, tmp_path: Path) -> None:
    assistant = library(SAMPLE, home=tmp_path / "home")
    for path in (tmp_path / "home" / "library" / "words").glob("*.*"):
        if path.suffix not in (".json", ".lock"):
            path.unlink()
    assert assistant.rebuild() == 0
    assert assistant.search(QUESTION)[0].paper == TWIGNET
    assert assistant.search(QUESTION)[0].scores["bm25"] > 0


def test_sample_is_offered_once(library: Library, tmp_path: Path) -> None:
    settings = {"home": tmp_path / "home", "models": tmp_path / "none"}
    first = library([], **settings)
    assert first.offer_sample()
    assert first.count() == 140
    first.remove(*[paper.id for paper in first.papers()])
    assert not library([], **settings).offer_sample()
    assert first.count() == 0


def test_close_may_be_called_twice_and_before_anything(tmp_path: Path) -> None:
    assistant = Assistant(Settings(home=tmp_path, models=tmp_path))
    assistant.close()
    assistant.close()
    assert not (tmp_path / "library").exists()
