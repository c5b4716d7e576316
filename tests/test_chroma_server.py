"""A library whose vectors are on a Chroma server: a real one, killed, restarted, misbehaving."""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant import Assistant
from assistant.adapters.chroma_places import ChromaServer
from assistant.adapters.chroma_store import EXACT, ChromaStore
from assistant.errors import (
    EmbedderMismatchError,
    LibraryError,
    SettingsError,
    StoreElsewhereError,
    StoreUnavailableError,
)
from assistant.protocols import PassageRecord
from assistant.types import AllOf, HasTag, YearBetween
from tests.chroma import TOKEN, ChromaProcess, Proxy, free_port
from tests.samples import HIVE, SAMPLE, STORYLINE, TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"
SECONDS = 2.0
# What the server does, and what the message must say.
FAULTS = {
    "hang": "took longer than 2 s",
    "drip": "took longer than 2 s",
    "drop": "can't be reached",
    "500": "failed (status 500",
    "503": "failed (status 503",
    "429": "failed (status 429",
    "401": "check ASSISTANT_CHROMA_TOKEN",
    "403": "check ASSISTANT_CHROMA_TOKEN",
    "404": "check ASSISTANT_CHROMA_URL",
    "html": "doesn't answer as one does",
    "version 0.6.3": "is of version 0.6.3; this program speaks to those of version 1",
    "version 2.0.0": "is of version 2.0.0",
}


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaProcess]:
    """Return a running server."""
    process = ChromaProcess(tmp_path_factory.mktemp("chroma"))
    yield process
    process.kill()


@pytest.fixture
def proxy(chroma: ChromaProcess) -> Iterator[Proxy]:
    """Return what stands before the server, and passes everything on until told otherwise."""
    made = Proxy(chroma.port)
    yield made
    made.stop()


def place(url: str, seconds: float = SECONDS) -> ChromaServer:
    return ChromaServer(
        url=url, tenant="default_tenant", database="default_database", token=TOKEN, seconds=seconds
    )


def passage(paper_id: str, start: int = 0, **fields: object) -> PassageRecord:
    values = {"start": start, "end": start + 10, "content_hash": "h", **fields}
    return PassageRecord(paper_id=paper_id, **values)


def rows(*vectors: tuple[float, ...]) -> np.ndarray:
    return np.array(vectors, np.float32)


# --- the store ------------------------------------------------------------------------------


def test_the_store_does_on_a_server_what_it_does_in_a_folder(
    chroma: ChromaProcess, tmp_path: Path
) -> None:
    """The same calls, and what they give, one beside the other."""

    def through(store: ChromaStore) -> list[object]:
        store.upsert(
            [
                passage("a", tags=("author:bee",), year=2000),
                passage("a", 20, tags=("author:bee",), year=2000),
                passage("b", content_hash="old"),
                passage("b", content_hash="new"),
                passage("c", tags=("venue:y",), year=2001),
            ],
            rows((1, 0, 0), (0.8, 0.6, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1)),
        )
        store.upsert([passage("c", tags=("venue:y",), year=2001)], rows((0.6, 0, 0.8)))
        store.remove_stale({"b": "new"})
        store.retag({"a": (1999, ["author:wasp"])})
        both = AllOf((HasTag("author:wasp"), YearBetween(None, 1999)))
        query = rows((1, 0, 0))[0]
        seen: list[object] = [
            [(one, round(score, 5)) for one, score in store.search(query, 9)],
            [one for one, _ in store.search(query, 9, both)],
            store.count(),
            sorted(store.passages()),
            store.read(["a", "c"])[0],
            np.round(store.read(["c", "a"])[1], 5).tolist(),
            {key: np.round(row, 5).tolist() for key, row in store.vectors({"a": "h"}).items()},
        ]
        store.remove(["a", "none"])
        return [*seen, sorted(store.passages())]

    here = ChromaStore(tmp_path / "chroma", "words", 3)
    there = ChromaStore(place(chroma.url, 20), "words", 3, "same")
    expected = through(here)
    assert expected[2] == 4
    assert through(there) == expected
    here.close()
    there.close()


def test_more_than_one_batch_on_a_server(chroma: ChromaProcess) -> None:
    store = ChromaStore(place(chroma.url, 30), "words", 3, "batches")
    vectors = np.random.default_rng(0).normal(size=(1200, 3)).astype(np.float32)
    store.upsert([passage(str(number)) for number in range(1200)], vectors)
    assert store.count() == 1200
    assert len(list(store.passages())) == 1200
    store.close()


def test_many_passages_are_not_counted_at_each_search(proxy: Proxy) -> None:
    """Counting a million takes Chroma many times as long as searching them."""
    store = ChromaStore(place(proxy.url, 30), "words", 3, "counted")
    vectors = np.random.default_rng(0).normal(size=(EXACT + 1, 3)).astype(np.float32)
    store.upsert([passage(str(number)) for number in range(EXACT + 1)], vectors)
    for _ in range(3):
        store.search(vectors[0], 5)
    assert sum("/count" in path for path in proxy.paths) == 1
    store.remove(["1"])  # So few are asked for whole, and so counted.
    for _ in range(2):
        store.search(vectors[0], 5)
    assert sum("/count" in path for path in proxy.paths) == 3
    store.close()


def test_another_embedder_is_refused_on_a_server_too(chroma: ChromaProcess) -> None:
    ChromaStore(place(chroma.url), "words", 3, "embedder").close()
    with pytest.raises(EmbedderMismatchError, match="'assistant doctor --rebuild'"):
        ChromaStore(place(chroma.url), "others", 3, "embedder")
    store = ChromaStore.renewed(place(chroma.url), "others", 3, "embedder")
    assert store.count() == 0
    store.drop()
    store.close()


def test_a_database_that_is_not_there_is_named(chroma: ChromaProcess) -> None:
    other = ChromaServer(url=chroma.url, tenant="default_tenant", database="nobodys")
    with pytest.raises(LibraryError, match="nobodys"):
        ChromaStore(other, "words", 3)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_gives_a_useful_message_in_time(
    proxy: Proxy, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """While it is opened, and where it was open already."""
    caplog.set_level(logging.DEBUG)
    store = ChromaStore(place(proxy.url), "words", 3, "faults")
    store.upsert([passage("a")], rows((1, 0, 0)))
    proxy.fault = fault
    since = time.monotonic()
    with pytest.raises(StoreUnavailableError) as opening:
        ChromaStore(place(proxy.url), "words", 3, "faults")
    assert time.monotonic() - since < SECONDS + 2
    told = [str(opening.value)]
    if not fault.startswith("version"):
        since = time.monotonic()
        with pytest.raises(StoreUnavailableError) as searching:
            store.search(rows((1, 0, 0))[0], 5)
        assert time.monotonic() - since < SECONDS + 2
        told.append(str(searching.value))
    for message in told:
        assert FAULTS[fault] in message
        assert proxy.url in message
        assert TOKEN not in message
    proxy.fault = ""
    assert len(store.search(rows((1, 0, 0))[0], 5)) == 1
    assert TOKEN not in caplog.text
    assert set(proxy.tokens) == {TOKEN}
    store.close()


def test_a_server_that_is_not_there_is_named_at_once() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    since = time.monotonic()
    with pytest.raises(StoreUnavailableError, match=r"can't be reached.*'chroma run --path"):
        ChromaStore(place(url), "words", 3)
    assert time.monotonic() - since < SECONDS


def test_the_token_is_in_no_words_about_the_place() -> None:
    here = place("http://127.0.0.1:8000")
    assert TOKEN not in f"{here} {here!r} {here.key}"


@pytest.mark.parametrize(
    "address", ["chroma:8000", "ftp://host", "http://", "http://host/path", "http://me:pw@host"]
)
def test_what_is_no_address_of_a_server_is_refused(library: Library, address: str) -> None:
    with pytest.raises(SettingsError, match="Chroma server") as caught:
        library((), chroma_url=address)
    assert "pw" not in str(caught.value)


# --- a library ------------------------------------------------------------------------------


@pytest.fixture
def served(library: Library, proxy: Proxy) -> Callable[..., Assistant]:
    """Return a maker of libraries whose vectors are behind the proxy."""

    def make(*papers: object, **settings: object) -> Assistant:
        values = {"chroma_url": proxy.url, "chroma_token": TOKEN, "chroma_timeout": 20.0}
        assistant = library(*papers, **{**values, **settings})
        assistant.library.stores.pause_seconds = 0.0
        return assistant

    return make


def test_a_library_on_a_server_answers_as_one_in_a_folder(
    library: Library, served: Library
) -> None:
    here, there = library(), served()
    for question in (QUESTION, "insects that fly home", "memory of scenes in films"):
        expected, found = here.search(question), there.search(question)
        assert [hit.paper for hit in found] == [hit.paper for hit in expected]
        for one, other in zip(found, expected, strict=True):
            assert one.scores == pytest.approx(other.scores, abs=1e-5)
    assert there.ask(QUESTION).text == here.ask(QUESTION).text
    assert there.passage_count() == 5
    assert there.remove(HIVE.id) == 1
    assert there.passage_count() == 4
    there.rebuild()
    assert there.passage_count() == 4
    assert there.search(QUESTION)[0].paper == TWIGNET
    assert not (there.folder / "chroma").exists()


def test_two_libraries_on_one_server_are_apart(served: Library) -> None:
    one, other = served([TWIGNET]), served([HIVE])
    assert (one.passage_count(), other.passage_count()) == (1, 1)
    assert [hit.paper for hit in one.search("bees in fog")] == [TWIGNET]


def test_a_server_killed_in_a_conversation_leaves_words_and_comes_back(
    library: Library, tmp_path: Path
) -> None:
    process = ChromaProcess(tmp_path / "server")
    try:
        assistant = library(chroma_url=process.url, chroma_timeout=20.0, answerable_at=0.0)
        assistant.library.stores.pause_seconds = 0.0
        history = []
        first = assistant.ask(QUESTION)
        assert first.notices == ()
        history += [("user", QUESTION), ("assistant", first.text)]
        turns = [{"role": role, "content": content} for role, content in history]
        process.kill()
        second = assistant.ask("And how much memory does training take?", turns)
        assert second.citations[0].evidence.paper == TWIGNET
        (notice,) = second.notices
        assert "found by their words only" in notice
        assert f"The Chroma server at {process.url} can't be reached" in notice
        process.start()
        third = assistant.ask(QUESTION, turns)
        assert third.notices == ()
        assert third.text == first.text
        assert assistant.search("insects that fly home")[0].paper == HIVE
    finally:
        process.kill()


@pytest.mark.parametrize("fault", ["hang", "500", "drop", "401", "version 0.6.3"])
def test_a_conversation_goes_on_through_every_fault(
    served: Library, proxy: Proxy, fault: str
) -> None:
    """The notice comes with the answer that it is about, and goes with the fault."""
    assistant = served(chroma_timeout=1.0, answerable_at=0.0)
    before = assistant.ask(QUESTION)
    assistant.library.stores.close()
    proxy.fault = fault
    since = time.monotonic()
    answer = assistant.ask(QUESTION)
    assert time.monotonic() - since < 20
    assert answer.citations[0].evidence.paper == TWIGNET
    (notice,) = answer.notices
    assert FAULTS[fault].replace("2 s", "1 s") in notice
    assert TOKEN not in str(answer.to_dict())
    proxy.fault = ""
    after = assistant.ask(QUESTION)
    assert after.notices == ()
    assert after.text == before.text


def test_a_server_that_hangs_is_not_waited_for_with_each_question(
    served: Library, proxy: Proxy
) -> None:
    assistant = served(chroma_timeout=1.0)
    assistant.search("bees")
    assistant.library.stores.pause_seconds = 60.0
    proxy.fault = "hang"
    assistant.search("bees")
    asked = len(proxy.tokens)
    for _ in range(3):
        assistant.search("bees")
    assert len(proxy.tokens) == asked


def test_papers_are_added_and_removed_while_the_server_is_away(
    served: Library, proxy: Proxy
) -> None:
    assistant = served([TWIGNET], answerable_at=0.0)
    proxy.fault = "500"
    report = assistant.add_papers([HIVE, STORYLINE])
    assert (report.added, report.pending) == (2, 2)
    assert any("Not all vectors could be stored" in one for one in report.notices)
    assert assistant.remove(TWIGNET.id) == 1
    assert {hit.paper for hit in assistant.search("bees in films by TwigNet")} == {HIVE, STORYLINE}
    proxy.fault = ""
    assert assistant.index() == 0
    assert assistant.passage_count() == 2
    assert assistant.ask("How many bees were tracked?").notices == ()


def test_a_rebuild_leaves_a_failing_server_as_it_is(served: Library, proxy: Proxy) -> None:
    assistant = served()
    assistant.library.stores.close()
    proxy.fault = "500"
    with pytest.raises(StoreUnavailableError):
        assistant.rebuild()
    proxy.fault = ""
    assert assistant.passage_count() == 5


def test_answers_without_vectors_are_not_given_again(served: Library, proxy: Proxy) -> None:
    assistant = served(cache_mb=8, answerable_at=0.0)
    proxy.fault = "500"
    assert assistant.ask(QUESTION).notices
    proxy.fault = ""
    answer = assistant.ask(QUESTION)
    assert answer.notices == ()
    assert answer.trace.cached_from == ""
    assert assistant.ask(QUESTION).trace.cached_from


# --- another store than before --------------------------------------------------------------


def test_vectors_that_stayed_in_the_folder_are_said_to(
    library: Library, proxy: Proxy, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    library(SAMPLE, home=home).close()
    moved = library((), home=home, chroma_url=proxy.url, answerable_at=0.0)
    answer = moved.ask(QUESTION)
    assert answer.citations[0].evidence.paper == TWIGNET
    assert any("'assistant copy FROM TO'" in one for one in answer.notices)
    with pytest.raises(StoreElsewhereError):
        moved.passage_count()
    moved.close()
    assert library((), home=home).ask(QUESTION).notices == ()
    rebuilt = library((), home=home, chroma_url=proxy.url)
    assert rebuilt.rebuild() == 0
    assert rebuilt.passage_count() == 5
    rebuilt.close()
    back = library((), home=home)
    with pytest.raises(StoreElsewhereError):
        back.passage_count()


def test_a_server_that_lost_its_data_is_not_taken_for_whole(
    served: Library, chroma: ChromaProcess
) -> None:
    assistant = served(answerable_at=0.0)
    store = assistant.library.store()
    assistant.library.stores.close()
    other = ChromaStore(place(chroma.url, 20), "all-MiniLM-L6-v2", 384, store.name)
    other.drop()
    other.close()
    assert any("--rebuild'" in one for one in assistant.ask(QUESTION).notices)
    assert assistant.rebuild() == 0
    assert assistant.ask(QUESTION).notices == ()


# --- doctor -----------------------------------------------------------------------------------


def test_doctor_checks_the_server_and_the_collection_on_it(
    library: Library, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assistant.doctor import Check, examine

    settings = {"chroma_url": proxy.url, "chroma_token": TOKEN, "chroma_timeout": 20.0}
    assistant = library(home=tmp_path / "home", **settings)
    store = assistant.library.store()
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ASSISTANT_MODELS", str(assistant.settings.models))
    monkeypatch.setenv("ASSISTANT_MODEL", "extractive")
    monkeypatch.setenv("ASSISTANT_CHROMA_URL", proxy.url)
    monkeypatch.setenv("ASSISTANT_CHROMA_TOKEN", TOKEN)
    monkeypatch.setenv("ASSISTANT_CHROMA_TIMEOUT", "5")
    monkeypatch.chdir(tmp_path)

    def checks() -> dict[str, Check]:
        found = {one.name: one for one in examine(quick=True)}
        assert TOKEN not in f"{found}"
        return found

    well = checks()
    assert "API 1.0.0; the client is chromadb 1" in well["Chroma server"].detail
    assert {well[name].state for name in ("Chroma server", "collection", "library")} == {"ok"}
    proxy.fault = "version 0.6.3"
    assert checks()["Chroma server"].state == "fault"
    assert "is of version 0.6.3" in checks()["Chroma server"].detail
    proxy.fault = "401"
    assert "ASSISTANT_CHROMA_TOKEN" in checks()["Chroma server"].detail
    proxy.fault = ""
    store.drop()
    gone = checks()
    assert "has no collection" in gone["collection"].detail
    assert gone["collection"].repair.startswith("assistant copy")
    other = ChromaStore.renewed(place(proxy.url, 20), "others", 7, store.name)
    wrong = checks()["collection"]
    assert (wrong.state, wrong.repair) == ("fault", "assistant doctor --rebuild")
    other.close()
    assert assistant.rebuild() == 0
    assert checks()["collection"].state == "ok"
