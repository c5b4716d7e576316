"""Splitting and retrieval on llama-index: usable in any of its query engines."""

import re
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from assistant.filters import Filter
from assistant.retrieval.plan import Plan
from assistant.retrieval.search import HybridSearch
from assistant.text.sentences import split_sentences
from assistant.types import Hit, Passage

_PIECES = re.compile(r"\w{1,8}|[^\w\s]")


class LlamaIndexSplitter:
    """Passages of whole sentences, by llama-index's `SentenceSplitter`."""

    def __init__(self, tokens: int) -> None:
        """Cut passages of at most about `tokens` word pieces."""
        self._splitter = SentenceSplitter(
            chunk_size=tokens,
            chunk_overlap=0,
            tokenizer=_PIECES.findall,
            chunking_tokenizer_fn=_sentences,
            include_metadata=False,
            include_prev_next_rel=False,
        )

    def split(self, text: str) -> list[tuple[int, int]]:
        """Return (start, end) of each passage, in order."""
        spans = []
        start = 0
        for chunk in self._splitter.split_text(text):
            begin = text.find(chunk, start)
            if begin < 0:
                # A splitter that changes characters would break every offset.
                return split_sentences(text)
            spans.append((begin, begin + len(chunk)))
            start = begin + len(chunk)
        return spans


def _sentences(text: str) -> list[str]:
    """Cut `text` before each sentence but the first, losing no character."""
    starts = [start for start, _ in split_sentences(text)][1:]
    return [text[a:b] for a, b in zip([0, *starts], [*starts, len(text)], strict=True)]


class HybridRetriever(BaseRetriever):
    """The library's search, as a retriever of llama-index.

    `search` gives the domain's hits; as a llama-index retriever it gives nodes whose
    text is the best passage and whose metadata names the paper.
    """

    def __init__(self, search: HybridSearch, limit: int = 10, only: Filter | None = None) -> None:
        """Give at most `limit` nodes; `only` filters each search."""
        self._search = search
        self._limit = limit
        self._only = only
        super().__init__()

    def filtered(self, only: Filter | None, limit: int = 10) -> "HybridRetriever":
        """Return the same retriever, restricted to papers that pass the filter."""
        return HybridRetriever(self._search, limit, only)

    def search(
        self, query: str, limit: int, only: Filter | None = None, plan: Plan | None = None
    ) -> list[Hit]:
        """Return papers, best first, with the scores of each stage."""
        return self._search.search(query, limit, only or self._only, plan)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [
            NodeWithScore(node=node_of(hit.passage), score=hit.score)
            for hit in self.search(query_bundle.query_str, self._limit)
        ]


def node_of(passage: Passage) -> TextNode:
    """Return a passage as a node that names its paper and place; a model sees title and year."""
    metadata: dict[str, Any] = {
        "paper_id": passage.paper.id,
        "title": passage.paper.title,
        "year": passage.paper.year,
        "start": passage.start,
        "end": passage.end,
    }
    return TextNode(
        id_=f"{passage.paper.id}:{passage.start}-{passage.end}",
        text=passage.text,
        metadata=metadata,
        excluded_llm_metadata_keys=["paper_id", "start", "end", "number"],
        excluded_embed_metadata_keys=["paper_id", "start", "end", "year", "number"],
    )
