"""Build the ONNX graph of a BERT sentence encoder from its safetensors weights.

The graph has pooling and normalisation inside, and returns the token vectors as
well, so that one pass gives the vector of a passage and of each of its sentences.
Architecture: Devlin et al. 2019 (BERT), distilled as in Wang et al. 2020 (MiniLM).
"""

import json
from pathlib import Path
from typing import Any

OPSET = 20
EMBEDDINGS = "embeddings"


class _Graph:
    """Collects nodes and weights; each method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add one node and return the name of its only output."""
        from onnx import helper

        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def weight(self, name: str, array: Any) -> str:
        """Add one constant and return its name."""
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(array, name))
        return name


def build_encoder(weights_path: Path, config_path: Path) -> bytes:
    """Return the serialised ONNX model for the BERT weights at `weights_path`.

    Inputs: `input_ids`, `attention_mask`, both int64 (batch, length). Outputs:
    `tokens` float32 (batch, length, width) and `pooled` float32 (batch, width), the
    mean over unmasked tokens, L2-normalised.
    """
    import numpy as np
    import onnx
    from onnx import TensorProto, helper
    from safetensors.numpy import load_file

    config = json.loads(config_path.read_text(encoding="utf-8"))
    tensors = {name.removeprefix("bert."): value for name, value in load_file(weights_path).items()}
    graph = _Graph()
    for name, value in (("one", 1.0), ("lowest", -1e4), ("tiny", 1e-9)):
        graph.weight(name, np.array(value, np.float32))
    for name, axis in (("axis1", [1]), ("axis2", [2]), ("axes12", [1, 2]), ("last", [-1])):
        graph.weight(name, np.array(axis, np.int64))

    hidden = _embed(graph, tensors, config)
    mask = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    open_mask = graph.op("Unsqueeze", mask, "axes12")
    bias = graph.op("Mul", graph.op("Sub", "one", open_mask), "lowest")
    for layer in range(config["num_hidden_layers"]):
        hidden = _layer(graph, tensors, config, layer, hidden, bias)
    tokens = graph.op("Identity", hidden)
    pooled = _mean_pool(graph, hidden, mask)

    shape = ["batch", "length"]
    width = config["hidden_size"]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "encoder",
            [
                helper.make_tensor_value_info(name, TensorProto.INT64, shape)
                for name in ("input_ids", "attention_mask")
            ],
            [
                helper.make_tensor_value_info(tokens, TensorProto.FLOAT, [*shape, width]),
                helper.make_tensor_value_info(pooled, TensorProto.FLOAT, ["batch", width]),
            ],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=10,
    )
    _rename_outputs(model, {tokens: "tokens", pooled: "pooled"})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _embed(graph: _Graph, tensors: dict[str, Any], config: dict[str, Any]) -> str:
    """Word + position + (constant) segment vectors, normalised."""
    import numpy as np

    word = graph.weight("word", tensors["embeddings.word_embeddings.weight"])
    segment = tensors["embeddings.token_type_embeddings.weight"][0]
    places = tensors["embeddings.position_embeddings.weight"] + segment
    length = graph.op("Shape", "input_ids", start=1, end=2)
    positions = graph.op(
        "Slice",
        graph.weight("places", places.astype(np.float32)),
        graph.weight("start", np.array([0], np.int64)),
        length,
    )
    summed = graph.op("Add", graph.op("Gather", word, "input_ids"), positions)
    return _normalise(graph, tensors, config, "embeddings.LayerNorm", summed)


def _normalise(
    graph: _Graph, tensors: dict[str, Any], config: dict[str, Any], name: str, value: str
) -> str:
    scale = graph.weight(f"{name}.weight", tensors[f"{name}.weight"])
    shift = graph.weight(f"{name}.bias", tensors[f"{name}.bias"])
    return graph.op(
        "LayerNormalization", value, scale, shift, axis=-1, epsilon=config["layer_norm_eps"]
    )


def _dense(graph: _Graph, tensors: dict[str, Any], name: str, value: str) -> str:
    import numpy as np

    # torch keeps (out, in); MatMul wants (in, out).
    kernel = np.ascontiguousarray(tensors[f"{name}.weight"].T)
    product = graph.op("MatMul", value, graph.weight(f"{name}.weight", kernel))
    return graph.op("Add", product, graph.weight(f"{name}.bias", tensors[f"{name}.bias"]))


def _layer(
    graph: _Graph,
    tensors: dict[str, Any],
    config: dict[str, Any],
    number: int,
    hidden: str,
    bias: str,
) -> str:
    """One transformer block: self-attention, then the feed-forward part."""
    import numpy as np

    prefix = f"encoder.layer.{number}"
    heads = config["num_attention_heads"]
    size = config["hidden_size"] // heads
    split = graph.weight(f"{prefix}.split", np.array([0, 0, heads, size], np.int64))
    join = graph.weight(f"{prefix}.join", np.array([0, 0, heads * size], np.int64))

    def heads_of(part: str, order: list[int]) -> str:
        value = _dense(graph, tensors, f"{prefix}.attention.self.{part}", hidden)
        return graph.op("Transpose", graph.op("Reshape", value, split), perm=order)

    query = heads_of("query", [0, 2, 1, 3])
    key = heads_of("key", [0, 2, 3, 1])
    value = heads_of("value", [0, 2, 1, 3])
    root = graph.weight(f"{prefix}.root", np.array(1 / np.sqrt(size), np.float32))
    scores = graph.op("Add", graph.op("Mul", graph.op("MatMul", query, key), root), bias)
    mixed = graph.op("MatMul", graph.op("Softmax", scores, axis=-1), value)
    joined = graph.op("Reshape", graph.op("Transpose", mixed, perm=[0, 2, 1, 3]), join)
    attended = _dense(graph, tensors, f"{prefix}.attention.output.dense", joined)
    hidden = _normalise(
        graph,
        tensors,
        config,
        f"{prefix}.attention.output.LayerNorm",
        graph.op("Add", attended, hidden),
    )
    inner = graph.op("Gelu", _dense(graph, tensors, f"{prefix}.intermediate.dense", hidden))
    outer = _dense(graph, tensors, f"{prefix}.output.dense", inner)
    return _normalise(
        graph, tensors, config, f"{prefix}.output.LayerNorm", graph.op("Add", outer, hidden)
    )


def _mean_pool(graph: _Graph, hidden: str, mask: str) -> str:
    weights = graph.op("Unsqueeze", mask, "axis2")
    total = graph.op("ReduceSum", graph.op("Mul", hidden, weights), "axis1", keepdims=0)
    count = graph.op("ReduceSum", mask, "axis1", keepdims=1)
    mean = graph.op("Div", total, count)
    length = graph.op("ReduceL2", mean, "last", keepdims=1)
    return graph.op("Div", mean, graph.op("Max", length, "tiny"))


def _rename_outputs(model: Any, names: dict[str, str]) -> None:
    for node in model.graph.node:
        node.output[:] = [names.get(name, name) for name in node.output]
        node.input[:] = [names.get(name, name) for name in node.input]
    for output in model.graph.output:
        output.name = names.get(output.name, output.name)
