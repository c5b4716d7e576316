"""The OpenAI-compatible endpoints, asked by the unmodified `openai` client."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest

from assistant.app import Assistant
from assistant.protocols import Embedder
from tests.fakes import FakeServer, breaks_off, hangs, says, says_yes
from tests.http_service import fetch, serving

QUESTION = "How many weights of a ResNet-50 does TwigNet remove?"
ASK = [{"role": "user", "content": QUESTION}]
MODEL = "abstract-assistant"
SENTENCE = "TwigNet removes 92% of the weights of a ResNet-50 and loses 0.4 points of accuracy"


def client_of(address: str, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0, **options)


@pytest.fixture(scope="module")
def address(sample_home: Path, models_folder: Path) -> Iterator[str]:
    options: dict[str, Any] = {"home": sample_home, "models": models_folder, "offline": True}
    with Assistant(model="extractive", **options) as assistant, serving(assistant) as found:
        yield found


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with client_of(address) as made:
        yield made


def test_an_answer_carries_its_citations_in_the_text_and_beside_it(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(model=MODEL, messages=ASK)
    choice = made.choices[0]
    assert choice.finish_reason == "stop"
    text, _, below = choice.message.content.partition("\n\n**Sources**\n\n")
    assert SENTENCE in text
    assert "on ImageNet [1]." in text
    assert below.startswith("1. **[TwigNet: Pruning Before the First Step](https://doi.org/")
    assert made.usage.total_tokens == 0  # Nobody wrote: the paper's own sentence is shown.
    first = made.citations[0]
    assert (first["number"], first["paper"]["id"]) == (1, "doi:10.1234/twignet")
    assert first["sentence"].startswith(SENTENCE)
    assert made.answer["status"] == "answered"
    assert made.answer["text"] == text
    assert made._request_id.startswith("req_")


def test_a_stream_gives_the_same_answer_in_pieces(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=MODEL, messages=ASK)
    stream = client.chat.completions.create(
        model=MODEL, messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(piece.choices[0].delta.content or "" for piece in chunks if piece.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-2].citations == whole.citations
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 0
    assert len({piece.id for piece in chunks}) == 1


def test_usage_is_what_the_model_behind_reported(
    online: Callable[..., Assistant], server: FakeServer
) -> None:
    server.will(says("TwigNet removes 92% of the weights of a ResNet-50 [1].", usage=(310, 12)))
    with serving(online()) as address, client_of(address) as client:
        made = client.chat.completions.create(model=MODEL, messages=ASK)
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (310, 12)
    assert made.usage.total_tokens == 322
    assert made.answer["written_by"] == "fake-model"


def test_a_follow_up_is_understood_and_our_own_sources_are_not_read_back(
    client: openai.OpenAI,
) -> None:
    turns: list[Any] = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "How did honeybees find home in fog?"},
    ]
    first = client.chat.completions.create(model=MODEL, messages=turns)
    turns.append({"role": "assistant", "content": first.choices[0].message.content})
    parts = [{"type": "text", "text": "How many of them were tracked?"}]
    turns.append({"role": "user", "content": parts})
    second = client.chat.completions.create(model=MODEL, messages=turns)
    assert "240 bees" in second.answer["text"]


def test_a_filter_says_which_papers_may_be_read(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(
        model=MODEL, messages=ASK, extra_body={"where": "year>=2022"}
    )
    assert "doi:10.1234/twignet" not in {one["paper"]["id"] for one in made.citations}


def test_embeddings_are_those_of_the_library(client: openai.OpenAI, embedder: Embedder) -> None:
    texts = ["Honeybees in fog", "Tide tables"]
    made = client.embeddings.create(model="all-MiniLM-L6-v2", input=texts)
    given = np.array([one.embedding for one in made.data], dtype=np.float32)
    np.testing.assert_allclose(given, embedder.embed(texts), atol=1e-5)
    plain = client.embeddings.create(
        model="all-MiniLM-L6-v2", input=texts[0], encoding_format="float"
    )
    np.testing.assert_allclose(plain.data[0].embedding, given[0], atol=1e-5)


def test_models_are_the_one_that_answers_and_the_one_that_embeds(client: openai.OpenAI) -> None:
    assert [one.id for one in client.models.list()] == [MODEL, "all-MiniLM-L6-v2"]
    assert client.models.retrieve(MODEL).owned_by == "abstract-assistant"
    with pytest.raises(openai.NotFoundError, match="set model to 'abstract-assistant'"):
        client.models.retrieve("gpt-4.1")


@pytest.mark.parametrize(
    ("request_", "kind", "words"),
    [
        ({"model": "gpt-4.1"}, openai.NotFoundError, "set model to 'abstract-assistant'"),
        ({"messages": []}, openai.BadRequestError, "at least 1 item"),
        ({"messages": [{"role": "user", "content": " "}]}, openai.BadRequestError, "with text"),
        ({"messages": [{"role": "system", "content": "x"}]}, openai.BadRequestError, "the user's"),
        ({"n": 2}, openai.BadRequestError, "n: "),
        ({"response_format": {"type": "json_object"}}, openai.BadRequestError, "response_format"),
        ({"extra_body": {"where": "colour:red"}}, openai.BadRequestError, "Fields are year"),
        (
            {"messages": [{"role": "user", "content": "why " * 2000}]},
            openai.BadRequestError,
            "4,000 is the most",
        ),
    ],
)
def test_a_wrong_request_gets_a_plain_error(
    client: openai.OpenAI, request_: dict[str, Any], kind: type[openai.APIStatusError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        client.chat.completions.create(**{"model": MODEL, "messages": ASK, **request_})
    assert set(caught.value.body) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"input": []}, "send 1 to 256"),
        ({"input": ["a", " "]}, "is empty"),
        ({"input": ["a"] * 257}, "257 texts came"),
        ({"input": [[1, 2]]}, "valid string"),
        ({"input": "a", "dimensions": 3}, "384 dimensions"),
    ],
)
def test_texts_that_cannot_be_embedded_get_a_plain_error(
    client: openai.OpenAI, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=words):
        client.embeddings.create(model="all-MiniLM-L6-v2", **options)


def test_half_a_surrogate_pair_is_no_crash(address: str) -> None:
    body = b'{"model": "abstract-assistant", "messages": [{"role": "user", "content": "\\ud83d?"}]}'
    status, _, answer = fetch(f"{address}/v1/chat/completions", body)
    assert (status, answer["answer"]["status"]) == (200, "abstained")


def test_an_empty_library_is_told(library: Callable[..., Assistant]) -> None:
    with serving(library(())) as address, client_of(address) as client:
        with pytest.raises(openai.NotFoundError, match="assistant add") as caught:
            client.chat.completions.create(model=MODEL, messages=ASK)
        assert caught.value.code == "library_empty"
        with pytest.raises(openai.NotFoundError, match="assistant add"):
            list(client.chat.completions.create(model=MODEL, messages=ASK, stream=True))


def test_a_model_that_breaks_off_leaves_an_answer_with_a_notice(
    online: Callable[..., Assistant], server: FakeServer
) -> None:
    server.will(breaks_off("TwigNet rem"))
    with serving(online()) as address, client_of(address) as client:
        made = client.chat.completions.create(model=MODEL, messages=ASK)
    assert "92%" in made.choices[0].message.content
    assert made.answer["notices"]


def test_a_request_ends_within_its_limit(
    online: Callable[..., Assistant], server: FakeServer
) -> None:
    from assistant.http.guards import Limits

    server.will(hangs)
    with serving(online(), Limits(seconds=1.5)) as address, client_of(address) as client:
        with pytest.raises(openai.InternalServerError, match=r"within 1\.5 seconds") as caught:
            client.chat.completions.create(model=MODEL, messages=ASK)
        assert caught.value.status_code == 504
        with pytest.raises(openai.APIError, match=r"within 1\.5 seconds"):
            list(client.chat.completions.create(model=MODEL, messages=ASK, stream=True))
        server.stopping.set()


def test_no_key_is_in_what_a_client_sees(
    online: Callable[..., Assistant], server: FakeServer
) -> None:
    from tests.fakes import KEY, fails

    server.will(fails(401))
    with serving(online()) as address:
        body = {"model": MODEL, "messages": ASK}
        _, headers, answer = fetch(f"{address}/v1/chat/completions", body)
    assert KEY not in f"{headers}{answer}"
    assert "refused the key" in f"{answer['answer']['notices']}"


def test_a_small_model_may_be_behind_too(
    online: Callable[..., Assistant], server: FakeServer
) -> None:
    server.will(says_yes(0.9), says("It removes 92% of the weights."))
    with serving(online()) as address, client_of(address) as client:
        made = client.chat.completions.create(model=MODEL, messages=ASK)
    assert made.choices[0].message.content
