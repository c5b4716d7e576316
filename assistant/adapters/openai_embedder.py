"""Any embedder behind an OpenAI-compatible address, by the `openai` client."""

from collections.abc import Iterator, Sequence

import numpy as np

from assistant.adapters.onnx_embedder import unit_rows
from assistant.adapters.openai_client import OPENAI, open_client, translated
from assistant.errors import ModelError
from assistant.protocols import Vectors

BATCH_TEXTS = 128
BATCH_CHARACTERS = 100_000
# What any model takes whole: OpenAI's read 8,191 tokens, and refuse what is longer.
TEXT_CHARACTERS = 4_000
# Where an embedder needs other advice than a chat model.
_ADVICE = {
    400: "refused the texts; check that ASSISTANT_EMBEDDER names a model for embeddings.",
    404: "doesn't know this model or path; check ASSISTANT_EMBEDDER and OPENAI_BASE_URL.",
    429: "is over its rate or quota; wait, then go on with 'assistant index'.",
}


class OpenAIEmbedder:
    """An embedder by name and address; retries are the client's own."""

    def __init__(self, *, model: str, api_key: str, base_url: str, timeout: float) -> None:
        """Prepare the client; nothing is sent yet.

        An empty `base_url` means OpenAI's own; a server of one's own needs no key.

        Raises:
            ModelError: the key can't be one.
        """
        self.name = f"openai:{model}"
        self._model = model
        self._address = (base_url or OPENAI).split("@")[-1]
        self._dimension = 0
        self._client = open_client(api_key, base_url, timeout)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @property
    def dimension(self) -> int:
        """Width of the vectors; asks for that of a word where none has come yet.

        Raises:
            ModelError: the server can't be reached or refuses.
        """
        if not self._dimension:
            self._request(["word"])
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return (len(texts), dimension), rows of length 1.

        Raises:
            ModelError: the server can't be reached, refuses, or sends what can't be vectors.
        """
        rows = [self._request(batch) for batch in _batches(texts)]
        return np.vstack(rows) if rows else np.zeros((0, self.dimension), np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question, of length 1."""
        row: Vectors = self.embed([text])[0]
        return row

    def _request(self, texts: list[str]) -> Vectors:
        """Return the vectors of one batch, in its order."""
        places, rows = self._ask(texts)
        who = f"{self._model} at {self._address}"
        if places != list(range(len(texts))) or rows.ndim != 2 or not rows.shape[1]:
            raise ModelError(
                f"{who} didn't send a vector for each text ({len(texts)} texts, {len(places)} "
                "replies); check that the server serves this model for embeddings."
            )
        if self._dimension not in (0, rows.shape[1]):
            raise ModelError(
                f"{who} sent vectors of {rows.shape[1]} numbers after some of {self._dimension}; "
                "check which model the server runs, and start again."
            )
        units = unit_rows(rows, who)
        self._dimension = rows.shape[1]
        return units

    def _ask(self, texts: list[str]) -> tuple[list[int], Vectors]:
        """Return the places of the texts and the vectors as the server sends them."""
        import openai

        with translated(self._model, self._address):
            try:
                # Plain numbers, because not every server knows the client's default, base64.
                reply = self._client.embeddings.create(
                    model=self._model, input=texts, encoding_format="float"
                )
            except openai.APIStatusError as error:
                if error.status_code not in _ADVICE:
                    raise
                advice = _ADVICE[error.status_code]
                raise ModelError(f"{self._model} at {self._address} {advice}") from error
            found = sorted(reply.data, key=lambda one: int(one.index))
            rows = np.array([one.embedding for one in found], np.float32)
        return [one.index for one in found], rows


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield the texts in batches that a server takes; each is cut, and none is empty."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        # A server refuses an empty text.
        sent = text[:TEXT_CHARACTERS] or " "
        if batch and (len(batch) == BATCH_TEXTS or characters + len(sent) > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(sent)
        characters += len(sent)
    if batch:
        yield batch
