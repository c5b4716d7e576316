"""Any llama-index embedding as our embedder."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from assistant.adapters.embedders import FROM_CODE
from assistant.adapters.onnx_embedder import unit_rows
from assistant.errors import ModelError
from assistant.protocols import Embedder, Vectors


def as_embedder(model: Any) -> Embedder:
    """Return what was passed as an embedder: a llama-index embedding is wrapped, ours stays.

    Raises:
        ModelError: it is neither.
    """
    if hasattr(model, "get_text_embedding_batch"):
        return LlamaIndexEmbedder(model)
    if hasattr(model, "embed_query") and hasattr(model, "dimension"):
        found: Embedder = model
        return found
    raise ModelError(
        f"embed_model= takes a llama-index embedding or an assistant.protocols.Embedder, not a "
        f"{type(model).__name__}; see the README."
    )


class LlamaIndexEmbedder:
    """A `llama_index.core.embeddings.BaseEmbedding`; it batches by its `embed_batch_size`."""

    def __init__(self, model: Any) -> None:
        """Take the embedding; nothing is computed yet."""
        named = str(getattr(model, "model_name", "") or "unknown")
        kind = type(model).__name__
        self.name = f"{FROM_CODE}{kind if named == 'unknown' else f'{kind}/{named}'}"
        self._model = model
        self._dimension = 0

    @property
    def dimension(self) -> int:
        """Width of the vectors; embeds a word where none has come yet.

        Raises:
            ModelError: the embedding fails.
        """
        return self._dimension or self.embed(["word"]).shape[1]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return (len(texts), dimension), rows of length 1.

        Raises:
            ModelError: the embedding fails, or gives what can't be vectors.
        """
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        # Servers refuse an empty text.
        return self._rows(self._model.get_text_embedding_batch, [text or " " for text in texts])

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question, of length 1.

        Raises:
            ModelError: the embedding fails, or gives what can't be a vector.
        """
        row: Vectors = self._rows(lambda one: [self._model.get_query_embedding(one)], text)[0]
        return row

    def _rows(self, embedding: Any, given: Any) -> Vectors:
        count = 1 if isinstance(given, str) else len(given)
        try:
            rows = np.array(embedding(given), np.float32)
        except Exception as error:
            raise ModelError(
                f"The embedder {self.name} failed ({type(error).__name__}); "
                "check its key, address and model name where it is made."
            ) from error
        wanted = (count, self._dimension or rows.shape[-1])
        if rows.ndim != 2 or not rows.size or rows.shape != wanted:
            raise ModelError(
                f"The embedder {self.name} gave numbers of the form {rows.shape} for {count} "
                "texts; check that it gives one vector a text, always of the same width."
            )
        self._dimension = rows.shape[1]
        return unit_rows(rows, self.name)
