"""Vectors of every sentence of a paper, for choosing among them."""

from collections.abc import Sequence

from assistant.protocols import Embedder, Vectors
from assistant.text.sentences import split_sentences
from assistant.types import Paper


def embed_sentences(papers: Sequence[Paper], embedder: Embedder) -> dict[str, tuple[str, Vectors]]:
    """Return content hash and (sentences, dimension) vectors by paper id."""
    spans = [split_sentences(paper.abstract) for paper in papers]
    texts = [
        paper.abstract[start:end]
        for paper, own in zip(papers, spans, strict=True)
        for start, end in own
    ]
    rows = embedder.embed(texts)
    found = {}
    place = 0
    for paper, own in zip(papers, spans, strict=True):
        found[paper.id] = (paper.content_hash, rows[place : place + len(own)])
        place += len(own)
    return found
