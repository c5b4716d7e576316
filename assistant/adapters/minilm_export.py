"""Build the ONNX graph of a BERT sentence encoder from its safetensors weights.

The graph has pooling and normalisation inside, and returns the token vectors as
well, so that one pass gives the vector of a passage and of each of its sentences.
Architecture: Devlin et al. 2019 (BERT), distilled as in Wang et al. 2020 (MiniLM).
"""

import json
from pathlib import Path
from typing import Any

OPSET = 20
_SHAPE = ["batch", "length"]
EMBEDDINGS = "embeddings"


class _Graph:
    """Collects nodes and weights; each method returns the name of its output.

    `is_small` stores matrices as int8 with a scale for each column: a quarter of the size.
    """

    def __init__(self, *, is_small: bool = False) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._is_small = is_small

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

    def matrix(self, name: str, array: Any, axis: int = 1) -> str:
        """Add one matrix, whose scales go along `axis`, and return its name."""
        import numpy as np

        if not self._is_small:
            return self.weight(name, array)
        scale = np.abs(array).max(axis=1 - axis, keepdims=True) / 127 + 1e-12
        whole = np.clip(np.round(array / scale), -127, 127).astype(np.int8)
        kept = self.weight(f"{name}.int8", whole)
        scales = self.weight(f"{name}.scale", scale.ravel().astype(np.float32))
        return self.op("DequantizeLinear", kept, scales, axis=axis)


def build_encoder(weights_path: Path, config_path: Path) -> bytes:
    """Return the serialised ONNX model for the BERT weights at `weights_path`.

    Inputs: `input_ids`, `attention_mask`, both int64 (batch, length). Outputs:
    `tokens` float32 (batch, length, width) and `pooled` float32 (batch, width), the
    mean over unmasked tokens, L2-normalised.
    """
    from safetensors.numpy import load_file

    config = json.loads(config_path.read_text(encoding="utf-8"))
    tensors = {name.removeprefix("bert."): value for name, value in load_file(weights_path).items()}
    graph = _Graph()
    hidden, mask = _hidden(graph, tensors, config)
    tokens = graph.op("Identity", hidden)
    pooled = _mean_pool(graph, hidden, mask)
    width = config["hidden_size"]
    outputs = {
        "tokens": (tokens, [*_SHAPE, width]),
        "pooled": (pooled, ["batch", width]),
    }
    return _serialised(graph, "encoder", outputs)


def build_classifier(weights_path: Path, config_path: Path) -> bytes:
    """Return the serialised ONNX model of a cross-encoder with a linear head, matrices as int8.

    Inputs as of `build_encoder`; output `probabilities` float32 (batch, classes). The weights
    hold `head.weight` and `head.bias` beside BERT's.
    """
    import numpy as np
    from safetensors.numpy import load_file

    config = json.loads(config_path.read_text(encoding="utf-8"))
    tensors = load_file(weights_path)
    graph = _Graph(is_small=True)
    hidden, _ = _hidden(graph, tensors, config)
    zero = graph.weight("zero", np.array(0, np.int64))
    first = graph.op("Gather", hidden, zero, axis=1)
    logits = _dense(graph, tensors, "head", first)
    probabilities = graph.op("Softmax", logits, axis=-1)
    classes = tensors["head.bias"].shape[0]
    return _serialised(graph, "classifier", {"probabilities": (probabilities, ["batch", classes])})


def _hidden(graph: _Graph, tensors: dict[str, Any], config: dict[str, Any]) -> tuple[str, str]:
    """Return the names of the last token vectors and of the mask as numbers."""
    import numpy as np
    from onnx import TensorProto

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
    return hidden, mask


def _serialised(graph: _Graph, name: str, outputs: dict[str, tuple[str, list[Any]]]) -> bytes:
    """Return the graph as bytes; `outputs` maps names to the graph's own and their shapes."""
    import onnx
    from onnx import TensorProto, helper

    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            name,
            [
                helper.make_tensor_value_info(one, TensorProto.INT64, _SHAPE)
                for one in ("input_ids", "attention_mask")
            ],
            [
                helper.make_tensor_value_info(own, TensorProto.FLOAT, shape)
                for own, shape in outputs.values()
            ],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=10,
    )
    _rename_outputs(model, {own: shown for shown, (own, _) in outputs.items()})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _embed(graph: _Graph, tensors: dict[str, Any], config: dict[str, Any]) -> str:
    """Word + position + (constant) segment vectors, normalised."""
    import numpy as np

    word = graph.matrix("word", tensors["embeddings.word_embeddings.weight"], axis=0)
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
    product = graph.op("MatMul", value, graph.matrix(f"{name}.weight", kernel))
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
