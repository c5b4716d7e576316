"""PaperQA (PyPI `paper-qa`): evidence summed up by the model, then an answer with keys."""

import asyncio
import importlib
import logging
import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.protocols import Embedder
from assistant.types import Answer, Paper
from evals.chat_server import PATIENCE, ChatServer
from evals.peers.peer import Reply, Source, as_answer, whole

MOST_TOKENS = 1024
_KEYS = re.compile(r"\s*\(((?:pqac-[0-9a-f]+[,;\s]*(?:and\s+)?)+)\)")
_KEY = re.compile(r"pqac-[0-9a-f]+")


class PaperQA:
    """`Docs` with its default settings, but for what needs a network or reads figures.

    Each abstract is one text under its own citation, so that no metadata is looked up. The
    retrieval is its own "sparse" one, or our encoder's vectors.
    """

    def __init__(self, server: ChatServer, embedder: Embedder | None = None) -> None:
        """Take the chat server; without an encoder the retrieval is "sparse"."""
        self.name = "paper-qa" if embedder is None else "paper-qa-dense"
        self._server = server
        self._embedder = embedder
        self._runner = asyncio.Runner()  # one loop for all: its clients are bound to it
        self._papers: dict[str, Paper] = {}
        self._parts: dict[str, Any] = {}
        self._docs: Any = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its retrieval, and the longest reply to each request."""
        name = self._embedder.name if self._embedder else "sparse"
        return {"embedding": name, "most_tokens": MOST_TOKENS}

    def add(self, papers: Sequence[Paper]) -> None:
        """Add each abstract with its title as a text of its own."""
        _prepare()
        from paperqa import Docs
        from paperqa.types import Doc, Text

        self._papers = {paper.id: paper for paper in papers}
        self._docs = Docs()
        self._parts = _parts(self._server, self._embedder)
        for number, paper in enumerate(papers, start=1):
            name = f"paper{number}"
            doc = Doc(docname=name, dockey=paper.id, citation=_citation(paper))
            text = Text(text=f"{paper.title}\n\n{paper.abstract}", name=name, doc=doc)
            self._runner.run(
                self._docs.aadd_texts(
                    [text], doc, self._parts["settings"], self._parts["embedding_model"]
                )
            )

    def ask(self, question: str) -> Answer:
        """Gather evidence and answer; its keys become numbers in their order of appearance."""
        began = time.perf_counter()
        session = self._runner.run(self._docs.aquery(question, **self._parts))
        seconds = time.perf_counter() - began
        contexts = sorted(session.contexts, key=lambda one: -one.score)
        found = {one.id: self._source(one) for one in contexts}
        text, numbers = numbered(session.raw_answer)
        for key in found:  # what was read, though it isn't cited
            numbers.setdefault(key, len(numbers) + 1)
        return as_answer(
            Reply(
                question=question,
                text=text,
                sources={number: found[key] for key, number in numbers.items() if key in found},
                found=list(found.values()),
                seconds=seconds,
                model=self._server.model,
            )
        )

    def _source(self, context: Any) -> Source:
        paper = self._papers[context.text.doc.dockey]
        return Source(passage=whole(paper), score=float(context.score))

    def close(self) -> None:
        """Close the loop and its clients."""
        self._runner.close()


def numbered(text: str) -> tuple[str, dict[str, int]]:
    """Return PaperQA's answer with [n] for its keys, and the number of each key.

    "It is 5 (pqac-0f, pqac-1a)." → "It is 5 [1][2].", {"pqac-0f": 1, "pqac-1a": 2}
    """
    numbers: dict[str, int] = {}

    def marks(match: re.Match[str]) -> str:
        keys = _KEY.findall(match.group(1))
        return " " + "".join(f"[{numbers.setdefault(key, len(numbers) + 1)}]" for key in keys)

    return _KEYS.sub(marks, text), numbers


def _prepare() -> None:
    """Keep LiteLLM from fetching prices and word pieces, and all from logging to the terminal."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    # Its import points tiktoken, by which "sparse" cuts words, at the copy that it brings.
    importlib.import_module("litellm.litellm_core_utils.default_encoding")
    for name in ("paperqa", "lmi", "LiteLLM", "LiteLLM Router"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _parts(server: ChatServer, embedder: Embedder | None) -> dict[str, Any]:
    """Return the settings and models that every call of `Docs` takes."""
    from paperqa.settings import AnswerSettings, MultimodalOptions, ParsingSettings, Settings

    name = f"openai/{server.model}"
    reached = {
        "model_list": [
            {
                "model_name": name,
                "litellm_params": {
                    "model": name,
                    "api_base": server.base_url or None,
                    "api_key": server.api_key or "none",
                    "temperature": 0,
                    "max_tokens": MOST_TOKENS,
                    "timeout": PATIENCE,
                },
            }
        ]
    }
    settings = Settings(
        llm=name,
        llm_config=reached,
        summary_llm=name,
        summary_llm_config=reached,
        embedding="sparse",
        # A local server answers one request at a time.
        answer=AnswerSettings(max_concurrent_requests=1),
        parsing=ParsingSettings(use_doc_details=False, multimodal=MultimodalOptions.OFF),
    )
    model = settings.get_embedding_model() if embedder is None else _dense(embedder)
    return {"settings": settings, "embedding_model": model}


def _dense(embedder: Embedder) -> Any:
    from lmi import EmbeddingModel

    class Ours(EmbeddingModel):
        """Our encoder as PaperQA wants it."""

        name: str = embedder.name
        ndim: int | None = embedder.dimension

        async def embed_documents(self, texts: list[str]) -> list[list[float]]:
            found: list[list[float]] = embedder.embed(texts).tolist()
            return found

    return Ours()


def _citation(paper: Paper) -> str:
    authors = ", ".join(paper.authors) or "Unknown authors"
    return f"{authors}. {paper.title}. {paper.year or 'n.d.'}"
