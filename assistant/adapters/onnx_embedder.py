"""Sentence vectors from a local ONNX encoder (all-MiniLM-L6-v2 by default)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from assistant.errors import ModelError
from assistant.protocols import Vectors

BATCH_TOKENS = 4096
REPAIR = "run 'assistant doctor --repair' to fetch it again"
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_TYPES = {"tensor(int64)": "int64", "tensor(int32)": "int32"}
# `pooled` is the mean, of our own export; `sentence_embedding` is whatever the model wants.
_OUTPUTS = {
    "mean": ("sentence_embedding", "pooled", "last_hidden_state", "token_embeddings", "tokens"),
    "cls": ("sentence_embedding", "last_hidden_state", "token_embeddings", "tokens", "pooled"),
}


@dataclass(frozen=True, kw_only=True)
class EncoderForm:
    """How an encoder was trained to read a text and to make one vector of its tokens.

    `unpooled` says why token vectors can't be pooled here, where they can't; `width` is that
    of the token vectors, where it is known beforehand.
    """

    max_tokens: int = 256
    pooling: Literal["mean", "cls"] = "mean"
    unpooled: str = ""
    width: int | None = None
    pad: int = 0
    lowercase: bool = False
    query_prefix: str = ""
    passage_prefix: str = ""


MINILM = EncoderForm()


class OnnxEmbedder:
    """Pooled, normalised vectors; texts are batched by length to waste no padding."""

    def __init__(
        self,
        model: Path | bytes,
        tokenizer: Path,
        name: str,
        threads: int,
        form: EncoderForm = MINILM,
        remedy: str = REPAIR,
    ) -> None:
        """Load the encoder, a file or its content; `remedy` ends the message of each error.

        Raises:
            ModelError: a file is missing or can't be loaded, or the graph isn't an encoder's.
        """
        # onnxruntime reports to its vendor unless this is set before its import.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime
        from tokenizers import Tokenizer

        self.name = name
        self._form = form
        self._folder = tokenizer.parent
        self._remedy = remedy
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Memory of the longest batch would otherwise be kept for the life of the process.
        options.enable_cpu_mem_arena = False
        # Threads that wait by spinning take the cores from what follows a question's vector.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # What it would print is raised, or of no use to who asks a question.
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                model if isinstance(model, bytes) else str(model),
                options,
                providers=["CPUExecutionProvider"],
            )
            self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
            self._tokenizer.enable_truncation(form.max_tokens)
            self._tokenizer.no_padding()
        except Exception as error:
            raise self._error(f"can't be loaded ({error})") from error
        self._inputs = self._input_types()
        self._output, width = self._chosen_output()
        self.dimension: int = width or self._run([[form.pad]]).shape[-1]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return (len(texts), dimension), rows of length 1.

        Raises:
            ModelError: the encoder fails, as with the tokenizer of another model.
        """
        return self._embed([self._form.passage_prefix + text for text in texts])

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question, of length 1."""
        row: Vectors = self._embed([self._form.query_prefix + text])[0]
        return row

    def _embed(self, texts: list[str]) -> Vectors:
        if self._form.lowercase:
            texts = [text.lower() for text in texts]
        # A tokenizer without marks of start and end has no token for an empty text.
        tokens = [found.ids or [self._form.pad] for found in self._tokenizer.encode_batch(texts)]
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for batch in _batches([len(ids) for ids in tokens]):
            rows[batch] = self._run([tokens[place] for place in batch])
        return rows

    def _run(self, tokens: list[list[int]]) -> Vectors:
        """Return the unit vectors of one batch."""
        ids = np.full((len(tokens), max(map(len, tokens))), self._form.pad, np.int64)
        mask = np.zeros_like(ids)
        for row, of_text in enumerate(tokens):
            ids[row, : len(of_text)] = of_text
            mask[row, : len(of_text)] = 1
        values = dict(zip(_INPUTS, (ids, mask, np.zeros_like(ids)), strict=True))
        feed = {name: values[name].astype(kind) for name, kind in self._inputs.items()}
        try:
            found = np.asarray(self._session.run([self._output], feed)[0], np.float32)
        except Exception as error:
            raise self._error(f"can't be run ({error})") from error
        if found.ndim == 3:
            found = self._pool(found, mask)
        if found.ndim != 2 or len(found) != len(tokens):
            raise self._error(f"gives an array of shape {found.shape} for {len(tokens)} texts")
        return unit_rows(found, f"The embedder in {self._folder}")

    def _pool(self, hidden: Vectors, mask: NDArray[np.int64]) -> Vectors:
        """Make one vector of a text's tokens: that of the first, or the mean of all."""
        if self._form.pooling == "cls":
            return hidden[:, 0]
        weights = mask.astype(np.float32)
        total: Vectors = np.einsum("btw,bt->bw", hidden, weights)
        mean: Vectors = total / weights.sum(axis=1, keepdims=True)
        return mean

    def _input_types(self) -> dict[str, str]:
        """Return the kind of integer that each input of the graph takes."""
        kinds = {one.name: one.type for one in self._session.get_inputs()}
        if {*_INPUTS[:2]} <= {*kinds} <= {*_INPUTS} and {*kinds.values()} <= {*_TYPES}:
            return {name: _TYPES[kind] for name, kind in kinds.items()}
        listed = ", ".join(f"{name}: {kind}" for name, kind in kinds.items())
        raise self._error(
            f"takes the inputs {listed or 'none'}, where a text encoder takes "
            "integers input_ids and attention_mask, and at most token_type_ids"
        )

    def _chosen_output(self) -> tuple[str, int | None]:
        """Return the output that vectors are made of, and its width where the graph tells it."""
        shapes = {one.name: one.shape for one in self._session.get_outputs()}
        named = [name for name in _OUTPUTS[self._form.pooling] if name in shapes]
        # Any other output of rank 2 may be BERT's pooler, and "logits" are those of a classifier.
        others = [
            name
            for name, shape in shapes.items()
            if name != "logits" and (len(shape) == 3 or [len(shape), len(shapes)] == [2, 1])
        ]
        if not (found := [*named, *others]):
            raise self._error(
                f"has the outputs {', '.join(shapes)}, none of them last_hidden_state "
                "or sentence_embedding"
            )
        shape = shapes[found[0]]
        width = shape[-1] if shape and isinstance(shape[-1], int) else None
        if found[0] != "sentence_embedding" and len(shape) != 2:
            self._check_pooling(width)
        return found[0], width

    def _check_pooling(self, width: int | None) -> None:
        if self._form.unpooled:
            raise self._error(self._form.unpooled)
        if width and self._form.width not in (None, width):
            raise self._error(
                f"gives vectors of {width} numbers, where its pooling reads "
                f"{self._form.width}: its files are of different models"
            )

    def _error(self, what: str) -> ModelError:
        return ModelError(f"The embedder in {self._folder} {what}; {self._remedy}.")


def unit_rows(rows: Vectors, who: str) -> Vectors:
    """Return the rows at length 1.

    Raises:
        ModelError: a row has no direction, being zero or no number.
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise ModelError(
            f"{who} gave a vector without direction (zeros, or no numbers); use another embedder."
        )
    units: Vectors = (rows / lengths).astype(np.float32)
    return units


def _batches(lengths: list[int]) -> list[list[int]]:
    """Group places of similar length so that no batch holds over `BATCH_TOKENS` tokens."""
    batches: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
        if not batches or (len(batches[-1]) + 1) * lengths[place] > BATCH_TOKENS:
            batches.append([])
        batches[-1].append(place)
    return batches
