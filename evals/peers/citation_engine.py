"""llama-index's `CitationQueryEngine` over its `ChromaVectorStore`, as its documentation has it.

Its model is not `OpenAILike`: `llama-index-llms-openai` wants openai<3, and can't be installed
beside the client that this project is locked to. What stands in sends the same request: the
prompt as one message of the user, temperature 0.
"""

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.adapters.local_llm import CONTEXT
from assistant.protocols import Embedder
from assistant.types import Answer, Message, Paper
from evals.chat_server import ChatServer
from evals.peer_llama_index import embedding_model, full_text, sentences
from evals.peers.peer import Reply, Source, as_answer, located

TOP_K = 3
CHUNK, OVERLAP = 512, 20
MOST_TOKENS = 300
# Its prompt calls them "Source 3:", and so do small models in their answers.
_NAMED = re.compile(
    r"[\[(](Sources? ?\d+(?:(?:,|;| and| &)+ ?(?:Sources? ?)?\d+)*)[\])]", re.IGNORECASE
)


class CitationEngine:
    """The engine with its own prompt; its numbers are taken as they come."""

    name = "citation-engine"

    def __init__(self, server: ChatServer, embedder: Embedder, folder: Path) -> None:
        """Take the chat server and the encoder; vectors go below `folder`."""
        self._server = server
        self._embedder = embedder
        self._folder = folder
        self._papers: dict[str, Paper] = {}
        self._engine: Any = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """Nodes read for a question, their size in tokens, and the longest reply."""
        return {"top_k": TOP_K, "chunk": CHUNK, "overlap": OVERLAP, "most_tokens": MOST_TOKENS}

    def add(self, papers: Sequence[Paper]) -> None:
        """Make a node of each paper, and the engine over all."""
        from llama_index.core import VectorStoreIndex
        from llama_index.core.node_parser import SentenceSplitter
        from llama_index.core.query_engine import CitationQueryEngine
        from llama_index.core.schema import TextNode

        self._papers = {paper.id: paper for paper in papers}
        index = VectorStoreIndex.from_vector_store(
            _store(self._folder), embed_model=embedding_model(self._embedder)
        )
        index.insert_nodes(
            [
                TextNode(
                    id_=paper.id,
                    text=full_text(paper),
                    metadata={"paper": paper.id},
                    # Else the id would be embedded with the text.
                    excluded_embed_metadata_keys=["paper"],
                    excluded_llm_metadata_keys=["paper"],
                )
                for paper in papers
            ]
        )
        self._engine = CitationQueryEngine.from_args(
            index,
            llm=_language_model(self._server),
            similarity_top_k=TOP_K,
            text_splitter=SentenceSplitter(
                chunk_size=CHUNK, chunk_overlap=OVERLAP, chunking_tokenizer_fn=sentences
            ),
        )

    def ask(self, question: str) -> Answer:
        """Query the engine; [n] is its n-th source node, whatever it was cited for."""
        began = time.perf_counter()
        response = self._engine.query(question)
        seconds = time.perf_counter() - began
        found = [self._source(node) for node in response.source_nodes]
        return as_answer(
            Reply(
                question=question,
                text=numbered(str(response.response or "")),
                sources=dict(enumerate(found, start=1)),
                found=found,
                seconds=seconds,
                model=self._server.model,
            )
        )

    def _source(self, node: Any) -> Source:
        paper = self._papers[node.node.metadata["paper"]]
        _, _, chunk = node.node.get_content().partition(":\n")  # "Source 1:\n…"
        text = chunk.strip().removeprefix(f"{paper.title}. ")
        return Source(passage=located(paper, text), score=float(node.score or 0.0))

    def close(self) -> None:
        """Leave the folder to whoever made it."""


def numbered(text: str) -> str:
    """Return the answer with [n] where it names its sources.

    "It is 5 [Source 3]. It flies (Source 1, Source 2)." → "It is 5 [3]. It flies [1][2]."
    """
    return _NAMED.sub(
        lambda match: "".join(f"[{number}]" for number in re.findall(r"\d+", match.group(1))), text
    )


def _store(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings
    from llama_index.vector_stores.chroma import ChromaVectorStore

    client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection(
        "papers", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    return ChromaVectorStore(chroma_collection=collection)


def _language_model(server: ChatServer) -> Any:
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata

    chat = server.chat()

    class Served(CustomLLM):
        """The chat server as llama-index wants it."""

        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(
                context_window=CONTEXT, num_output=MOST_TOKENS, model_name=server.model
            )

        def complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponse:
            del formatted  # it always is
            pieces = chat.stream([Message(role="user", content=prompt)], MOST_TOKENS)
            return CompletionResponse(text="".join(pieces))

        def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> Any:
            yield self.complete(prompt, formatted=formatted)

    return Served()
