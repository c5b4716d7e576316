"""Choose and prepare the embedder.

A spec is what ASSISTANT_EMBEDDER holds; a name is what a library records of it. A folder
is read as sentence-transformers lays it out (Reimers & Gurevych 2019).
"""

import json
import math
from pathlib import Path
from typing import Any

from assistant.adapters import minilm_export, model_files
from assistant.adapters.onnx_embedder import EncoderForm, OnnxEmbedder
from assistant.adapters.openai_embedder import OpenAIEmbedder
from assistant.errors import ModelError
from assistant.protocols import Embedder, Progress
from assistant.settings import Settings

EMBEDDED = "all-MiniLM-L6-v2"
FROM_CODE = "llama-index:"
MOST_TOKENS = 512
_GRAPH = "encoder.onnx"
_OPENAI = "openai:"
_ONNX = "onnx:"
_FEWEST_TOKENS = 3  # The marks of start and end, and one of the text.
_REMEDY = "download all files of one model into it, or set ASSISTANT_EMBEDDER to another embedder"
_EXPORT = "make one with 'optimum-cli export onnx --task feature-extraction --model NAME FOLDER'"


def embedder_name(spec: str) -> str:
    """Return what a library records of the embedder; nothing is loaded.

    It is "all-MiniLM-L6-v2", "openai:NAME" or "onnx:FOLDER"; a name gives itself, as does
    "llama-index:NAME", which only code can open.
    """
    if spec.strip() in ("", EMBEDDED):
        return EMBEDDED
    if spec.startswith(FROM_CODE):
        return spec
    if spec.startswith(_OPENAI):
        return _OPENAI + spec.removeprefix(_OPENAI).strip()
    folder = Path(spec.removeprefix(_ONNX))
    try:
        return f"{_ONNX}{folder.expanduser().resolve()}"
    except RuntimeError:  # No such user's home, or links in a circle.
        return f"{_ONNX}{folder.absolute()}"


def spec_of(name: str) -> str:
    """Return the spec that opens the embedder of this name."""
    return "" if name == EMBEDDED else name.removeprefix(_ONNX)


def open_embedder(spec: str, settings: Settings, progress: Progress) -> Embedder:
    """Return the embedder that the spec names, ready.

    Raises:
        ModelError: it can't be had; one behind an address is asked at its first use only.
    """
    name = embedder_name(spec)
    if name == EMBEDDED:
        return embedded_embedder(
            settings.models, settings.threads, progress, offline=settings.offline
        )
    if name.startswith(_OPENAI):
        return _openai_embedder(name.removeprefix(_OPENAI), settings)
    if name.startswith(FROM_CODE):
        raise ModelError(
            f"The embedder {name} is one that code gives: pass Assistant(embed_model=…), "
            "or run 'assistant reembed' for vectors of the embedder that the settings name."
        )
    return _folder_embedder(Path(name.removeprefix(_ONNX)), name, settings.threads, progress)


def embedded_embedder(
    models: Path, threads: int, progress: Progress, *, offline: bool = False
) -> OnnxEmbedder:
    """Return the embedded MiniLM encoder, fetched and converted where it isn't yet.

    Raises:
        ModelFilesError: its files can't be had.
    """
    model = model_files.known_model("embedder")
    weights = model_files.fetch(model, models, progress, offline=offline)
    graph = weights.with_name(_GRAPH)
    if not graph.is_file():
        half = graph.with_name(_GRAPH + ".part")
        half.write_bytes(minilm_export.build_encoder(weights, weights.with_name("config.json")))
        half.replace(graph)
    return OnnxEmbedder(graph, weights.with_name("tokenizer.json"), model.name, threads)


def _openai_embedder(model: str, settings: Settings) -> OpenAIEmbedder:
    if not model:
        raise ModelError(
            "ASSISTANT_EMBEDDER names no model after 'openai:'; "
            "set it as in openai:text-embedding-3-small."
        )
    if not settings.openai_api_key and not settings.openai_base_url:
        raise ModelError(
            f"The embedder {model} needs a key, and OPENAI_API_KEY is not set; put it into .env, "
            "or OPENAI_BASE_URL for a server that needs none."
        )
    return OpenAIEmbedder(
        model=model,
        api_key=settings.openai_api_key,
        base_url=settings.openai_base_url,
        timeout=settings.answer_timeout,
    )


# --- a folder with an encoder ----------------------------------------------------------


def _folder_embedder(folder: Path, name: str, threads: int, progress: Progress) -> OnnxEmbedder:
    if not folder.is_dir():
        raise ModelError(
            f"The embedder's folder {folder} doesn't exist; put it back, or set "
            "ASSISTANT_EMBEDDER to another and run 'assistant reembed'."
        )
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise ModelError(f"The embedder in {folder} has no tokenizer.json; {_REMEDY}.")
    graphs = (folder / "model.onnx", folder / "onnx" / "model.onnx")
    graph = next((path for path in graphs if path.is_file()), None)
    embedder = OnnxEmbedder(
        graph or _exported(folder, progress), tokenizer, name, threads, _form(folder), _REMEDY
    )
    # Files that don't belong together show here, not half-way through a library.
    embedder.embed(["a word"])
    return embedder


def _exported(folder: Path, progress: Progress) -> bytes:
    """Return the graph of a BERT encoder that has none; quick enough to be made each time."""
    weights, config = folder / "model.safetensors", folder / "config.json"
    if not (weights.is_file() and config.is_file()):
        raise ModelError(f"The embedder in {folder} has no model.onnx; {_EXPORT}.")
    found = _object(config)
    activation = found.get("hidden_act", "gelu")
    positions = found.get("position_embedding_type") or "absolute"
    if [found.get("model_type"), activation, positions] != ["bert", "gelu", "absolute"]:
        raise ModelError(
            f"The embedder in {folder} has no model.onnx, and is no plain BERT (model_type "
            f"{found.get('model_type')}, {activation}, {positions} positions), which alone needs "
            f"none; {_EXPORT}."
        )
    progress("preparing the embedder", 0, 1)
    try:
        graph = minilm_export.build_encoder(weights, config)
    except Exception as error:
        raise ModelError(
            f"The embedder in {folder} has no model.onnx, and its model.safetensors can't be "
            f"turned into one ({type(error).__name__}: {error}); {_EXPORT}."
        ) from error
    progress("preparing the embedder", 1, 1)
    return graph


def _form(folder: Path) -> EncoderForm:
    """Read from the folder's settings how its encoder reads a text and pools its tokens."""
    reading = _object(folder / "sentence_bert_config.json")
    pooling = _object(folder / "1_Pooling" / "config.json")
    modes = _modes(pooling)
    pad = _object(folder / "config.json").get("pad_token_id")
    query, passage = _prefixes(folder)
    return EncoderForm(
        max_tokens=_max_tokens(folder, reading),
        pooling="cls" if modes == {"cls"} else "mean",
        unpooled=_unpooled(folder, modes, pooling, has_prefix=bool(query or passage)),
        width=_count(pooling.get("word_embedding_dimension", pooling.get("embedding_dimension"))),
        pad=pad if isinstance(pad, int) and pad > 0 else 0,
        lowercase=reading.get("do_lower_case") is True,
        query_prefix=query,
        passage_prefix=passage,
    )


def _max_tokens(folder: Path, reading: dict[str, Any]) -> int:
    """Return how many tokens the encoder reads: as it was trained, and has positions for."""
    trained = _count(reading.get("max_seq_length")) or _count(
        _object(folder / "tokenizer_config.json").get("model_max_length")
    )
    positions = _count(_object(folder / "config.json").get("max_position_embeddings"))
    limits = [limit for limit in (trained, positions) if limit and limit >= _FEWEST_TOKENS]
    return min([*limits, MOST_TOKENS])


def _count(value: object) -> int | None:
    """Return a number of things; None where it isn't one. Files write 1e30 for "no limit"."""
    return int(value) if isinstance(value, int | float) and 0 < value < math.inf else None


def _modes(pooling: dict[str, Any]) -> set[str]:
    """Return the ways of pooling that the settings switch on, in either way of writing them."""
    if stated := pooling.get("pooling_mode"):
        return {str(mode) for mode in (stated if isinstance(stated, list) else [stated])}
    switched = [
        name.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token")
        for name, value in pooling.items()
        if name.startswith("pooling_mode_") and value is True
    ]
    # A sum over the root of the length points where the mean does.
    return {"mean" if mode == "mean_sqrt_len" else mode for mode in switched} or {"mean"}


def _unpooled(folder: Path, modes: set[str], pooling: dict[str, Any], *, has_prefix: bool) -> str:
    """Say what stands between the token vectors and the text's that isn't done here."""
    modules = _read(folder / "modules.json")
    kinds = {
        str(module["type"]).rpartition(".")[2]
        for module in (modules if isinstance(modules, list) else [])
        if isinstance(module, dict) and "type" in module
    }
    if further := kinds - {"Transformer", "Pooling", "Normalize"}:
        return f"passes its vectors through {', '.join(sorted(further))}, which isn't done here"
    if modes not in ({"mean"}, {"cls"}):
        return f"pools by {' and '.join(sorted(modes))}, where only mean or cls is done here"
    if has_prefix and pooling.get("include_prompt") is False:
        return "leaves its prompts out of the mean, which isn't done here"
    return ""


def _prefixes(folder: Path) -> tuple[str, str]:
    """Return what goes before a question and before a passage, as sentence-transformers does."""
    config = _object(folder / "config_sentence_transformers.json")
    stated = config.get("prompts")
    prompts = {
        name: prompt
        for name, prompt in (stated.items() if isinstance(stated, dict) else ())
        if isinstance(prompt, str)
    }
    usual = prompts.get(str(config.get("default_prompt_name")), "")
    passage = [prompts[name] for name in ("document", "passage", "corpus") if name in prompts]
    return prompts.get("query", usual), [*passage, usual][0]


def _object(path: Path) -> dict[str, Any]:
    found = _read(path)
    return found if isinstance(found, dict) else {}


def _read(path: Path) -> Any:
    """Return what the JSON file holds; None where there is none.

    Raises:
        ModelError: it isn't JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (ValueError, OSError) as error:
        raise ModelError(f"The embedder's {path} can't be read ({error}); {_REMEDY}.") from error
