"""Prompts as the embedded chat model reads them: token ids, in batches of like length."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from assistant.errors import InputError
from evals.verifier.adapter_pairs import Record

# How Qwen2 cuts text before it merges (`tokenizer.ggml.pre` = qwen2).
_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_START, _END = "<|im_start|>", "<|im_end|>"
MAX_TOKENS = 420


@dataclass(frozen=True, kw_only=True)
class Example:
    """A record as token ids."""

    record: Record
    ids: list[int]


class ChatTokenizer:
    """Qwen's byte-level BPE and chat format, from the vocabulary and merges of a GGUF file."""

    def __init__(self, tokens: Sequence[str], merges: Sequence[str]) -> None:
        """Build the tokenizer.

        Raises:
            InputError: the vocabulary lacks a token of the chat format, or yes or no.
        """
        self._known = {token: number for number, token in enumerate(tokens)}
        pairs = [(left, right) for left, right in (merge.split(" ") for merge in merges)]
        self._tokenizer = Tokenizer(models.BPE(self._known, pairs))
        self._tokenizer.normalizer = normalizers.NFC()
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_PIECES), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        self._start, self._end = self._id(_START), self._id(_END)
        self.yes, self.no = self._id("yes"), self._id("no")

    def prompts(self, records: Sequence[Record]) -> list[list[int]]:
        """Return the ids of each record's messages, up to where the reply begins."""
        heads: dict[str, list[int]] = {}
        between = [self._end, *self._ids("\n"), self._start]
        tail = [*between, *self._ids("assistant\n")]
        encoded = self._tokenizer.encode_batch(
            [f"user\n{record.user}" for record in records], add_special_tokens=False
        )
        made = []
        for record, found in zip(records, encoded, strict=True):
            if record.system not in heads:
                system = self._ids(f"system\n{record.system}")
                heads[record.system] = [self._start, *system, *between]
            made.append(heads[record.system] + found.ids + tail)
        return made

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def _id(self, token: str) -> int:
        if token not in self._known:
            raise InputError(f"The model's vocabulary has no {token!r}; it must be Qwen2's.")
        return self._known[token]


def examples(records: Sequence[Record], tokenizer: ChatTokenizer) -> list[Example]:
    """Return the records as token ids, without the few of more than `MAX_TOKENS`."""
    return [
        Example(record=record, ids=ids)
        for record, ids in zip(records, tokenizer.prompts(records), strict=True)
        if len(ids) <= MAX_TOKENS
    ]


def batches(
    known: Sequence[Example], tokens: int, chance: random.Random | None = None
) -> list[list[Example]]:
    """Return batches of about `tokens` ids and of like length: in random order, given `chance`."""
    jitter = {id(one): chance.random() * 12 if chance else 0.0 for one in known}
    made: list[list[Example]] = []
    batch: list[Example] = []
    for one in sorted(known, key=lambda one: len(one.ids) + jitter[id(one)]):
        if batch and (len(batch) + 1) * len(one.ids) > tokens:
            made.append(batch)
            batch = []
        batch.append(one)
    if batch:
        made.append(batch)
    if chance:
        chance.shuffle(made)
    return made


def rate_at(step: int, steps: int, rate: float, warm_up: int = 40) -> float:
    """Return the learning rate of a step: up over `warm_up` steps, down in a line to 2 %."""
    left = 1 - (step + 1) / steps
    return rate * min(1.0, (step + 1) / warm_up) * max(0.02, left)
