"""Choosing the embedder: what a spec is called, and folders with an ONNX encoder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from assistant.adapters.embedders import (
    EMBEDDED,
    MOST_TOKENS,
    embedder_name,
    open_embedder,
    spec_of,
)
from assistant.adapters.model_files import known_model
from assistant.adapters.openai_embedder import OpenAIEmbedder
from assistant.errors import ModelError
from assistant.protocols import Embedder, Vectors
from assistant.settings import Settings
from tests.fakes import FakeServer, WordEmbedder

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    *"query : passage bees fly home rain falls Bees".split(),
]
WIDTH = 5
TABLE = np.random.default_rng(7).normal(size=(len(WORDS), WIDTH)).astype(np.float32)
TEXTS = ["bees fly home", "rain", "", "rain falls home home home bees"]


def silent(what: str, done: int, total: int) -> None:
    """Report no progress."""


def opened(spec: str | Path, tmp_path: Path, **settings: Any) -> Embedder:
    values = {"home": tmp_path, "models": tmp_path, "offline": True, "threads": 1}
    return open_embedder(str(spec), Settings(**{**values, **settings}), silent)


# --- a tiny encoder: the vector of a token is its row of TABLE ------------------------------


def graph(
    outputs: tuple[str, ...] = ("last_hidden_state",),
    inputs: tuple[str, ...] = ("input_ids", "attention_mask", "token_type_ids"),
    kind: int = TensorProto.INT64,
    table: Vectors = TABLE,
    width: int | str = WIDTH,
) -> bytes:
    """Make a model that looks tokens up; outputs of rank 2 are the first token's negative."""
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["rows"])]
    made = []
    for name in outputs:
        if name in ("last_hidden_state", "tokens", "anything", "logits"):
            nodes.append(helper.make_node("Identity", ["rows"], [name]))
            shape: list[int | str] = ["batch", "length", width]
        else:
            nodes.append(helper.make_node("Gather", ["rows", "zero"], [f"{name}_1"], axis=1))
            nodes.append(helper.make_node("Neg", [f"{name}_1"], [name]))
            shape = ["batch", width]
        made.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    taken = [helper.make_tensor_value_info(name, kind, ["batch", "length"]) for name in inputs]
    constants = [
        numpy_helper.from_array(table, "table"),
        numpy_helper.from_array(np.array(0, np.int64), "zero"),
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "lookup", taken, made, constants),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


Files = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of encoders' folders: `folder(model, {file name: what its JSON holds})`."""

    def make(model: bytes | None = None, files: Files | None = None, at: str = "") -> Path:
        root = tmp_path / "encoder"
        (root / "1_Pooling").mkdir(parents=True)
        (root / "onnx").mkdir()
        (root / (at or "model.onnx")).write_bytes(graph() if model is None else model)
        tokenizer().save(str(root / "tokenizer.json"))
        for name, content in (files or {}).items():
            (root / name).write_text(json.dumps(content), encoding="utf-8")
        return root

    return make


def ids_of(text: str) -> list[int]:
    known = {word: place for place, word in enumerate(WORDS)}
    return [2, *(known.get(word, 1) for word in text.replace(":", " :").split()), 3]


def mean_of(text: str) -> Vectors:
    mean: Vectors = TABLE[ids_of(text)].mean(axis=0)
    return mean / np.linalg.norm(mean)


def first_of(vector: Vectors) -> Vectors:
    return vector / np.linalg.norm(vector)


# --- names ----------------------------------------------------------------------------------


def test_the_embedded_one_is_named_as_its_files_are() -> None:
    assert embedder_name("") == embedder_name(" \n") == EMBEDDED == known_model("embedder").name
    assert embedder_name(EMBEDDED) == EMBEDDED
    assert spec_of(EMBEDDED) == ""


def test_a_model_behind_an_address_is_named_with_its_service() -> None:
    assert embedder_name("openai: text-embedding-3-small ") == "openai:text-embedding-3-small"
    assert spec_of("openai:text-embedding-3-small") == "openai:text-embedding-3-small"


def test_a_folder_is_named_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "e5").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "e5")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    spellings = ["e5", "./e5/", "e5/../e5", "~/e5", "link", str(tmp_path / "e5"), "onnx:e5"]
    assert {embedder_name(spec) for spec in spellings} == {f"onnx:{tmp_path / 'e5'}"}
    assert spec_of(f"onnx:{tmp_path / 'e5'}") == str(tmp_path / "e5")


def test_the_home_of_nobody_is_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="doesn't exist"):
        opened("~no-such-user-here/e5", tmp_path)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40))
def test_a_name_opens_what_it_names(spec: str) -> None:
    name = embedder_name(spec)
    assert embedder_name(spec_of(name)) == name
    assert embedder_name(name) == name


# --- what is opened -------------------------------------------------------------------------


def test_nothing_named_opens_the_embedded_one(
    tmp_path: Path, models_folder: Path, embedder: Embedder
) -> None:
    found = opened("", tmp_path, models=models_folder)
    assert found.name == EMBEDDED
    assert np.array_equal(found.embed(TEXTS), embedder.embed(TEXTS))
    assert np.array_equal(found.embed_query(TEXTS[0]), embedder.embed([TEXTS[0]])[0])


def test_openai_takes_address_and_key_of_the_settings(tmp_path: Path, server: FakeServer) -> None:
    address = {"openai_base_url": server.address, "openai_api_key": "sk-fake"}
    found = opened("openai:words", tmp_path, **address)
    assert isinstance(found, OpenAIEmbedder)
    assert server.bodies == []
    assert found.name == "openai:words"
    assert found.embed(TEXTS) == pytest.approx(WordEmbedder().embed(TEXTS), abs=1e-6)
    assert server.bodies[0]["model"] == "words"
    assert server.headers[0]["authorization"] == "Bearer sk-fake"


def test_a_server_of_ones_own_needs_no_key(tmp_path: Path, server: FakeServer) -> None:
    found = opened("openai:words", tmp_path, openai_base_url=server.address)
    assert found.dimension == WordEmbedder.dimension


@pytest.mark.parametrize(
    ("spec", "advice"),
    [("openai:words", "OPENAI_API_KEY is not set"), ("openai:", "names no model after 'openai:'")],
)
def test_openai_that_is_not_set_up(tmp_path: Path, spec: str, advice: str) -> None:
    with pytest.raises(ModelError, match=advice):
        opened(spec, tmp_path)


# --- a folder: pooling ----------------------------------------------------------------------


@pytest.mark.parametrize("at", ["model.onnx", "onnx/model.onnx"])
def test_token_vectors_are_pooled_by_their_mean(
    folder: Callable[..., Path], tmp_path: Path, at: str
) -> None:
    root = folder(at=at)
    found = opened(root, tmp_path)
    rows = found.embed(TEXTS)
    assert found.name == f"onnx:{root}"
    assert found.dimension == WIDTH
    assert rows.dtype == np.float32
    # In one batch, so that the mask must keep the padding out.
    assert rows == pytest.approx(np.vstack([mean_of(text) for text in TEXTS]), abs=1e-6)
    assert found.embed([]).shape == (0, WIDTH)


@pytest.mark.parametrize(
    "pooling",
    [
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        {"pooling_mode": "cls", "embedding_dimension": WIDTH},
    ],
)
def test_token_vectors_are_pooled_by_the_first(
    folder: Callable[..., Path], tmp_path: Path, pooling: Files
) -> None:
    found = opened(folder(files={"1_Pooling/config.json": pooling}), tmp_path)
    assert found.embed(TEXTS) == pytest.approx(np.vstack([first_of(TABLE[2])] * 4), abs=1e-6)


@pytest.mark.parametrize(
    "pooling",
    [
        {"pooling_mode_mean_tokens": True, "word_embedding_dimension": WIDTH},
        {"pooling_mode_mean_sqrt_len_tokens": True},
        {"pooling_mode": ["mean"]},
    ],
)
def test_other_ways_of_writing_mean(
    folder: Callable[..., Path], tmp_path: Path, pooling: Files
) -> None:
    found = opened(folder(files={"1_Pooling/config.json": pooling}), tmp_path)
    assert found.embed_query(TEXTS[0]) == pytest.approx(mean_of(TEXTS[0]), abs=1e-6)


@pytest.mark.parametrize(
    ("outputs", "pooled"),
    [
        (("pooled",), True),
        (("tokens", "pooled"), True),
        (("last_hidden_state", "sentence_embedding"), True),
        (("whatever",), True),
        (("last_hidden_state", "pooler_output"), False),
        (("pooler_output", "anything"), False),
    ],
)
def test_the_output_is_the_vector_of_the_text(
    folder: Callable[..., Path], tmp_path: Path, outputs: tuple[str, ...], pooled: bool
) -> None:
    found = opened(folder(graph(outputs)), tmp_path)
    wanted = first_of(-TABLE[2]) if pooled else mean_of(TEXTS[0])
    assert found.embed(TEXTS[:1])[0] == pytest.approx(wanted, abs=1e-6)


def test_the_mean_of_our_export_is_not_taken_for_the_first_token(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    files = {"1_Pooling/config.json": {"pooling_mode_cls_token": True}}
    found = opened(folder(graph(("tokens", "pooled")), files), tmp_path)
    assert found.embed(TEXTS[:1])[0] == pytest.approx(first_of(TABLE[2]), abs=1e-6)


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
@pytest.mark.parametrize("types", [("token_type_ids",), ()])
def test_inputs_are_given_as_the_graph_takes_them(
    folder: Callable[..., Path], tmp_path: Path, kind: int, types: tuple[str, ...]
) -> None:
    model = graph(inputs=("input_ids", "attention_mask", *types), kind=kind)
    found = opened(folder(model), tmp_path)
    assert found.embed_query(TEXTS[3]) == pytest.approx(mean_of(TEXTS[3]), abs=1e-6)


def test_a_width_that_the_graph_does_not_tell_is_found(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    assert opened(folder(graph(width="width")), tmp_path).dimension == WIDTH


# --- a folder: reading ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "tokens"),
    [
        ({"sentence_bert_config.json": {"max_seq_length": 4}}, 4),
        ({"tokenizer_config.json": {"model_max_length": 5}}, 5),
        (
            {
                "sentence_bert_config.json": {"max_seq_length": 6},
                "tokenizer_config.json": {"model_max_length": 5},
            },
            6,
        ),
        (
            {
                "sentence_bert_config.json": {"max_seq_length": None},
                "tokenizer_config.json": {"model_max_length": 1e30},
                "config.json": {"max_position_embeddings": 7},
            },
            7,
        ),
        ({"sentence_bert_config.json": {"max_seq_length": 8192}}, MOST_TOKENS),
        ({}, MOST_TOKENS),
    ],
)
def test_a_long_text_is_cut_where_the_encoder_ends(
    folder: Callable[..., Path], tmp_path: Path, files: Files, tokens: int
) -> None:
    found = opened(folder(files=files), tmp_path)
    cut = " ".join(["bees"] * (tokens - 2))
    row = found.embed_query("bees " * (tokens - 2) + "rain " * 600)
    assert row == pytest.approx(mean_of(cut), abs=1e-5)


@pytest.mark.parametrize(
    ("prompts", "default", "query", "passage"),
    [
        ({"query": "query: ", "passage": "passage: "}, None, "query: ", "passage: "),
        ({"query": "query: ", "document": "passage: "}, None, "query: ", "passage: "),
        ({"query": "query: "}, None, "query: ", ""),
        ({"text": "passage: "}, "text", "passage: ", "passage: "),
        ({"query": "query: ", "document": ""}, "query", "query: ", ""),
        ({}, None, "", ""),
    ],
)
def test_questions_and_passages_get_their_prefixes(
    folder: Callable[..., Path],
    tmp_path: Path,
    prompts: dict[str, str],
    default: str | None,
    query: str,
    passage: str,
) -> None:
    config = {"prompts": prompts, "default_prompt_name": default}
    found = opened(folder(files={"config_sentence_transformers.json": config}), tmp_path)
    assert found.embed(TEXTS[:1])[0] == pytest.approx(mean_of(passage + TEXTS[0]), abs=1e-6)
    assert found.embed_query(TEXTS[0]) == pytest.approx(mean_of(query + TEXTS[0]), abs=1e-6)


def test_capitals_count_unless_the_encoder_reads_none(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    root = folder()
    upper, lower = opened(root, tmp_path).embed(["Bees fly", "bees fly"])
    assert upper != pytest.approx(lower, abs=1e-3)
    (root / "sentence_bert_config.json").write_text('{"do_lower_case": true}')
    upper, lower = opened(root, tmp_path).embed(["Bees fly", "bees fly"])
    assert upper == pytest.approx(lower)


def test_a_tokenizer_without_marks_reads_an_empty_text(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    root = folder(files={"config.json": {"pad_token_id": 1}})
    bare = tokenizer()
    bare.post_processor = processors.TemplateProcessing(single="$A", special_tokens=[])
    bare.save(str(root / "tokenizer.json"))
    rows = opened(root, tmp_path).embed(["", "rain"])
    assert rows[0] == pytest.approx(first_of(TABLE[1]), abs=1e-6)
    assert rows[1] == pytest.approx(first_of(TABLE[WORDS.index("rain")]), abs=1e-6)


# --- a folder: what can't be used -----------------------------------------------------------

POOLING = "1_Pooling/config.json"
UNFIT = {
    "max": ({POOLING: {"pooling_mode_max_tokens": True}}, graph(), "pools by max"),
    "two": (
        {POOLING: {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}},
        graph(),
        "pools by cls and mean",
    ),
    "last": ({POOLING: {"pooling_mode": "lasttoken"}}, graph(), "pools by lasttoken"),
    "dense": (
        {"modules.json": [{"type": "sentence_transformers.models.Dense"}]},
        graph(),
        "passes its vectors through Dense",
    ),
    "prompt": (
        {
            POOLING: {"include_prompt": False},
            "config_sentence_transformers.json": {"prompts": {"query": "query: "}},
        },
        graph(),
        "leaves its prompts out",
    ),
    "width": ({POOLING: {"word_embedding_dimension": 384}}, graph(), "of different models"),
    "vocabulary": ({}, graph(table=TABLE[:3]), "can't be run"),
    "inputs": ({}, graph(inputs=("input_ids", "pixels")), "takes the inputs input_ids"),
    "floats": ({}, graph(inputs=("input_ids", "attention_mask", "x")), "takes the inputs"),
    "classifier": ({}, graph(("logits",)), "has the outputs logits"),
    "two of no name": ({}, graph(("one", "two")), "has the outputs one, two"),
    "zeros": ({}, graph(table=0 * TABLE), "without direction"),
    "damaged": ({}, b"garbage", "can't be loaded"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_an_encoder_that_does_not_fit_is_refused_when_opened(
    folder: Callable[..., Path], tmp_path: Path, case: str
) -> None:
    files, model, reason = UNFIT[case]
    root = folder(model, files)
    with pytest.raises(ModelError, match=reason) as caught:
        opened(root, tmp_path)
    assert str(root) in str(caught.value)
    assert "embedder" in str(caught.value).partition(reason)[2]


def test_pooling_that_the_graph_does_itself_is_no_obstacle(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    files, _, _ = UNFIT["dense"]
    found = opened(folder(graph(("last_hidden_state", "sentence_embedding")), files), tmp_path)
    assert found.embed_query("rain") == pytest.approx(first_of(-TABLE[2]), abs=1e-6)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="doesn't exist; put it back, or set ASSISTANT_EMBEDDER"):
        opened(tmp_path / "none", tmp_path)


def test_a_file_is_no_folder(folder: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="doesn't exist"):
        opened(folder() / "model.onnx", tmp_path)


@pytest.mark.parametrize(
    ("missing", "advice"),
    [
        ("tokenizer.json", "has no tokenizer.json; download all files"),
        ("model.onnx", "has no model.onnx; make one with 'optimum-cli export onnx"),
    ],
)
def test_a_missing_file(
    folder: Callable[..., Path], tmp_path: Path, missing: str, advice: str
) -> None:
    root = folder()
    (root / missing).unlink()
    with pytest.raises(ModelError, match=advice):
        opened(root, tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "tokenizer.json",
        "sentence_bert_config.json",
        "tokenizer_config.json",
        "config_sentence_transformers.json",
        "modules.json",
        POOLING,
    ],
)
def test_a_damaged_file(folder: Callable[..., Path], tmp_path: Path, name: str) -> None:
    root = folder()
    (root / name).write_text('{"half')
    with pytest.raises(ModelError, match=r"can't be (read|loaded)"):
        opened(root, tmp_path)


ODD = [
    *([], {}, None, 7, "text", [1], [{}], {"prompts": [], "default_prompt_name": []}),
    {"prompts": {"query": None, "document": 7}, "max_seq_length": "many", "pad_token_id": None},
    {"model_max_length": -1, "max_position_embeddings": {}, "word_embedding_dimension": "five"},
]


@pytest.mark.parametrize("content", ODD, ids=json.dumps)
def test_settings_of_another_shape_leave_the_defaults(
    folder: Callable[..., Path], tmp_path: Path, content: Any
) -> None:
    names = ["config.json", "tokenizer_config.json", "sentence_bert_config.json", POOLING]
    names += ["config_sentence_transformers.json", "modules.json"]
    found = opened(folder(files=dict.fromkeys(names, content)), tmp_path)
    assert found.embed_query(TEXTS[0]) == pytest.approx(mean_of(TEXTS[0]), abs=1e-6)


# --- a folder with weights alone ------------------------------------------------------------


@pytest.fixture
def weights(tmp_path: Path, models_folder: Path) -> Path:
    """Return a folder with the files of the embedded encoder, as the hub lays them out."""
    root = tmp_path / "minilm"
    root.mkdir()
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        (root / name).symlink_to(models_folder / EMBEDDED / name)
    (root / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    return root


TALK = ["Bees find their hive.", "", "the waggle dance " * 200, "蜜蜂"]


def test_weights_of_a_bert_need_no_graph(weights: Path, tmp_path: Path, embedder: Embedder) -> None:
    found = opened(weights, tmp_path)
    assert found.name == f"onnx:{weights}"
    assert found.dimension == embedder.dimension
    assert found.embed(TALK) == pytest.approx(embedder.embed(TALK), abs=1e-6)
    assert found.embed_query(TALK[0]) == pytest.approx(embedder.embed_query(TALK[0]), abs=1e-6)
    assert sorted(path.name for path in weights.iterdir()) == [
        "config.json",
        "model.safetensors",
        "sentence_bert_config.json",
        "tokenizer.json",
    ]


def test_a_graph_of_token_vectors_gives_the_same(
    weights: Path, tmp_path: Path, models_folder: Path, embedder: Embedder
) -> None:
    model = onnx.load(str(models_folder / EMBEDDED / "encoder.onnx"))
    for node in model.graph.node:
        node.output[:] = ["last_hidden_state" if name == "tokens" else name for name in node.output]
    kept = model.graph.output[0]
    kept.name = "last_hidden_state"
    del model.graph.output[1:]
    (weights / "onnx").mkdir()
    onnx.save(model, str(weights / "onnx" / "model.onnx"))
    found = opened(weights, tmp_path)
    assert found.embed(TALK) == pytest.approx(embedder.embed(TALK), abs=1e-5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_type": "roberta"}, "is no plain BERT"),
        ({"hidden_act": "gelu_new"}, "is no plain BERT"),
        ({"position_embedding_type": "relative_key"}, "is no plain BERT"),
        ({"num_hidden_layers": 7}, "can't be turned into one"),
    ],
)
def test_weights_that_are_no_plain_bert_are_refused(
    weights: Path, tmp_path: Path, change: Files, reason: str
) -> None:
    config = json.loads((weights / "config.json").read_text())
    (weights / "config.json").unlink()
    (weights / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ModelError, match=f"{reason}.*optimum-cli export onnx"):
        opened(weights, tmp_path)
