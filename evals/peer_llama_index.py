"""llama-index's own `IngestionPipeline` into its `ChromaVectorStore`, to be compared with."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from assistant.protocols import Embedder
from assistant.text.sentences import split_sentences
from assistant.types import Paper

BATCH = 64


class Pipeline:
    """The set-up of its documentation, with our encoder and a document store for re-ingestion."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        """Open a collection and a document store below `folder`."""
        import chromadb
        from chromadb.config import Settings
        from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
        from llama_index.core.node_parser import SentenceSplitter
        from llama_index.core.storage.docstore import SimpleDocumentStore
        from llama_index.vector_stores.chroma import ChromaVectorStore

        folder.mkdir(parents=True)
        self._folder = folder
        client = chromadb.PersistentClient(
            str(folder / "chroma"), settings=Settings(anonymized_telemetry=False)
        )
        self._collection = client.get_or_create_collection(
            "papers", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        self._pipeline = IngestionPipeline(
            # As long as our passages: the encoder reads no more.
            transformations=[
                SentenceSplitter(chunk_size=256, chunk_overlap=0, chunking_tokenizer_fn=sentences),
                embedding_model(embedder),
            ],
            vector_store=ChromaVectorStore(chroma_collection=self._collection),
            docstore=SimpleDocumentStore(),
            docstore_strategy=DocstoreStrategy.UPSERTS,
        )

    def add(self, papers: Sequence[Paper]) -> None:
        """Add papers, or new editions of them, and keep that on disk."""
        from llama_index.core import Document

        self._pipeline.run(
            documents=[Document(id_=paper.id, text=full_text(paper)) for paper in papers],
            show_progress=False,
        )
        self._pipeline.persist(str(self._folder / "pipeline"))

    def faults(self, papers: Sequence[Paper]) -> int:
        """Return how many passages are stale or doubled, and how many papers have none."""
        found = self._collection.get(include=["documents", "metadatas"])
        stored = Counter(
            (str(metadata["doc_id"]), document)
            for document, metadata in zip(
                found["documents"] or [], found["metadatas"] or [], strict=True
            )
        )
        texts = {paper.id: " ".join(full_text(paper).split()) for paper in papers}
        stale = sum(
            " ".join(document.split()) not in texts[paper_id] for paper_id, document in stored
        )
        missing = set(texts) - {paper_id for paper_id, _ in stored}
        return stale + sum(stored.values()) - len(stored) + len(missing)


def sentences(text: str) -> list[str]:
    """Cut before each sentence, as our own splitter does: NLTK's files needn't be there."""
    starts = [start for start, _ in split_sentences(text)][1:]
    return [text[a:b] for a, b in pairwise([0, *starts, len(text)])]


def full_text(paper: Paper) -> str:
    """Return what is read of a paper: its title, then its abstract."""
    return f"{paper.title}. {paper.abstract}"


def embedding_model(embedder: Embedder) -> Any:
    """Return our encoder as llama-index wants it."""
    from llama_index.core.base.embeddings.base import BaseEmbedding

    class Ours(BaseEmbedding):
        """Our encoder as llama-index wants it."""

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            found: list[list[float]] = embedder.embed(texts).tolist()
            return found

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

    return Ours(embed_batch_size=BATCH)
