"""Fine-tune MiniLM into a cross-encoder that says whether evidence supports a claim.

`python -m evals.verifier.train ../shared/eval OUT` (needs the extra `train`: torch). First on
the public NLI sources whose licence allows it and on claims made from abstracts by rule, then
shortly on collections judged by people (`--then`). A checkpoint is kept every so many steps:
started again, it goes on where it was.

Architecture: BERT (Devlin et al. 2019) as distilled by Wang et al. 2020 (MiniLM); claim and
evidence are read together and the first token's vector is classified in three.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from assistant.grounding.focus import focus
from evals.verifier.made_pairs import made_pairs, read_abstracts
from evals.verifier.pairs import LABELS, SHIPPABLE, Pair, read_pairs, spread

MAX_TOKENS = 192
BATCH_TOKENS = 3072
MADE = 9000
SAVE_EVERY = 200


@dataclass(frozen=True, kw_only=True)
class Example:
    """A pair as token ids."""

    ids: list[int]
    label: int
    two_way: bool


class CrossEncoder(nn.Module):
    """BERT's blocks over "claim [SEP] evidence", and a head of three on the first token."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Make the layers that `config` (of the embedder) describes."""
        super().__init__()
        width = config["hidden_size"]
        self.heads = config["num_attention_heads"]
        self.word = nn.Embedding(config["vocab_size"], width)
        self.place = nn.Embedding(config["max_position_embeddings"], width)
        self.kind = nn.Embedding(2, width)
        self.first = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.blocks = nn.ModuleList(
            _Block(width, config["intermediate_size"], self.heads, config["layer_norm_eps"])
            for _ in range(config["num_hidden_layers"])
        )
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(width, len(LABELS))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the logits (batch, 3) of token ids (batch, length)."""
        places = torch.arange(ids.shape[1])
        hidden = self.word(ids) + self.place(places) + self.kind(torch.zeros_like(ids))
        hidden = self.dropout(self.first(hidden))
        for block in self.blocks:
            hidden = block(hidden, mask[:, None, None, :])
        logits: Tensor = self.head(self.dropout(hidden[:, 0]))
        return logits


class _Block(nn.Module):
    def __init__(self, width: int, inner: int, heads: int, epsilon: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.joined = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.inner, self.outer = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.dropout = nn.Dropout(0.1)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        batch, length, width = hidden.shape
        query, key, value = (
            part(hidden).view(batch, length, self.heads, -1).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = self.joined(mixed.transpose(1, 2).reshape(batch, length, width))
        hidden = self.norm1(hidden + self.dropout(mixed))
        inner = self.outer(functional.gelu(self.inner(hidden)))
        out: Tensor = self.norm2(hidden + self.dropout(inner))
        return out


_NAMES = {
    "word.weight": "embeddings.word_embeddings.weight",
    "place.weight": "embeddings.position_embeddings.weight",
    "kind.weight": "embeddings.token_type_embeddings.weight",
    "first.weight": "embeddings.LayerNorm.weight",
    "first.bias": "embeddings.LayerNorm.bias",
}
_PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "joined": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "norm2": "output.LayerNorm",
}


def bert_name(name: str) -> str:
    """Return what BERT's files call the parameter `name` of a `CrossEncoder`."""
    if name.startswith("blocks."):
        _, number, part, kind = name.split(".")
        return f"encoder.layer.{number}.{_PARTS[part]}.{kind}"
    return _NAMES.get(name, name)


def load_base(folder: Path) -> CrossEncoder:
    """Return an untrained head on the embedder's own weights."""
    model = CrossEncoder(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    weights = load_file(folder / "model.safetensors")
    known = {name.removeprefix("bert."): value for name, value in weights.items()}
    state = model.state_dict()
    for name in state:
        if bert_name(name) in known:
            state[name] = known[bert_name(name)]
    model.load_state_dict(state)
    # Half of all parameters; they know the words already, and their gradient costs the most.
    model.word.requires_grad_(False)
    return model


def save(model: CrossEncoder, path: Path) -> None:
    """Write the weights under BERT's names."""
    state = {bert_name(name): value.contiguous() for name, value in model.state_dict().items()}
    partial = path.with_suffix(".partial")
    save_file(state, partial)
    partial.replace(path)


def training_pairs(data: Path, seed: int) -> list[Pair]:
    """Return what is trained on first: the sources that may ship, and pairs made by rule."""
    pairs: list[Pair] = []
    for source, limit in SHIPPABLE.items():
        pairs += spread(read_pairs(data / "nli" / f"{source}.jsonl.gz"), limit)
    # The other two thirds are for calibration and for testing.
    abstracts = read_abstracts(data / "arxiv-75k" / "corpus.jsonl.gz", part=0)
    pairs += made_pairs(abstracts, MADE, seed)
    return pairs


def examples(pairs: Sequence[Pair], tokenizer: Any) -> list[Example]:
    """Return the pairs as the model reads them: the claim, then the evidence in focus."""
    texts = [(pair.claim, focus(pair.claim, pair.evidence)) for pair in pairs]
    encoded = tokenizer.encode_batch(texts)
    return [
        Example(ids=found.ids, label=LABELS.index(pair.label), two_way=pair.two_way)
        for pair, found in zip(pairs, encoded, strict=True)
    ]


def batches(known: Sequence[Example], chance: random.Random) -> Iterator[list[Example]]:
    """Yield batches of like length, in random order."""
    order = sorted(known, key=lambda one: len(one.ids) + chance.random() * 8)
    made: list[list[Example]] = []
    batch: list[Example] = []
    for one in order:
        if (batch and (len(batch) + 1) * len(one.ids) > BATCH_TOKENS) or len(batch) == 48:
            made.append(batch)
            batch = []
        batch.append(one)
    made.append(batch)
    chance.shuffle(made)
    yield from made


def padded(batch: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Return ids and mask of a batch."""
    length = max(len(one.ids) for one in batch)
    ids = torch.zeros(len(batch), length, dtype=torch.long)
    mask = torch.zeros(len(batch), length, dtype=torch.bool)
    for row, one in enumerate(batch):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        mask[row, : len(one.ids)] = True
    return ids, mask


def loss_of(logits: Tensor, batch: Sequence[Example]) -> Tensor:
    """Return the mean negative log-likelihood; two-way negatives may be either."""
    log = functional.log_softmax(logits, dim=-1)
    labels = torch.tensor([one.label for one in batch])
    picked = log[torch.arange(len(batch)), labels]
    either = torch.logsumexp(log[:, 1:], dim=-1)
    two_way = torch.tensor([one.two_way and one.label != 0 for one in batch])
    return -torch.where(two_way, either, picked).mean()


def train(
    model: CrossEncoder,
    known: Sequence[Example],
    *,
    rate: float,
    epochs: int,
    seed: int,
    keep: Path | None = None,
) -> None:
    """Run AdamW with warm-up and linear decay; go on from the checkpoint `keep`, if there."""
    free = [parameter for parameter in model.parameters() if parameter.requires_grad]
    adam = torch.optim.AdamW(free, lr=rate, weight_decay=0.01)
    chance = random.Random(seed)  # noqa: S311 - an order, no secret
    steps = [batch for _ in range(epochs) for batch in batches(known, chance)]
    torch.manual_seed(seed)
    done = 0
    if keep and keep.exists():
        kept = torch.load(keep, weights_only=True)
        model.load_state_dict(kept["model"])
        adam.load_state_dict(kept["adam"])
        done = kept["done"]
    model.train()
    began, seen, total = time.time(), 0, 0.0
    for step in range(done, len(steps)):
        share = (step + 1) / len(steps)
        scale = min(1.0, share / 0.06) * (1 - share) / (1 - min(share, 0.06))
        for group in adam.param_groups:
            group["lr"] = rate * scale
        ids, mask = padded(steps[step])
        loss = loss_of(model(ids, mask), steps[step])
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(free, 1.0)
        adam.step()
        seen, total = seen + 1, total + float(loss.detach())
        if seen == SAVE_EVERY or step + 1 == len(steps):
            left = (time.time() - began) / seen * (len(steps) - step - 1)
            print(f"step {step + 1}/{len(steps)}, loss {total / seen:.4f}, {left:.0f} s left")  # noqa: T201
            began, seen, total = time.time(), 0, 0.0
            if keep:
                state = {"model": model.state_dict(), "adam": adam.state_dict(), "done": step + 1}
                torch.save(state, keep.with_suffix(".new"))
                keep.with_suffix(".new").replace(keep)


@torch.no_grad()
def probabilities(model: CrossEncoder, known: Sequence[Example]) -> Tensor:
    """Return (pairs, 3): the probability of each label."""
    model.eval()
    order = sorted(range(len(known)), key=lambda place: len(known[place].ids))
    found = torch.zeros(len(known), len(LABELS))
    for start in range(0, len(order), 16):
        places = order[start : start + 16]
        ids, mask = padded([known[place] for place in places])
        found[places] = functional.softmax(model(ids, mask), dim=-1)
    return found


def figures(found: Tensor, pairs: Sequence[Pair]) -> str:
    """Return AUROC and balanced accuracy at 0.5 of supported against the rest."""
    yes = [float(row[0]) for row, pair in zip(found, pairs, strict=True) if pair.label == LABELS[0]]
    no = [float(row[0]) for row, pair in zip(found, pairs, strict=True) if pair.label != LABELS[0]]
    wins = sum((a > b) + 0.5 * (a == b) for a in yes for b in no) / max(1, len(yes) * len(no))
    right = sum(a >= 0.5 for a in yes) / max(1, len(yes))
    wrong = sum(b >= 0.5 for b in no) / max(1, len(no))
    best = max(
        (sum(a >= t for a in yes) / len(yes) + sum(b < t for b in no) / len(no)) / 2
        for t in [place / 50 for place in range(1, 50)]
    )
    return f"AUROC {wins:.3f}, balanced accuracy {(right + 1 - wrong) / 2:.3f}, best {best:.3f}"


def main() -> None:
    """Train as the arguments say, and print the figures on what was left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--base", type=Path, required=True, help="folder of the embedder")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=float, default=8e-5)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--then", action="append", default=[], help="collection for the end")
    parser.add_argument("--test", action="append", default=[], help="collection to report on")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(arguments.base / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS, strategy="only_second")
    tokenizer.no_padding()
    model = load_base(arguments.base)
    first = arguments.out / "first.pt"
    known = examples(training_pairs(arguments.data, arguments.seed), tokenizer)
    tokens = sum(len(one.ids) for one in known)
    print(f"{len(known)} pairs, {tokens} tokens, longest {max(len(one.ids) for one in known)}")  # noqa: T201
    train(
        model,
        known,
        rate=arguments.rate,
        epochs=arguments.epochs,
        seed=arguments.seed,
        keep=first,
    )
    if arguments.then:
        pairs = [
            pair
            for name in arguments.then
            for pair in read_pairs(arguments.data / name / "pairs.jsonl.gz")
        ]
        train(
            model,
            examples(pairs, tokenizer),
            rate=arguments.rate / 2,
            epochs=2,
            seed=arguments.seed,
        )
    save(model, arguments.out / "model.safetensors")
    for name in arguments.test:
        pairs = read_pairs(arguments.data / name / "pairs.jsonl.gz")
        found = probabilities(model, examples(pairs, tokenizer))
        if not math.isfinite(float(found.sum())):
            raise SystemExit("The training diverged; try a lower --rate.")
        print(f"{name}: {figures(found, pairs)}")  # noqa: T201


if __name__ == "__main__":
    main()
