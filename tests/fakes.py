"""Stand-ins at the edges: an OpenAI-compatible server on loopback, and an embedder of words."""

import contextlib
import json
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from assistant.grounding.comparison import FEATURES
from assistant.grounding.verifier import Stage, Verifier
from assistant.protocols import Vectors
from assistant.types import Message, Tier

KEY = "sk-fake-and-secret-4711"
Body = dict[str, Any]
Behaviour = Callable[["Handler", Body], None]


class Handler(BaseHTTPRequestHandler):
    """One request: note it, then behave as the server is told to."""

    protocol_version = "HTTP/1.1"
    server: "FakeServer"

    def do_POST(self) -> None:
        """Record the body and give the next reply."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        behaviour = self.server.take(body, headers, self.path)
        try:
            behaviour(self, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def handle(self) -> None:
        """Serve until the client leaves, also where it leaves without a word."""
        with contextlib.suppress(ConnectionResetError):
            super().handle()

    def answer(self, status: int, kind: str, payload: bytes, **headers: str) -> None:
        """Send one whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        # Else the client keeps a socket open, of which Python complains wherever a test ends.
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(payload)

    def begin_stream(self, *, chunked: bool = True) -> None:
        """Send the head of an event stream."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        self.chunked = chunked

    def send_line(self, text: str) -> None:
        """Send one event of the stream."""
        data = f"{text}\n\n".encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n" if self.chunked else data)
        self.wfile.flush()

    def end_stream(self) -> None:
        """Close the stream as an honest server does."""
        self.send_line("data: [DONE]")
        if self.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Keep the tests' output quiet."""


class FakeServer(ThreadingHTTPServer):
    """Replies as programmed, one behaviour a request (the last one stays); keeps the requests."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.stopping = threading.Event()
        self.asked = threading.Event()
        self.left = threading.Event()
        self._waiting: list[Behaviour] = []
        self._embedding: list[Behaviour] = [embeds()]
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """What goes into OPENAI_BASE_URL."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def will(self, *behaviours: Behaviour) -> None:
        """Program the replies to come."""
        self._waiting = list(behaviours)

    def will_embed(self, *behaviours: Behaviour) -> None:
        """Program the replies to come at /v1/embeddings; unless told, it embeds words."""
        self._embedding = list(behaviours)

    def take(self, body: Body, headers: dict[str, str], path: str) -> Behaviour:
        """Note a request and return the behaviour that is due."""
        self.bodies.append(body)
        self.headers.append(headers)
        self.paths.append(path)
        waiting = self._embedding if path == "/v1/embeddings" else self._waiting
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def stop(self) -> None:
        """Free the port and let whatever hangs go."""
        self.stopping.set()
        self.shutdown()
        self.server_close()


def _chunk(content: str | None, finish: str | None = None) -> str:
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "fake"}
    return "data: " + json.dumps({**chunk, "choices": [choice]})


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    prompt, completion = usage
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _whole(text: str, logprobs: Any = None, usage: tuple[int, int] | None = None) -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": logprobs}
    reply = {"id": "c", "object": "chat.completion", "created": 0, "model": "fake"}
    told = {} if usage is None else {"usage": _usage(usage)}
    return json.dumps({**reply, "choices": [choice], **told}).encode()


def says(
    text: str | Callable[[Body], str],
    pieces: int = 7,
    finish: str = "stop",
    usage: tuple[int, int] | None = None,
    pause: float = 0.0,
) -> Behaviour:
    """Reply with `text` in pieces of `pieces` characters; a callable reads the request first.

    `pause` seconds pass before each piece.

    `usage` is told, as tokens read and written, in a last chunk without choices if asked for.
    """

    def behave(handler: Handler, body: Body) -> None:
        reply = text if isinstance(text, str) else text(body)
        if not body.get("stream"):
            handler.answer(200, "application/json", _whole(reply, usage=usage))
            return
        handler.begin_stream()
        for start in range(0, len(reply), pieces):
            time.sleep(pause)
            handler.send_line(_chunk(reply[start : start + pieces]))
        handler.send_line(_chunk(None, finish))
        if usage is not None and body.get("stream_options", {}).get("include_usage"):
            last = json.loads(_chunk(None).removeprefix("data: "))
            told = {**last, "choices": [], "usage": _usage(usage)}
            handler.send_line("data: " + json.dumps(told))
        handler.end_stream()

    return behave


def says_yes(probability: float | None, usage: tuple[int, int] | None = None) -> Behaviour:
    """Reply with one token and its log-probabilities; None: the server gives none."""

    def behave(handler: Handler, body: Body) -> None:
        logprobs = None
        if probability is not None:
            shares = (("Yes", probability), (" no", 1 - probability))
            top = [
                {"token": token, "logprob": float(np.log(max(share, 1e-9))), "bytes": None}
                for token, share in shares
            ]
            logprobs = {"content": [{**top[0], "top_logprobs": top}], "refusal": None}
        handler.answer(200, "application/json", _whole("Yes", logprobs, usage))

    return behave


def embeds(
    vectors: Callable[[list[str]], Any] | None = None, *, backwards: bool = False
) -> Behaviour:
    """Reply with a vector for each text, by default `WordEmbedder`'s at length 3.

    `backwards` sends them in an order of the server's own, with the places of the texts.
    """

    def behave(handler: Handler, body: Body) -> None:
        rows = (vectors or (lambda texts: (3 * WordEmbedder().embed(texts)).tolist()))(
            body["input"]
        )
        data = [
            {"object": "embedding", "index": place, "embedding": row}
            for place, row in enumerate(rows)
        ]
        reply = {
            "object": "list",
            "data": data[::-1] if backwards else data,
            "model": "fake",
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
        handler.answer(200, "application/json", json.dumps(reply).encode())

    return behave


def fails(status: int, **headers: str) -> Behaviour:
    """Answer with an HTTP error whose text repeats the key, as some servers do."""

    def behave(handler: Handler, body: Body) -> None:
        message = f"refused: {handler.headers.get('Authorization', '')}"
        payload = json.dumps({"error": {"message": message, "type": "fake"}}).encode()
        handler.answer(status, "application/json", payload, **headers)

    return behave


def knows_no_options(then: Behaviour, status: int = 400) -> Behaviour:
    """Refuse a request that names `stream_options`, as strict servers do; answer the others."""

    def behave(handler: Handler, body: Body) -> None:
        (fails(status) if "stream_options" in body else then)(handler, body)

    return behave


def reads_at_most(sentences: int, then: Behaviour) -> Behaviour:
    """Refuse a prompt with more numbered sentences, as llama.cpp does; answer the others."""

    def behave(handler: Handler, body: Body) -> None:
        numbered = re.findall(r"^\[\d+\] ", prompt_of(body), re.MULTILINE)
        if len(numbered) <= sentences:
            then(handler, body)
            return
        error = {
            "code": 400,
            "message": "request (9000 tokens) exceeds the available context size (4096 tokens)",
            "type": "exceed_context_size_error",
        }
        handler.answer(400, "application/json", json.dumps({"error": error}).encode())

    return behave


def hangs(handler: Handler, body: Body) -> None:
    """Say nothing until the server stops."""
    handler.server.stopping.wait(30)
    handler.close_connection = True


def waits_until_left(handler: Handler, body: Body) -> None:
    """Begin a reply and say no more; note when the client leaves."""
    handler.connection.settimeout(60)
    if body.get("stream"):
        handler.begin_stream()
    handler.server.asked.set()
    with contextlib.suppress(ConnectionResetError):  # Leaving with headers unread is a reset.
        assert handler.rfile.read(1) == b""
    handler.server.left.set()
    handler.close_connection = True


def trickles(handler: Handler, body: Body) -> None:
    """Keep the stream alive without ever sending text, for at most 12 seconds."""
    handler.begin_stream()
    until = time.monotonic() + 12
    while time.monotonic() < until and not handler.server.stopping.wait(0.2):
        handler.send_line(_chunk(""))
    handler.end_stream()


def breaks_off(text: str, *, chunked: bool = True) -> Behaviour:
    """Send `text`, then close the connection without the end of the stream."""

    def behave(handler: Handler, body: Body) -> None:
        handler.begin_stream(chunked=chunked)
        handler.send_line(_chunk(text))
        handler.close_connection = True

    return behave


def sends_bad_json(handler: Handler, body: Body) -> None:
    """Send a stream, or an answer, whose JSON is broken."""
    if not body.get("stream"):
        handler.answer(200, "application/json", b'{"choices": [')
        return
    handler.begin_stream()
    handler.send_line('data: {"choices": [')
    handler.end_stream()


def sends_html(handler: Handler, body: Body) -> None:
    """Answer as a proxy's login page does: 200 and HTML."""
    handler.answer(200, "text/html", b"<html><body>Please log in</body></html>")


def prompt_of(body: Body) -> str:
    """Return the last message of a request."""
    return str(body["messages"][-1]["content"])


def number_of(body: Body, words: str) -> int:
    """Return the number under which the prompt lists the sentence with `words`."""
    for line in prompt_of(body).splitlines():
        match = re.match(r"\[(\d+)\] ", line)
        if match and words in line:
            return int(match.group(1))
    raise AssertionError(f"{words!r} is not among the evidence:\n{prompt_of(body)}")


class WordEmbedder:
    """Vectors of hashed words: texts that share words are near; exact and instant."""

    name = "words"
    dimension = 256

    def __init__(self) -> None:
        """Count the calls from zero."""
        self.calls = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit rows; the first column keeps the empty text from having no length."""
        self.calls += 1
        rows = np.zeros((len(texts), self.dimension), np.float32)
        rows[:, 0] = 0.1
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                rows[row, 1 + zlib.crc32(word.encode()) % (self.dimension - 1)] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question, of length 1."""
        return self.embed([text])[0]


class DyingEmbedder(WordEmbedder):
    """Works for some calls, then raises, as a process does that is killed half-way."""

    def __init__(self, lives: int) -> None:
        """Die at call number `lives` + 1."""
        super().__init__()
        self._lives = lives

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return vectors while it lives."""
        if self.calls >= self._lives:
            raise KeyboardInterrupt("killed")
        return super().embed(texts)


def counting() -> Verifier:
    """Return a verifier that counts words only: support from three quarters of them on."""
    weights = dict.fromkeys(FEATURES, 0.0) | {"covered": 10.0}
    stage = Stage(intercept=-7.5, weights=weights, low=0.05, high=0.5)
    asked = Stage(intercept=0.0, weights={"before": 0.0, "own": 1.0}, low=0.5, high=0.5)
    stages: dict[Tier, Stage] = {
        "features": stage,
        "chat model": asked,
        "adapted chat model": asked,
    }
    return Verifier(stages, lambda texts: None, lambda: None)


class Scripted:
    """A chat model that says what it is told, piece by piece."""

    name = "scripted"
    is_adapted = False

    def __init__(self, reply: str, *, is_small: bool = False, pieces: int = 5) -> None:
        """Take the whole reply."""
        self.reply = reply
        self.is_small = is_small
        self._pieces = pieces

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        """Yield the reply."""
        for start in range(0, len(self.reply), self._pieces):
            yield self.reply[start : start + self._pieces]

    def yes_probability(
        self, messages: Sequence[Message], *, adapted: bool = False
    ) -> float | None:
        """Give no opinion."""
        return None
