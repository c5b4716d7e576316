"""The cross-encoder that reads a claim together with its evidence: shipped, run by ONNX."""

import os
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import ModelError
from assistant.protocols import Vectors

MAX_TOKENS = 192
BATCH = 16
CLASSES = 3


def open_classifier(threads: int) -> "CrossEncoder":
    """Return the shipped cross-encoder.

    Raises:
        ModelError: its files are missing or damaged.
    """
    folder = files("assistant").joinpath("data", "support")
    with as_file(folder) as path:
        return CrossEncoder(path / "model.onnx", path / "tokenizer.json", threads)


class CrossEncoder:
    """Probabilities of supported, refuted and not found, from one pass over both texts."""

    def __init__(self, model: Path, tokenizer: Path, threads: int) -> None:
        """Load the model.

        Raises:
            ModelError: a file is missing or can't be loaded.
        """
        # onnxruntime reports to its vendor unless this is set before its import.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The int8 matrices become float32 once, at loading: without VNNI that runs faster.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        except Exception as error:
            raise ModelError(
                f"The verifier's model {model} can't be loaded ({error}); reinstall the package."
            ) from error
        self._tokenizer.enable_truncation(MAX_TOKENS, strategy="only_second")
        self._tokenizer.no_padding()

    def classify(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        """Return (pairs, 3): the probabilities of supported, refuted and not found.

        A pair is claim and evidence; claims of more than half the space are cut.
        """
        tokens = [self._encoded(claim, text) for claim, text in pairs]
        order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
        rows = np.zeros((len(tokens), CLASSES), np.float32)
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            rows[places] = self._run([tokens[place] for place in places])
        return rows

    def _encoded(self, claim: str, text: str) -> list[int]:
        claim = " ".join(claim.split()[: MAX_TOKENS // 2])
        while True:
            try:
                return list(self._tokenizer.encode(claim, text).ids)
            except Exception:  # the library raises a bare one
                if not claim:
                    raise
                # A claim of many tokens a word leaves no room for the evidence.
                claim = claim[: len(claim) // 2]

    def _run(self, tokens: list[list[int]]) -> Vectors:
        ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
        mask = np.zeros_like(ids)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = own
            mask[row, : len(own)] = 1
        try:
            found = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        except Exception as error:
            raise ModelError(f"The verifier's model failed ({error}).") from error
        return np.asarray(found, np.float32)
