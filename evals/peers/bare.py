"""The least that can be done: the nearest abstracts by our encoder, and one prompt."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.errors import ModelError
from assistant.prompts import parse_prompt
from assistant.protocols import Embedder, Vectors
from assistant.types import Answer, Paper
from evals.chat_server import ChatServer
from evals.peer_llama_index import full_text
from evals.peers.peer import Reply, Source, as_answer, whole

PAPERS = 5
MOST_TOKENS = 300
PROMPT = Path(__file__).with_suffix(".md")


class Bare:
    """Cosine over whole abstracts, the best five of them in one request, no check."""

    name = "bare"

    def __init__(self, server: ChatServer, embedder: Embedder) -> None:
        """Take the chat server and the encoder."""
        self._server = server
        self._chat = server.chat()
        self._embedder = embedder
        self._prompt = parse_prompt("bare", PROMPT.read_text(encoding="utf-8"))
        self._papers: list[Paper] = []
        self._vectors: Vectors | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The papers read for a question, the longest reply, and the prompt's version."""
        return {"papers": PAPERS, "most_tokens": MOST_TOKENS, "prompt": self._prompt.version}

    def add(self, papers: Sequence[Paper]) -> None:
        """Embed each paper's title and abstract as one text."""
        self._papers = list(papers)
        self._vectors = self._embedder.embed([full_text(paper) for paper in papers])

    def ask(self, question: str) -> Answer:
        """Show the model the nearest abstracts, and take its word."""
        began = time.perf_counter()
        found = self._nearest(question)
        sources = dict(enumerate(found, start=1))
        shown = (f"[{number}] {full_text(one.passage.paper)}" for number, one in sources.items())
        messages = self._prompt.messages(abstracts="\n\n".join(shown), question=question)
        text = "".join(self._chat.stream(messages, MOST_TOKENS))
        return as_answer(
            Reply(
                question=question,
                text=text,
                sources=sources,
                found=found,
                seconds=time.perf_counter() - began,
                model=self._server.model,
            )
        )

    def _nearest(self, question: str) -> list[Source]:
        if self._vectors is None:
            raise ModelError("The bare peer has no papers; add some before asking.")
        scores = self._vectors @ self._embedder.embed_query(question)
        best = sorted(range(len(scores)), key=lambda place: -scores[place])[:PAPERS]
        return [
            Source(passage=whole(self._papers[place]), score=float(scores[place])) for place in best
        ]

    def close(self) -> None:
        """Nothing is open."""
