"""Answers given again: when, when not, within which size, and as what."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant import Assistant
from assistant.adapters.answer_cache import AnswerCache
from assistant.adapters.answer_codec import decoded, encoded
from assistant.types import Answer, AnswerEvent, StageEvent, TextEvent
from tests import fakes
from tests.fakes import KEY, FakeServer
from tests.samples import HIVE, SAMPLE, TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"
REMOVES = "TwigNet removes 92% of the weights of a ResNet-50 [1]."


@pytest.fixture
def caching(library: Library, server: FakeServer) -> Library:
    """Return a maker of assistants with a cache, over one library, that ask the fake server."""
    home = library(SAMPLE).settings.home

    def make(**more: Any) -> Assistant:
        values = {
            "home": home,
            "model": "openai",
            "openai_api_key": KEY,
            "openai_base_url": server.address,
            "openai_model": "gpt-4.1-mini",
            "cache_mb": 1.0,
        }
        return library((), **{**values, **more})

    return make


def test_the_same_question_is_answered_again_without_a_model(
    caching: Library, server: FakeServer
) -> None:
    server.will(fakes.says(REMOVES, usage=(10, 5)))
    first = caching().ask(QUESTION)
    asked = len(server.bodies)
    # Also after the assistant was closed, and however the question is spaced.
    events = list(caching().stream(f"  {QUESTION} "))
    assert len(server.bodies) == asked
    last = events[-1]
    assert isinstance(last, AnswerEvent)
    again = last.answer
    assert [type(event) for event in events] == [StageEvent, TextEvent, AnswerEvent]
    assert (again.text, again.citations, again.evidence) == (
        first.text, first.citations, first.evidence
    )  # fmt: skip
    assert again.trace.tokens == {}
    assert again.trace.usd is None
    assert again.id != first.id
    assert set(again.seconds) == {"total", "first_text"}
    assert again.trace.cached_from == first.id


@pytest.mark.parametrize(
    "change",
    [
        {"question": "What does TwigNet remove of a ResNet-50?"},
        {"settings": {"policy": "lenient"}},
        {"settings": {"openai_model": "gpt-4.1"}},
        {"settings": {"cache_mb": 0.0}},
        {"where": "author:birch"},
        {"history": [{"role": "user", "content": "Hello"}]},
        {"papers": "added"},
        {"papers": "removed"},
    ],
    ids=str,
)
def test_whatever_an_answer_depends_on_makes_it_new(
    caching: Library, server: FakeServer, change: dict[str, Any]
) -> None:
    server.will(fakes.says(REMOVES))
    assistant = caching()
    assistant.ask(QUESTION)
    asked = len(server.bodies)
    if change.get("papers") == "added":
        assistant.add_papers([replace(HIVE, id="new", pmid="", title="Another of bees entirely")])
    elif change.get("papers") == "removed":
        assistant.remove(HIVE.id)
    other = caching(**change.get("settings", {}))
    question = change.get("question", QUESTION)
    other.ask(question, change.get("history", ()), where=change.get("where"))
    assert len(server.bodies) > asked


def test_an_answer_with_a_fault_is_not_given_again(caching: Library, server: FakeServer) -> None:
    assistant = caching(answerable_at=0.0)
    server.will(fakes.fails(404))
    assert assistant.ask(QUESTION).model == "extractive"
    assert assistant.cache.size()[0] == 0
    server.will(fakes.says(REMOVES))
    assert assistant.ask(QUESTION).text == REMOVES
    assert assistant.cache.size()[0] == 1


def test_another_library_at_the_same_place_is_another(caching: Library, library: Library) -> None:
    first = caching(model="extractive", answerable_at=0.0)
    first.ask(QUESTION)
    other = library([TWIGNET], cache_mb=1.0)
    assert first.library.fingerprint() != other.library.fingerprint()
    assert first.library.fingerprint() == first.library.fingerprint()


def test_a_full_or_damaged_cache_keeps_no_answer_back(caching: Library) -> None:
    assistant = caching(model="extractive", answerable_at=0.0)
    folder = assistant.settings.home / "cache"
    folder.write_text("in the way")
    assert assistant.ask(QUESTION).status == "answered"
    folder.unlink()
    assert assistant.ask(QUESTION).trace.cached_from == ""
    (path,) = folder.glob("*.json")
    for damage in ("", "[1]", '{"$": "Answer"}', '{"$": "Popen", "args": "x"}'):
        path.write_text(damage)
        assert assistant.ask(QUESTION).trace.cached_from == ""
    assert assistant.ask(QUESTION).trace.cached_from != ""


@pytest.fixture
def answer(quoting: Library) -> Answer:
    return quoting(answerable_at=0.0).ask(QUESTION)


def test_answers_come_back_the_same(answer: Answer) -> None:
    assert decoded(encoded(answer)) == answer
    assert "\n" not in encoded(answer)


def test_the_oldest_go_where_the_room_ends(answer: Answer, tmp_path: Path) -> None:
    room = 2.5 * len(encoded(answer).encode()) / 1e6
    cache = AnswerCache(tmp_path / "cache", room)
    assert cache.get({"n": 1}) is None
    for number in range(2):
        cache.put({"n": number}, answer)
        (path,) = (tmp_path / "cache").glob(f"{cache._path({'n': number}).name}")
        os.utime(path, (number, number))
    assert cache.get({"n": 0}) == answer  # and so it was asked for last
    cache.put({"n": 2}, answer)
    assert cache.get({"n": 1}) is None
    assert cache.get({"n": 0}) is not None
    count, size = cache.size()
    assert (count, size <= room * 1e6) == (2, True)
    assert cache.clear() == 2
    assert cache.size() == (0, 0)


def test_the_command_shows_and_clears(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    papers = tmp_path / "p.jsonl"
    papers.write_text("".join(json.dumps(one.to_dict()) + "\n" for one in SAMPLE), "utf-8")
    run("add", papers)
    for _ in range(2):
        assert run("ask", QUESTION).exit_code == 0
    assert json.loads(run("cache", "show", "--json").stdout)["answers"] == 1
    assert "1 answers, 0.0" in run("cache", "show").stdout
    assert "├─ cache: as answered before" in run("trace", "last").stdout
    assert run("cache", "clear").stdout == "1 answers forgotten\n"
    monkeypatch.setenv("ASSISTANT_CACHE_MB", "0")
    run("ask", QUESTION)
    assert run("cache", "show").stdout == "0 answers, 0.00 of 0 MB (ASSISTANT_CACHE_MB)\n"
