"""The embedder behind an OpenAI-compatible address, with the server faked at the wire."""

import logging
import socket

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.adapters.openai_embedder import (
    BATCH_CHARACTERS,
    BATCH_TEXTS,
    TEXT_CHARACTERS,
    OpenAIEmbedder,
    _batches,
)
from assistant.errors import ModelError
from tests import fakes
from tests.fakes import FakeServer, WordEmbedder

KEY = "sk-fake-and-secret-0815"
TEXTS = ["Bees fly home.", "Stocks fell.", "Bees find their hive.", "Rain in May."]


def make(address: str, key: str = KEY, timeout: float = 5.0) -> OpenAIEmbedder:
    return OpenAIEmbedder(model="words", api_key=key, base_url=address, timeout=timeout)


@pytest.fixture
def embedder(server: FakeServer) -> OpenAIEmbedder:
    return make(server.address)


# --- what is asked, and what comes of it ----------------------------------------------------


def test_vectors_come_in_order_and_at_length_one(
    embedder: OpenAIEmbedder, server: FakeServer
) -> None:
    rows = embedder.embed(TEXTS)
    assert rows.dtype == np.float32
    assert rows == pytest.approx(WordEmbedder().embed(TEXTS), abs=1e-6)
    assert server.paths == ["/v1/embeddings"]
    assert server.bodies == [{"input": TEXTS, "model": "words", "encoding_format": "float"}]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_places_decide_not_the_order_of_the_reply(
    embedder: OpenAIEmbedder, server: FakeServer
) -> None:
    server.will_embed(fakes.embeds(backwards=True))
    assert embedder.embed(TEXTS) == pytest.approx(WordEmbedder().embed(TEXTS), abs=1e-6)


def test_a_question_is_one_row(embedder: OpenAIEmbedder) -> None:
    vector = embedder.embed_query(TEXTS[0])
    assert vector.shape == (WordEmbedder.dimension,)
    assert vector == pytest.approx(WordEmbedder().embed_query(TEXTS[0]), abs=1e-6)


def test_name_needs_no_request(embedder: OpenAIEmbedder, server: FakeServer) -> None:
    assert embedder.name == "openai:words"
    assert server.bodies == []


def test_dimension_is_asked_for_once(embedder: OpenAIEmbedder, server: FakeServer) -> None:
    assert embedder.dimension == embedder.dimension == WordEmbedder.dimension
    assert len(server.bodies) == 1


def test_dimension_is_known_from_the_first_reply(
    embedder: OpenAIEmbedder, server: FakeServer
) -> None:
    embedder.embed(TEXTS)
    assert embedder.dimension == WordEmbedder.dimension
    assert len(server.bodies) == 1


def test_nothing_gives_no_rows(embedder: OpenAIEmbedder) -> None:
    assert embedder.embed([]).shape == (0, WordEmbedder.dimension)


def test_many_texts_go_in_batches(embedder: OpenAIEmbedder, server: FakeServer) -> None:
    texts = [f"Text number {number}." for number in range(2 * BATCH_TEXTS + 1)]
    rows = embedder.embed(texts)
    assert [len(body["input"]) for body in server.bodies] == [BATCH_TEXTS, BATCH_TEXTS, 1]
    assert rows == pytest.approx(WordEmbedder().embed(texts), abs=1e-6)


def test_empty_and_endless_texts_are_sent_as_servers_take_them(
    embedder: OpenAIEmbedder, server: FakeServer
) -> None:
    assert embedder.embed(["", "x" * 10 * TEXT_CHARACTERS]).shape[0] == 2
    assert server.bodies[0]["input"] == [" ", "x" * TEXT_CHARACTERS]


@given(st.lists(st.integers(0, 2 * TEXT_CHARACTERS), max_size=300))
def test_batches_lose_nothing_and_stay_within_bounds(lengths: list[int]) -> None:
    texts = [chr(97 + place % 26) * length for place, length in enumerate(lengths)]
    batches = list(_batches(texts))
    sent = [text for batch in batches for text in batch]
    assert sent == [text[:TEXT_CHARACTERS] or " " for text in texts]
    assert all(0 < len(batch) <= BATCH_TEXTS for batch in batches)
    assert all(sum(map(len, batch)) <= BATCH_CHARACTERS for batch in batches)


# --- what goes wrong ------------------------------------------------------------------------

FAULTS = {
    "400": (fakes.fails(400), "check that ASSISTANT_EMBEDDER"),
    "401": (fakes.fails(401), "check OPENAI_API_KEY"),
    "403": (fakes.fails(403), "check what the key may do"),
    "404": (fakes.fails(404), "check ASSISTANT_EMBEDDER and OPENAI_BASE_URL"),
    "429": (fakes.fails(429, retry_after="0"), "'assistant index'"),
    "500": (fakes.fails(500, retry_after="0"), "HTTP 500; try again later"),
    "bad JSON": (fakes.sends_bad_json, "can't be read"),
    "HTML": (fakes.sends_html, "can't be read"),
    "no vectors": (fakes.embeds(lambda texts: []), "4 texts, 0 replies"),
    "one too few": (fakes.embeds(lambda texts: [[1.0]] * (len(texts) - 1)), "4 texts, 3 replies"),
    "one too many": (fakes.embeds(lambda texts: [[1.0]] * (len(texts) + 1)), "4 texts, 5 replies"),
    "no numbers": (fakes.embeds(lambda texts: [[]] * len(texts)), "a vector for each text"),
    "one number": (fakes.embeds(lambda texts: [1.0] * len(texts)), "a vector for each text"),
    "null": (fakes.embeds(lambda texts: [None] * len(texts)), "a vector for each text"),
    "nulls": (fakes.embeds(lambda texts: [[None, 1.0]] * len(texts)), "without direction"),
    "words": (fakes.embeds(lambda texts: [["a"]] * len(texts)), "can't be read"),
    "token vectors": (fakes.embeds(lambda texts: [[[1.0]]] * len(texts)), "a vector for each text"),
    "ragged": (fakes.embeds(lambda texts: [[1.0] * (1 + len(t)) for t in texts]), "can't be read"),
    "zeros": (fakes.embeds(lambda texts: [[0.0, 0.0]] * len(texts)), "without direction"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_a_model_error_that_says_what_to_do(
    embedder: OpenAIEmbedder, server: FakeServer, fault: str
) -> None:
    behaviour, advice = FAULTS[fault]
    server.will_embed(behaviour)
    with pytest.raises(ModelError, match=r"words at http://127\.0\.0\.1") as caught:
        embedder.embed(TEXTS)
    assert advice in str(caught.value)


@pytest.mark.parametrize("fault", ["401", "404", "500", "bad JSON"])
def test_key_is_in_no_message_and_no_log(
    embedder: OpenAIEmbedder, server: FakeServer, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.will_embed(FAULTS[fault][0])
    with pytest.raises(ModelError) as caught:
        embedder.embed(TEXTS)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in str(caught.value) + caplog.text + repr(embedder)


def test_all_places_the_same_is_refused_as_the_order_is_unknown(
    embedder: OpenAIEmbedder, server: FakeServer
) -> None:
    def same_place(handler: fakes.Handler, body: fakes.Body) -> None:
        row = b'{"object": "embedding", "index": 0, "embedding": [1.0]}'
        handler.answer(200, "application/json", b'{"data": [' + row + b", " + row + b"]}")

    server.will_embed(same_place)
    with pytest.raises(ModelError, match="a vector for each text"):
        embedder.embed(TEXTS[:2])


def test_password_in_the_address_goes_into_a_header_alone(server: FakeServer) -> None:
    server.will_embed(fakes.fails(404))
    embedder = make(server.address.replace("//", "//me:hunter2@"), key="")
    with pytest.raises(ModelError, match=r"127\.0\.0\.1") as caught:
        embedder.embed(TEXTS)
    assert "hunter2" not in str(caught.value)
    assert server.headers[0]["authorization"].startswith("Basic ")


def test_a_passing_fault_is_tried_again(embedder: OpenAIEmbedder, server: FakeServer) -> None:
    server.will_embed(fakes.fails(500, retry_after="0"), fakes.embeds())
    assert embedder.embed(TEXTS).shape == (4, WordEmbedder.dimension)
    assert len(server.bodies) == 2


def test_server_that_hangs_is_left(server: FakeServer) -> None:
    server.will_embed(fakes.hangs)
    with pytest.raises(ModelError, match="didn't answer in time"):
        make(server.address, timeout=0.2).embed(TEXTS)


def test_server_that_is_not_there() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
    with pytest.raises(ModelError, match="can't be reached; check OPENAI_BASE_URL"):
        make(address).embed(TEXTS)


@pytest.mark.parametrize("address", ["not a url", "http://127.0.0.1:99999/v1"])
def test_odd_address(address: str) -> None:
    with pytest.raises(ModelError, match="OPENAI_BASE_URL"):
        make(address).embed(TEXTS)


def test_key_that_cannot_be_one(server: FakeServer) -> None:
    with pytest.raises(ModelError, match="OPENAI_API_KEY") as caught:
        make(server.address, key="sk-with-an-ellipsis…")
    assert "ellipsis…" not in str(caught.value)


def test_vectors_of_another_width_are_refused(embedder: OpenAIEmbedder, server: FakeServer) -> None:
    embedder.embed(TEXTS)
    server.will_embed(fakes.embeds(lambda texts: [[1.0, 2.0]] * len(texts)))
    with pytest.raises(ModelError, match="2 numbers after some of 256"):
        embedder.embed(TEXTS)
    assert embedder.dimension == WordEmbedder.dimension
