"""Qwen2 over the weights of a GGUF file, with an adapter that can be trained.

Architecture: Qwen2 (Yang et al. 2024): grouped queries, rotary places, SwiGLU, RMS norms before
each part. The adapter is LoRA's (Hu et al. 2021): beside each of a block's seven matrices W a
product B A of low rank, scaled by 2. The file's own weights, quantised as they ship, stay as
they are: the adapter learns to work with their errors, too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from assistant.errors import InputError, UnreadableFileError
from evals.verifier.adapter_batches import ChatTokenizer

SCALE = 2.0
_LORA_A, _LORA_B = ".weight.lora_a", ".weight.lora_b"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The sizes that the forward pass needs beside those of the weights."""

    blocks: int
    heads: int
    kv_heads: int
    rope_base: float
    epsilon: float


class ModelFile:
    """A GGUF file of the Qwen2 family."""

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            InputError: there is no such file, or it is of another family.
            UnreadableFileError: it is no GGUF file.
        """
        if not path.is_file():
            raise InputError(f"{path} is missing; name the chat model's GGUF file.")
        self._path = path
        try:
            self._reader = gguf.GGUFReader(path)
        except (ValueError, IndexError, OSError) as error:
            raise UnreadableFileError(f"{path} is no GGUF file ({error}).") from error
        family = self._value("general.architecture")
        if family != "qwen2":
            raise InputError(f"{path} holds a model of the family {family!r}; it must be qwen2.")
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}

    @property
    def shape(self) -> Shape:
        """The model's sizes."""
        return Shape(
            blocks=self._value("qwen2.block_count"),
            heads=self._value("qwen2.attention.head_count"),
            kv_heads=self._value("qwen2.attention.head_count_kv"),
            rope_base=self._value("qwen2.rope.freq_base"),
            epsilon=self._value("qwen2.attention.layer_norm_rms_epsilon"),
        )

    @property
    def has_output(self) -> bool:
        """Whether the output has a matrix of its own, not that of the embedding."""
        return "output.weight" in self._tensors

    def tokenizer(self) -> ChatTokenizer:
        """Return the tokenizer of the file's vocabulary."""
        tokens, merges = (
            self._value(f"tokenizer.ggml.{name}", whole=True) for name in ("tokens", "merges")
        )
        return ChatTokenizer(tokens, merges)

    def weight(self, name: str) -> Tensor:
        """Return a tensor's values in float32.

        Raises:
            UnreadableFileError: the file lacks it.
        """
        if name not in self._tensors:
            raise UnreadableFileError(f"{self._path} has no tensor {name!r}; fetch it anew.")
        tensor = self._tensors[name]
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        return torch.from_numpy(np.array(values, dtype=np.float32))

    def _value(self, key: str, *, whole: bool = False) -> Any:
        field = self._reader.get_field(key)
        if field is None:
            raise UnreadableFileError(f"{self._path} doesn't say its {key}; fetch it anew.")
        return list(field.contents()) if whole else field.contents()


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where weights go: the device, and the type they are kept and multiplied in."""

    device: str
    dtype: torch.dtype

    @classmethod
    def on(cls, device: str) -> "Place":
        """Return the place on a device: in half the bytes on an accelerator, exact elsewhere.

        Raises:
            InputError: there is no such device.
        """
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise InputError("There is no CUDA device; --device cpu trains too, but for days.")
        return cls(device=device, dtype=torch.float32 if device == "cpu" else torch.bfloat16)

    def put(self, values: Tensor) -> nn.Buffer:
        """Return the values there."""
        return nn.Buffer(values.to(self.device, self.dtype))


class Adapted(nn.Module):
    """A matrix of the file, and the adapter's product beside it."""

    def __init__(self, file: ModelFile, name: str, rank: int, place: Place, *, bias: bool) -> None:
        """Begin with a product of nothing."""
        super().__init__()
        self.name = name
        self.weight = place.put(file.weight(f"{name}.weight"))
        self.bias = place.put(file.weight(f"{name}.bias")) if bias else None
        high, wide = self.weight.shape
        # Drawn on the CPU: the same on each device.
        first = torch.randn(rank, wide) / math.sqrt(wide)
        self.a = nn.Parameter(first.to(place.device))
        self.b = nn.Parameter(torch.zeros(high, rank, device=place.device))

    def forward(self, values: Tensor) -> Tensor:
        """Return W x + 2 B A x."""
        low = functional.linear(values, self.a.to(values.dtype))
        added = functional.linear(low, self.b.to(values.dtype))
        out: Tensor = functional.linear(values, self.weight, self.bias) + SCALE * added
        return out


class _Block(nn.Module):
    def __init__(self, file: ModelFile, number: int, rank: int, place: Place) -> None:
        super().__init__()

        def adapted(name: str, *, bias: bool = False) -> Adapted:
            return Adapted(file, f"blk.{number}.{name}", rank, place, bias=bias)

        self.shape = file.shape
        self.norm1 = place.put(file.weight(f"blk.{number}.attn_norm.weight"))
        self.norm2 = place.put(file.weight(f"blk.{number}.ffn_norm.weight"))
        self.query = adapted("attn_q", bias=True)
        self.key = adapted("attn_k", bias=True)
        self.value = adapted("attn_v", bias=True)
        self.joined = adapted("attn_output")
        self.gate, self.up, self.down = (adapted(f"ffn_{part}") for part in ("gate", "up", "down"))

    def forward(self, hidden: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        batch, length, width = hidden.shape
        normed = _normed(hidden, self.norm1, self.shape.epsilon)
        query, key, value = (
            part(normed).view(batch, length, heads, -1).transpose(1, 2)
            for part, heads in (
                (self.query, self.shape.heads),
                (self.key, self.shape.kv_heads),
                (self.value, self.shape.kv_heads),
            )
        )
        query, key = _turned(query, cosine, sine), _turned(key, cosine, sine)
        share = self.shape.heads // self.shape.kv_heads
        # What pads a prompt stands behind it, where no token of the prompt looks.
        mixed = functional.scaled_dot_product_attention(
            query,
            key.repeat_interleave(share, 1),
            value.repeat_interleave(share, 1),
            is_causal=True,
        )
        hidden = hidden + self.joined(mixed.transpose(1, 2).reshape(batch, length, width))
        normed = _normed(hidden, self.norm2, self.shape.epsilon)
        out: Tensor = hidden + self.down(functional.silu(self.gate(normed)) * self.up(normed))
        return out


class AdaptedModel(nn.Module):
    """Qwen2 with an adapter; its parameters are the adapter's alone."""

    def __init__(self, file: ModelFile, rank: int, place: Place) -> None:
        """Read all weights of the file."""
        super().__init__()
        shape = file.shape
        self.shape, self.place = shape, place
        self.word = place.put(file.weight("token_embd.weight"))
        self.output = place.put(file.weight("output.weight")) if file.has_output else self.word
        self.norm = place.put(file.weight("output_norm.weight"))
        self.blocks = nn.ModuleList(
            _Block(file, number, rank, place) for number in range(shape.blocks)
        )

    def forward(self, ids: Tensor, last: Tensor) -> Tensor:
        """Return the logits (batch, vocabulary) of what follows each row's token at `last`."""
        hidden = functional.embedding(ids, self.word)
        cosine, sine = self._angles(ids.shape[1])
        for block in self.blocks:
            hidden = block(hidden, cosine, sine)
        ends = hidden[torch.arange(len(hidden), device=hidden.device), last]
        normed = _normed(ends, self.norm, self.shape.epsilon)
        return functional.linear(normed, self.output).float()

    def adapter(self) -> dict[str, Tensor]:
        """Return the adapter's matrices under the names that llama.cpp gives them."""
        found = {}
        for part in self.modules():
            if isinstance(part, Adapted):
                found[part.name + _LORA_A] = part.a.detach()
                found[part.name + _LORA_B] = part.b.detach()
        return found

    def take(self, adapter: Mapping[str, Tensor]) -> None:
        """Replace the adapter's matrices.

        Raises:
            InputError: they are of other names or sizes.
        """
        for name, own in self.adapter().items():
            if name not in adapter or adapter[name].shape != own.shape:
                raise InputError(
                    f"The adapter doesn't fit the model: {name} is missing or of other size."
                )
            own.copy_(adapter[name])

    def _angles(self, length: int) -> tuple[Tensor, Tensor]:
        half = self.word.shape[1] // self.shape.heads // 2
        steps = torch.arange(half, device=self.place.device).float() / half
        places = torch.arange(length, device=self.place.device).float()
        angles = places[:, None] * self.shape.rope_base**-steps
        return angles.cos().to(self.place.dtype), angles.sin().to(self.place.dtype)


def _normed(hidden: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    return functional.rms_norm(hidden, (hidden.shape[-1],), weight, epsilon)


def _turned(values: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = values.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)
