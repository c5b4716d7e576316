"""The embedded chat model for real: it starts, answers, is verified, and fails visibly."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from assistant.adapters.local_llm import LocalChat, shipped_adapter
from assistant.adapters.model_files import fetch, known_model
from assistant.answering.judging import judge_by, judging_prompts
from assistant.app import Assistant
from assistant.errors import ModelError
from assistant.types import Message, StageEvent, TextEvent

pytestmark = [pytest.mark.local_model, pytest.mark.slow]


@pytest.fixture(scope="module")
def chat(models_folder: Path) -> Iterator[LocalChat]:
    """Return the embedded model, fetched where it isn't yet."""
    model = known_model("chat")
    path = fetch(model, models_folder, lambda what, done, total: None)
    chat = LocalChat(path, model.name, threads=2, start_timeout=120, timeout=120)
    yield chat
    chat.stop()


def test_it_tells_evidence_that_answers_from_evidence_that_does_not(chat: LocalChat) -> None:
    def asked(sentence: str) -> float:
        text = f"{sentence}\nHow many bees were tracked? Is the answer stated above? yes or no."
        share = chat.yes_probability([Message(role="user", content=text)])
        assert share is not None
        return share

    assert asked("We tracked 240 bees with radar.") > asked("Bees live in hives.")


def test_its_adapter_judges_claims_and_changes_nothing_else(
    chat: LocalChat, models_folder: Path
) -> None:
    path = known_model("chat").path(models_folder)
    adapted = LocalChat(path, chat.name, 2, 120, 120, shipped_adapter())
    text = "We followed 240 bees with radar; in fog they found home as often as in sunshine."
    plain = [Message(role="user", content=f"{text} Did fog hinder them? yes or no.")]
    try:
        judge = judge_by(adapted, judging_prompts(), forgiving=False)
        found = judge.finds("Bees home as well in fog as in sun.", text)
        against = judge.finds("Bees get lost in fog more often than in sun.", text)
        assert found is not None
        assert against is not None
        assert found["own"] > 0 > against["own"]
        share = adapted.yes_probability(plain)
    finally:
        adapted.stop()
    assert share == pytest.approx(chat.yes_probability(plain), abs=0.02)


def test_an_answer_is_cited_and_verified(
    chat: LocalChat, library: Callable[..., Assistant]
) -> None:
    assistant = library(model="local", answer_timeout=120.0, start_timeout=120.0)
    events = list(assistant.stream("How many bees did the radar study follow in fog?"))
    answer = events[-1].answer  # type: ignore[union-attr]
    assert answer.status in ("answered", "partial")
    assert "240" in answer.text
    assert answer.citations[0].evidence.paper.title == "How Honeybees Find Home in Fog"
    assert answer.model.startswith("Qwen")
    assert "".join(one.text for one in events if isinstance(one, TextEvent)) == answer.text
    assert any(isinstance(one, StageEvent) and one.name == "write" for one in events)


def test_what_no_paper_says_is_declined(chat: LocalChat, library: Callable[..., Assistant]) -> None:
    assistant = library(model="local", answer_timeout=120.0, start_timeout=120.0)
    answer = assistant.ask("Which brand of radar did the bee study buy, and at what price?")
    assert answer.status == "abstained"
    assert answer.nearest[0].title == "How Honeybees Find Home in Fog"


def test_a_model_that_cannot_start_leaves_a_notice_and_quotes(
    tmp_path: Path, library: Callable[..., Assistant]
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, but not really")
    assistant = library(model="local", local_model_path=str(broken), start_timeout=20.0)
    answer = assistant.ask("How many bees were tracked in dense fog?")
    assert "240 bees" in answer.text
    assert answer.model == "extractive"
    assert any("didn't start" in notice for notice in answer.notices)


def test_stop_ends_the_process(chat: LocalChat) -> None:
    chat.start()
    children = {child.pid for child in psutil.Process().children()}
    chat.stop()
    until = time.monotonic() + 10
    while time.monotonic() < until and len(children & set(psutil.pids())) == len(children):
        time.sleep(0.1)
    assert len(children & set(psutil.pids())) < len(children)


def test_a_missing_model_file_is_a_model_error(tmp_path: Path) -> None:
    chat = LocalChat(tmp_path / "none.gguf", "none", threads=1, start_timeout=20, timeout=5)
    with pytest.raises(ModelError, match="didn't start"):
        chat.start()
