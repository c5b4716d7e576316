"""A server that misbehaves: a useful message in time, one retry layer, a breaker, less evidence."""

import gc
import json
import time
from collections import Counter
from collections.abc import Callable, Collection
from types import AsyncGeneratorType

import pytest

from assistant import Assistant
from assistant.adapters.openai_chat import OpenAIChat
from assistant.app import breaker as breakers
from assistant.app.breaker import Breaker, Guarded
from assistant.cancellation import Cancellation
from assistant.errors import CancelledError, ContextOverflowError, ModelError
from assistant.types import Message
from tests import fakes
from tests.fakes import KEY, FakeServer
from tests.samples import TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"
REMOVES = "TwigNet removes 92% of the weights of a ResNet-50 [1]."
HELLO = [Message(role="user", content="Hello")]
LIMIT = 3.0
# What the server does, what the message says, and how often it is asked.
FAULTS: dict[str, tuple[fakes.Behaviour, str, int]] = {
    "429": (fakes.fails(429), "over its rate or quota; wait", 3),
    "500": (fakes.fails(500), "HTTP 500; try again later", 3),
    "hangs": (fakes.hangs, "didn't finish in time (3 s); raise ASSISTANT_ANSWER_TIMEOUT", 1),
    "half a stream": (fakes.breaks_off("TwigNet rem"), "fake-model", 1),
    "bad JSON": (fakes.sends_bad_json, "check OPENAI_BASE_URL", 1),
    "wrong model": (fakes.fails(404), "doesn't know this model or path; check ASSISTANT_OPENAI", 1),
    "HTML": (fakes.sends_html, "check OPENAI_BASE_URL", 1),
}


def chat(server: FakeServer, timeout: float = LIMIT) -> OpenAIChat:
    return OpenAIChat(model="fake-model", api_key=KEY, base_url=server.address, timeout=timeout)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_gives_a_useful_message_in_time(server: FakeServer, fault: str) -> None:
    behaviour, message, asked = FAULTS[fault]
    server.will(behaviour)
    model = chat(server)
    since = time.monotonic()
    with pytest.raises(ModelError) as caught:
        "".join(model.stream(HELLO, 9))
    assert time.monotonic() - since < LIMIT + 2
    assert message in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(server.bodies) == asked


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "half a stream"])
def test_a_reply_of_one_word_fails_as_usefully_and_sooner(server: FakeServer, fault: str) -> None:
    behaviour, message, _ = FAULTS[fault]
    server.will(behaviour)
    model = chat(server)
    since = time.monotonic()
    with pytest.raises(ModelError) as caught:
        model.yes_probability(HELLO)
    assert time.monotonic() - since < LIMIT
    assert message.replace("(3 s)", "(2 s)") in str(caught.value)
    assert len(server.bodies) == 1


def test_retry_after_is_kept_to(server: FakeServer) -> None:
    server.will(fakes.fails(429, Retry_After="1"), fakes.says("Hello"))
    since = time.monotonic()
    assert "".join(chat(server, 20).stream(HELLO, 9)) == "Hello"
    assert time.monotonic() - since >= 1.0
    assert len(server.bodies) == 2


def test_rewriting_a_follow_up_has_a_third_of_the_time(online: Library, server: FakeServer) -> None:
    server.will(fakes.hangs, fakes.says(REMOVES))
    turns = [{"role": "user", "content": "What is TwigNet?"}]
    answer = online(answer_timeout=LIMIT, answerable_at=0.0).ask(QUESTION, turns)
    assert answer.text == REMOVES
    assert answer.seconds["condense"] < LIMIT
    assert "didn't finish in time (1 s)" in answer.notices[0]


# --- a reply that is given up -----------------------------------------------------------------


def half_read(but: Collection[int] = ()) -> dict[int, str]:
    """Return the async generators that somebody began to read and nobody has closed."""
    found = [one for one in gc.get_objects() if type(one) is AsyncGeneratorType]
    return {id(one): repr(one) for one in found if one.ag_frame and id(one) not in but}


def read_whole(model: OpenAIChat) -> None:
    assert "".join(model.stream(HELLO, 9)) == "TwigNet removes"


def read_what_breaks(model: OpenAIChat) -> None:
    "".join(model.stream(HELLO, 9))


def close_early(model: OpenAIChat) -> None:
    reply = model.stream(HELLO, 9)
    assert next(reply)
    reply.close()


def leave_to_the_collector(model: OpenAIChat) -> None:
    assert next(model.stream(HELLO, 9))


def cancel(model: OpenAIChat) -> None:
    cancellation = Cancellation()
    reply = model.metered(Counter(), cancellation).stream(HELLO, 9)
    assert next(reply)
    cancellation.cancel()
    "".join(reply)


def cancel_before_it_begins(model: OpenAIChat) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    "".join(model.metered(Counter(), cancellation).stream(HELLO, 9))


SLOWLY = fakes.says("TwigNet removes", pause=0.2)
# What the server does, what is done with its reply, and what comes of it.
GIVEN_UP: dict[str, tuple[fakes.Behaviour, Callable[[OpenAIChat], None], type[Exception] | None]]
GIVEN_UP = {
    "whole": (fakes.says("TwigNet removes"), read_whole, None),
    "bad JSON": (fakes.sends_bad_json, read_what_breaks, ModelError),
    "breaks off": (fakes.breaks_off("TwigNet"), read_what_breaks, ModelError),
    "too slow": (fakes.trickles, read_what_breaks, ModelError),
    "closed": (SLOWLY, close_early, None),
    "collected": (SLOWLY, leave_to_the_collector, None),
    "cancelled": (SLOWLY, cancel, CancelledError),
    "cancelled before": (SLOWLY, cancel_before_it_begins, CancelledError),
}


@pytest.mark.parametrize("how", GIVEN_UP)
def test_nothing_of_a_reply_is_left_to_the_collector(server: FakeServer, how: str) -> None:
    behaviour, give_up, error = GIVEN_UP[how]
    server.will(behaviour)
    others = set(half_read())
    model = chat(server)
    if error is None:
        give_up(model)
    else:
        with pytest.raises(error) as caught:
            give_up(model)
        # It holds the frames that it came through, and they what they were reading.
        assert caught.value.__traceback__
    until = time.monotonic() + LIMIT
    while (left := half_read(others)) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == {}
    model.end()


def test_an_error_is_collected_while_the_model_is_asked(server: FakeServer) -> None:
    def fail(model: OpenAIChat) -> None:
        # With its name it is in a cycle, so that only the collector frees it.
        with pytest.raises(ModelError) as caught:
            "".join(model.stream(HELLO, 9))
        assert caught

    server.will(fakes.sends_bad_json)
    model = chat(server)
    for _ in range(20):
        fail(model)
        # In this thread, while the model's own closes what the collector hands to it.
        gc.collect()
    model.end()


# --- a context that is too short ------------------------------------------------------------


def test_evidence_shrinks_until_the_model_can_read_it(online: Library, server: FakeServer) -> None:
    server.will(fakes.reads_at_most(2, fakes.says(REMOVES)))
    answer = online().ask(QUESTION)
    assert answer.text == REMOVES
    assert answer.status == "answered"
    assert 1 <= len(answer.evidence) <= 2
    (notice,) = answer.notices
    assert f"it read the best {len(answer.evidence)} sentences only" in notice


def test_one_sentence_too_long_is_said_and_quoted(online: Library, server: FakeServer) -> None:
    server.will(fakes.reads_at_most(0, fakes.says(REMOVES)))
    answer = online(answerable_at=0.0).ask(QUESTION)
    assert answer.model == "extractive"
    assert answer.citations[0].evidence.paper == TWIGNET
    assert any("can't read so much at once" in notice for notice in answer.notices)


def test_a_small_model_is_asked_with_less_as_well(quoting: Library, server: FakeServer) -> None:
    server.will(fakes.reads_at_most(1, fakes.says_yes(0.9)))
    small = OpenAIChat(
        model="small", api_key="", base_url=server.address, timeout=20, is_small=True
    )
    with Assistant(quoting().settings, llm=small) as assistant:
        answer = assistant.ask(QUESTION)
    assert answer.trace.answerability["model"] == pytest.approx(0.9)
    assert len(answer.evidence) == 1


@pytest.mark.parametrize(
    ("status", "message", "overflows"),
    [
        (400, "This model's maximum context length is 4096 tokens.", True),
        (400, "prompt is too long: 210000 tokens", True),
        (413, "Payload Too Large", True),
        (400, "Unknown parameter: logprobs", False),
        (500, "context length", False),
    ],
)
def test_overflow_is_told_from_other_faults(
    server: FakeServer, status: int, message: str, overflows: bool
) -> None:
    def behave(handler: fakes.Handler, body: fakes.Body) -> None:
        error = {"error": {"message": message}}
        handler.answer(status, "application/json", json.dumps(error).encode())

    server.will(behave)
    with pytest.raises(ModelError) as caught:
        chat(server).yes_probability(HELLO)
    assert isinstance(caught.value, ContextOverflowError) is overflows


# --- the breaker ----------------------------------------------------------------------------


def test_a_model_that_keeps_failing_is_not_waited_for(online: Library, server: FakeServer) -> None:
    server.will(fakes.fails(404))
    assistant = online(answerable_at=0.0)
    first = [assistant.ask(QUESTION) for _ in range(breakers.FAILURES)]
    asked = len(server.bodies)
    answer = assistant.ask(QUESTION)
    assert len(server.bodies) == asked == breakers.FAILURES
    assert all("doesn't know this model" in one.notices[0] for one in first)
    assert "failed 3 times in a row (fake-model at" in answer.notices[0]
    assert "isn't asked for" in answer.notices[0]
    assert answer.citations[0].evidence.paper == TWIGNET
    assert answer.model == "extractive"


def test_the_breaker_tries_again_and_forgets(server: FakeServer) -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    model = Guarded(chat(server), breaker).metered(Counter())
    server.will(fakes.fails(404))
    for _ in range(3):
        assert breaker.notice() == ""
        with pytest.raises(ModelError):
            "".join(model.stream(HELLO, 9))
    assert "isn't asked for 30 s" in breaker.notice()
    now[0] = 31.0
    assert breaker.notice() == ""
    with pytest.raises(ModelError):
        model.yes_probability(HELLO)
    assert "failed 4 times" in breaker.notice()
    now[0] = 62.0
    server.will(fakes.says("Hello"))
    assert "".join(model.stream(HELLO, 9)) == "Hello"
    server.will(fakes.fails(404))
    with pytest.raises(ModelError):
        "".join(model.stream(HELLO, 9))
    assert breaker.notice() == ""


def test_a_text_too_long_does_not_open_the_breaker(server: FakeServer) -> None:
    breaker = Breaker()
    model = Guarded(chat(server), breaker)
    server.will(fakes.fails(413))
    for _ in range(4):
        with pytest.raises(ContextOverflowError):
            "".join(model.stream(HELLO, 9))
        with pytest.raises(ContextOverflowError):
            model.yes_probability(HELLO)
    assert breaker.notice() == ""
