"""Splitting and retrieval on llama-index: usable in any of its query engines."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from assistant.filters import Filter, matches
from assistant.filters import required as required_by
from assistant.grounding.fusion import convex_combination
from assistant.protocols import LexicalIndex, PaperCatalog, PassageRecord
from assistant.text.sentences import split_sentences
from assistant.types import Hit, Paper, Required

DEPTH = 100
DEEPEST = 10_000
Nearest = Callable[[str, int, Required | None], list[tuple[PassageRecord, float]]]
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
    """BM25 over papers and cosine over passages, fused by paper.

    `search` gives the domain's hits; as a llama-index retriever it gives nodes whose
    text is the best passage and whose metadata names the paper.
    """

    def __init__(
        self,
        catalog: PaperCatalog,
        lexical: LexicalIndex,
        nearest: Nearest,
        limit: int = 10,
        only: Filter | None = None,
    ) -> None:
        """Take the word index and what finds passages by meaning; `only` filters each search."""
        self._catalog = catalog
        self._lexical = lexical
        self._nearest = nearest
        self._limit = limit
        self._only = only
        super().__init__()

    def filtered(self, only: Filter | None, limit: int = 10) -> "HybridRetriever":
        """Return the same retriever, restricted to papers that pass the filter."""
        return HybridRetriever(self._catalog, self._lexical, self._nearest, limit, only)

    def search(self, query: str, limit: int, only: Filter | None = None) -> list[Hit]:
        """Return papers, best first, with the scores of each stage.

        Both indexes are asked only for papers that can pass the filter; where what they
        understand of it lets too many others through, they are asked for more.
        """
        only = only or self._only
        required = required_by(only) if only else None
        depth = max(DEPTH, limit)
        while True:
            lexical = dict(self._lexical.search(query, depth, required))
            dense, spans = self._dense(query, depth, required)
            hits = self._fused(lexical, dense, spans, limit, only)
            more = max(len(lexical), len(dense)) >= depth
            if len(hits) >= limit or not more or only is None or depth >= DEEPEST:
                return hits
            depth *= 4

    def _fused(
        self,
        lexical: Mapping[str, float],
        dense: Mapping[str, float],
        spans: Mapping[str, tuple[int, int]],
        limit: int,
        only: Filter | None,
    ) -> list[Hit]:
        fused = convex_combination(lexical, dense)
        best = sorted(fused, key=lambda key: (-fused[key], key))
        papers = self._passing(best[:limit], only)
        if len(papers) < min(limit, len(best)):
            # Some don't pass, or an index still knows what the catalog has lost: look further.
            papers = self._passing(best, only)
        hits = []
        for key in [key for key in best if key in papers][:limit]:
            paper = papers[key]
            start, end = spans.get(key, (0, len(paper.abstract)))
            if end > len(paper.abstract):
                # Edited since: its new vectors are still to come.
                start, end = 0, len(paper.abstract)
            scores = {"bm25": lexical.get(key, 0.0), "dense": dense.get(key, 0.0)}
            hits.append(Hit(paper=paper, score=fused[key], start=start, end=end, scores=scores))
        return hits

    def _passing(self, paper_ids: Sequence[str], only: Filter | None) -> dict[str, Paper]:
        """Return those of the papers that exist and pass the filter."""
        papers = self._catalog.get_many(paper_ids)
        if only is None:
            return papers
        sources = self._catalog.sources(list(papers))
        return {
            key: paper
            for key, paper in papers.items()
            if matches(only, paper, sources.get(key, ()))
        }

    def _dense(
        self, query: str, depth: int, required: Required | None
    ) -> tuple[dict[str, float], dict[str, tuple[int, int]]]:
        """Return each paper's best cosine, and the passage that gave it."""
        scores: dict[str, float] = {}
        spans: dict[str, tuple[int, int]] = {}
        for passage, score in self._nearest(query, depth, required):
            if score > scores.get(passage.paper_id, -2.0):
                scores[passage.paper_id] = score
                spans[passage.paper_id] = (passage.start, passage.end)
        return scores, spans

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(hit) for hit in self.search(query_bundle.query_str, self._limit)]


def _node(hit: Hit) -> NodeWithScore:
    metadata: dict[str, Any] = {
        "paper_id": hit.paper.id,
        "title": hit.paper.title,
        "year": hit.paper.year,
        "start": hit.start,
        "end": hit.end,
    }
    node = TextNode(
        id_=f"{hit.paper.id}:{hit.start}-{hit.end}",
        text=hit.passage.text,
        metadata=metadata,
        excluded_llm_metadata_keys=["paper_id", "start", "end"],
        excluded_embed_metadata_keys=["paper_id", "start", "end", "year"],
    )
    return NodeWithScore(node=node, score=hit.score)
