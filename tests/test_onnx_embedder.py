"""The real MiniLM encoder: unit vectors, near for near meanings, the same in any batch."""

from pathlib import Path

import numpy as np
import pytest

from assistant.adapters.onnx_embedder import OnnxEmbedder
from assistant.errors import ModelError
from assistant.protocols import Embedder


def test_vectors_have_length_one(embedder: Embedder) -> None:
    rows = embedder.embed(["Bees fly home.", "", "x " * 1000, "蜜蜂"])
    assert rows.shape == (4, embedder.dimension) == (4, 384)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-4)


def test_nothing_gives_no_rows(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_near_meanings_are_nearer(embedder: Embedder) -> None:
    bees, hive, stocks = embedder.embed(
        ["Honeybees return home.", "Bees find their hive.", "Stocks fell on Monday."]
    )
    assert bees @ hive > 0.6
    assert bees @ stocks < 0.3


def test_known_values(embedder: Embedder) -> None:
    """What sentence-transformers gives for the two sentences of the model card."""
    one, two = embedder.embed(["This is an example sentence", "Each sentence is converted"])
    assert one[:3] == pytest.approx([0.0676, 0.0635, 0.0487], abs=1e-3)
    assert two[:3] == pytest.approx([0.0864, 0.1027, 0.0054], abs=2e-3)


def test_vector_does_not_depend_on_the_batch(embedder: Embedder) -> None:
    texts = [f"Sentence {number} " + "of bees " * (number % 40) for number in range(90)]
    together = embedder.embed(texts)
    alone = np.vstack([embedder.embed([text]) for text in texts[::15]])
    assert together[::15] == pytest.approx(alone, abs=1e-5)


def test_damaged_file_names_the_repair(tmp_path: Path) -> None:
    (tmp_path / "encoder.onnx").write_bytes(b"garbage")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="'assistant doctor --repair'"):
        OnnxEmbedder(tmp_path / "encoder.onnx", tmp_path / "tokenizer.json", "x", 1)
