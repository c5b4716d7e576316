"""Seconds to the first words, and the tokens that a server tells."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from assistant.adapters.local_llm import LocalChat
from assistant.adapters.openai_chat import OpenAIChat
from assistant.app import Assistant
from assistant.errors import ModelError
from assistant.metering import metered
from assistant.settings import Settings
from assistant.types import AnswerEvent, Event, Message, StageEvent, TextEvent
from tests import fakes
from tests.fakes import FakeServer
from tests.samples import SAMPLE

QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"
REMOVES = "TwigNet removes 92% of the weights of a ResNet-50."
HELLO = [Message(role="user", content="Hello?")]


@pytest.fixture(scope="module")
def words_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose library only words find."""
    home = tmp_path_factory.mktemp("words")
    settings = Settings(home=home, models=home / "none", model="extractive", offline=True)
    with Assistant(settings) as assistant:
        assistant.add_papers(SAMPLE)
    return home


@pytest.fixture
def online(words_home: Path, server: FakeServer) -> Iterator[Callable[..., Assistant]]:
    """Return a maker of assistants that ask the fake server."""
    made: list[Assistant] = []

    def make(**more: object) -> Assistant:
        settings = Settings(
            home=words_home,
            models=words_home / "none",
            model="openai",
            openai_base_url=server.address,
            openai_model="fake-model",
            offline=True,
        )
        made.append(Assistant(settings, **more))
        return made[-1]

    yield make
    for assistant in made:
        assistant.close()


def chat(server: FakeServer) -> OpenAIChat:
    return OpenAIChat(model="m", api_key="", base_url=server.address, timeout=5)


# --- the first words ------------------------------------------------------------------------


def test_the_first_text_has_its_seconds(online: Callable[..., Assistant]) -> None:
    assistant = online(model="extractive", answerable_at=0.0)
    answer = assistant.ask(QUESTION)
    assert len(answer.claims) > 1
    assert 0 < answer.seconds["first_text"] <= answer.seconds["total"]
    assert answer.to_dict()["seconds"]["first_text"] > 0


def test_an_abstention_is_text_too(online: Callable[..., Assistant]) -> None:
    answer = online(model="extractive", answerable_at=1.1).ask(QUESTION)
    assert answer.status == "abstained"
    assert 0 < answer.seconds["first_text"] <= answer.seconds["total"]


def test_only_the_first_of_the_texts_counts(online: Callable[..., Assistant]) -> None:
    last = list(online(model="extractive").stream(QUESTION))[-1]
    assert isinstance(last, AnswerEvent)
    slow = threading.Event()

    def events() -> Iterator[Event]:
        yield StageEvent(name="retrieve", detail="")
        slow.wait(0.05)
        yield TextEvent(text="One.")
        slow.wait(0.2)
        yield TextEvent(text="Two.")
        yield last

    found = list(metered(events(), {"requests": 1}))
    assert found[:-1] == list(events())[:-1]
    answer = found[-1].answer  # type: ignore[union-attr]
    assert 0.05 <= answer.seconds["first_text"] < 0.2
    assert answer.trace.tokens == {"requests": 1}
    assert answer.text == last.answer.text


# --- tokens ---------------------------------------------------------------------------------


def test_tokens_of_all_requests_are_in_the_trace(
    online: Callable[..., Assistant], server: FakeServer
) -> None:
    server.will(fakes.says(QUESTION, usage=(50, 10)), fakes.says(REMOVES, usage=(300, 20)))
    history = [
        {"role": "user", "content": "What is TwigNet?"},
        {"role": "assistant", "content": "A way of pruning."},
    ]
    answer = online().ask("How much does it remove?", history)
    assert answer.trace.tokens == {
        "requests": 2,
        "unreported": 0,
        "prompt": 350,
        "completion": 30,
    }
    # The next answer has its own.
    server.will(fakes.says(REMOVES, usage=(300, 20)))
    assert online().ask(QUESTION).trace.tokens["prompt"] == 300


def test_what_a_server_does_not_tell_is_unreported(
    online: Callable[..., Assistant], server: FakeServer
) -> None:
    server.will(fakes.says(REMOVES))
    answer = online().ask(QUESTION)
    assert answer.text.startswith(REMOVES[:-1])
    assert answer.trace.tokens == {"requests": 1, "unreported": 1}


def test_without_a_chat_model_there_are_no_tokens(online: Callable[..., Assistant]) -> None:
    assert online(model="extractive").ask(QUESTION).trace.tokens == {}


def test_with_a_reranker_that_is_not_counted_the_sum_is_unknown(
    online: Callable[..., Assistant], server: FakeServer
) -> None:
    server.will(fakes.says(REMOVES, usage=(300, 20)))
    tokens = online(reranker="chat").ask(QUESTION).trace.tokens
    assert tokens["unreported"] >= 1


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_refuses_to_be_asked_for_tokens_is_asked_without(
    server: FakeServer, status: int
) -> None:
    server.will(fakes.knows_no_options(fakes.says(REMOVES), status))
    model, tokens = chat(server), Counter[str]()
    assert "".join(model.metered(tokens).stream(HELLO, 9)) == REMOVES
    assert [("stream_options" in body) for body in server.bodies] == [True, False]
    # Once is enough, whoever asks.
    assert "".join(model.metered(Counter()).stream(HELLO, 9)) == REMOVES
    assert [("stream_options" in body) for body in server.bodies] == [True, False, False]
    assert tokens == {"requests": 1, "unreported": 1}


def test_a_request_that_is_wrong_in_itself_fails_as_before(server: FakeServer) -> None:
    server.will(fakes.fails(400))
    model = chat(server)
    with pytest.raises(ModelError, match="HTTP 400"):
        "".join(model.stream(HELLO, 9))
    server.will(fakes.says(REMOVES, usage=(3, 2)))
    tokens = Counter[str]()
    assert "".join(model.metered(tokens).stream(HELLO, 9)) == REMOVES
    assert tokens["prompt"] == 3


def test_one_word_replies_are_counted_too(server: FakeServer) -> None:
    server.will(fakes.says_yes(0.9, usage=(40, 1)))
    tokens = Counter[str]()
    assert chat(server).metered(tokens).yes_probability(HELLO) == pytest.approx(0.9, abs=1e-6)
    assert tokens == {"requests": 1, "unreported": 0, "prompt": 40, "completion": 1}


def test_a_reply_that_breaks_off_is_unreported(server: FakeServer) -> None:
    server.will(fakes.breaks_off("TwigNet rem"))
    tokens = Counter[str]()
    with pytest.raises(ModelError):
        "".join(chat(server).metered(tokens).stream(HELLO, 9))
    assert tokens == {"requests": 1, "unreported": 1}


def test_questions_that_are_asked_at_once_count_apart(server: FakeServer) -> None:
    server.will(fakes.says(REMOVES, usage=(7, 3)))
    model = chat(server)
    counts = [Counter[str]() for _ in range(4)]
    asking = [
        threading.Thread(target=partial("".join, model.metered(one).stream(HELLO, 9)))
        for one in counts
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(20)
    assert {one["prompt"] for one in counts} == {7}


def test_the_embedded_model_counts_like_the_client_of_its_server(
    tmp_path: Path, server: FakeServer
) -> None:
    class Started(LocalChat):
        def start(self) -> OpenAIChat:
            return chat(server)

    server.will(fakes.says_yes(0.9, usage=(40, 1)), fakes.says(REMOVES, usage=(60, 12)))
    local, tokens = Started(tmp_path, "small", 1, 5, 5), Counter[str]()
    model = local.metered(Counter()).metered(tokens)
    assert (model.name, model.is_small) == ("small", True)
    model.yes_probability(HELLO)
    assert "".join(model.stream(HELLO, 9)) == REMOVES
    assert tokens == {"requests": 2, "unreported": 0, "prompt": 100, "completion": 13}
