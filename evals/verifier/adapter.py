"""Train an adapter that makes the embedded chat model the verifier's judge.

`python -m evals.verifier.adapter ../shared/eval MODEL.gguf OUT` (needs the extra `train`, and
for the defaults a GPU with 80 GB; with less, lower --batch-tokens). It writes OUT/judge.gguf,
which llama.cpp puts on the model for a single request, and prints how well it tells held-out
rows apart, and the calibration of its tier. A checkpoint is kept every so many steps: started
again, it goes on where it was. `--score ADAPTER.gguf` trains nothing and prints that of one.
"""

import argparse
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from assistant.errors import AssistantError, InputError, ModelError
from assistant.grounding.odds import MOST, log_odds
from evals.verifier.adapter_batches import ChatTokenizer, Example, batches, examples, rate_at
from evals.verifier.adapter_model import SCALE, AdaptedModel, ModelFile, Place
from evals.verifier.adapter_pairs import Record, records
from evals.verifier.fit import fitted
from evals.verifier.measures import auroc, balanced_accuracy

SAVE_EVERY = 60
# A batch's loss is a sum, divided by the rows that a batch has on average: so each row counts
# the same, whether its batch is one of few long rows or of many short ones.
TOKENS_A_ROW = 160
# As far as the product reads a log-odds.
FURTHEST = log_odds(MOST)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to train."""

    seed: int = 1
    epochs: int = 2
    rate: float = 3e-4
    rank: int = 8
    batch_tokens: int = 24000


def padded(batch: Sequence[Example], device: str) -> tuple[Tensor, Tensor]:
    """Return ids (batch, length) and each row's last place."""
    length = max(len(one.ids) for one in batch)
    ids = torch.zeros(len(batch), length, dtype=torch.long)
    for row, one in enumerate(batch):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
    last = torch.tensor([len(one.ids) - 1 for one in batch])
    return ids.to(device), last.to(device)


def train(
    model: AdaptedModel,
    known: Sequence[Example],
    tokenizer: ChatTokenizer,
    plan: Plan,
    *,
    keep: Path | None = None,
) -> None:
    """Run AdamW over the adapter; go on from the checkpoint `keep`, if there.

    Raises:
        InputError: the checkpoint is of a training with another plan or other rows.
        ModelError: the training diverged.
    """
    parameters = list(model.parameters())
    adam = torch.optim.AdamW(parameters, lr=plan.rate, weight_decay=0.01, betas=(0.9, 0.98))
    chance = random.Random(plan.seed)  # noqa: S311 - an order, no secret
    steps = [
        batch for _ in range(plan.epochs) for batch in batches(known, plan.batch_tokens, chance)
    ]
    settings = vars(plan) | {"rows": len(known), "steps": len(steps)}
    done = _go_on(model, adam, settings, keep) if keep and keep.exists() else 0
    began, losses = time.monotonic(), []
    for step in range(done, len(steps)):
        for group in adam.param_groups:
            group["lr"] = rate_at(step, len(steps), plan.rate)
        ids, last = padded(steps[step], model.place.device)
        wanted = [tokenizer.yes if one.record.label else tokenizer.no for one in steps[step]]
        truth = torch.tensor(wanted, device=model.place.device)
        loss = functional.cross_entropy(model(ids, last), truth, reduction="sum")
        adam.zero_grad()
        (loss / (plan.batch_tokens / TOKENS_A_ROW)).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        losses.append(loss.detach() / len(truth))
        if len(losses) == SAVE_EVERY or step + 1 == len(steps):
            mean = float(torch.stack(losses).mean())
            if not np.isfinite(mean):
                raise ModelError("The training diverged; try a lower --rate.")
            left = (time.monotonic() - began) / len(losses) * (len(steps) - step - 1)
            print(f"step {step + 1}/{len(steps)}, loss {mean:.4f}, {left:.0f} s left", flush=True)  # noqa: T201
            began, losses = time.monotonic(), []
            if keep:
                state = {"adapter": model.adapter(), "adam": adam.state_dict(), "done": step + 1}
                torch.save(state | {"settings": settings}, keep.with_suffix(".new"))
                keep.with_suffix(".new").replace(keep)


def _go_on(model: AdaptedModel, adam: Any, settings: Mapping[str, Any], keep: Path) -> int:
    """Load the checkpoint, and return how many steps it has done."""
    kept = torch.load(keep, map_location=model.place.device, weights_only=True)
    if kept["settings"] != settings:
        raise InputError(f"{keep} is of another training, {kept['settings']}; move it away.")
    model.take(kept["adapter"])
    adam.load_state_dict(kept["adam"])
    return int(kept["done"])


@torch.no_grad()
def scores(
    model: AdaptedModel, known: Sequence[Example], tokenizer: ChatTokenizer, batch_tokens: int
) -> list[float]:
    """Return each example's logit of yes minus that of no."""
    found: dict[int, float] = {}
    for batch in batches(known, batch_tokens):
        logits = model(*padded(batch, model.place.device))
        values = (logits[:, tokenizer.yes] - logits[:, tokenizer.no]).tolist()
        found |= {id(one): value for one, value in zip(batch, values, strict=True)}
    return [found[id(one)] for one in known]


def figures(known: Sequence[Record], found: Sequence[float]) -> list[str]:
    """Return a line for each kind, source and split: rows, AUROC, balanced accuracy at 0."""

    def group(row: tuple[Record, float]) -> tuple[str, str, str]:
        return row[0].split, row[0].kind, row[0].source

    lines = []
    for names, own in groupby(sorted(zip(known, found, strict=True), key=group), group):
        rows = list(own)
        truth = [record.label for record, _ in rows]
        area = auroc(truth, [score for _, score in rows])
        right = balanced_accuracy(truth, [score > 0 for _, score in rows])
        shown = ["-" if value is None else f"{value:.3f}" for value in (area, right)]
        lines.append(
            f"{' '.join(names)}: {len(rows)} rows, AUROC {shown[0]}, balanced accuracy {shown[1]}"
        )
    return lines


def calibration(known: Sequence[Record], found: Sequence[float]) -> list[str]:
    """Return the tier's logistic model of the log-odds, and how each does by that of the others.

    Of the collections tested; every one of them and both answers count the same.
    """
    rows = [
        (one.source, one.label, float(np.clip(score, -FURTHEST, FURTHEST)))
        for one, score in zip(known, found, strict=True)
        if one.split == "test" and one.kind == "support"
    ]
    names = list(dict.fromkeys(name for name, _, _ in rows))
    lines = []
    for left_out in names if len(names) > 1 else []:
        intercept, own = _line([row for row in rows if row[0] != left_out])
        mine = [row for row in rows if row[0] == left_out]
        right = balanced_accuracy(
            [label for _, label, _ in mine], [intercept + own * score > 0 for _, _, score in mine]
        )
        lines.append(f"{left_out}: balanced accuracy {right:.3f} at the point of the others")
    if rows:
        intercept, own = _line(rows)
        lines.append(f"calibration: intercept {intercept:.4f}, own {own:.4f}")
    return lines


def _line(rows: Sequence[tuple[str, bool, float]]) -> tuple[float, float]:
    table = np.array([[1.0, score] for _, _, score in rows])
    weights = fitted(table, [label for _, label, _ in rows], [name for name, _, _ in rows])
    return float(weights[0]), float(weights[1])


def read_adapter(path: Path) -> dict[str, Tensor]:
    """Return the matrices of an adapter's file.

    Raises:
        InputError: it is missing or no such file.
    """
    try:
        reader = gguf.GGUFReader(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no adapter in GGUF ({error}).") from error
    return {one.name: torch.from_numpy(np.array(one.data)).float() for one in reader.tensors}


def write_adapter(adapter: Mapping[str, Any], path: Path) -> None:
    """Write the matrices in half precision as llama.cpp reads an adapter."""
    rank = next(len(values) for name, values in adapter.items() if name.endswith("lora_a"))
    partial = path.with_suffix(".partial")
    writer = gguf.GGUFWriter(partial, "qwen2")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", SCALE * rank)
    for name in sorted(adapter, key=lambda name: (int(name.split(".")[1]), name)):
        writer.add_tensor(name, np.asarray(adapter[name], dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(path)


def run(arguments: argparse.Namespace, plan: Plan) -> None:
    """Read, train, score and write as the arguments say.

    Raises:
        AssistantError: a file is missing or can't be read, or the training diverged.
    """
    place = Place.on(arguments.device)
    file = ModelFile(arguments.model)
    tokenizer = file.tokenizer()
    known = examples(list(records(arguments.data, arguments.test)), tokenizer)
    trained = [one for one in known if one.record.split == "train"]
    others = [one for one in known if one.record.split != "train"]
    tokens = sum(len(one.ids) for one in trained)
    print(f"{len(trained)} rows to train on, {tokens} tokens; {len(others)} to test", flush=True)  # noqa: T201
    torch.manual_seed(plan.seed)
    model = AdaptedModel(file, plan.rank, place)
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.score:
        model.take(read_adapter(arguments.score))
    else:
        train(model, trained, tokenizer, plan, keep=arguments.out / "kept.pt")
        adapter = {name: values.cpu().numpy() for name, values in model.adapter().items()}
        write_adapter(adapter, arguments.out / "judge.gguf")
    found = scores(model, others, tokenizer, plan.batch_tokens)
    tested = [one.record for one in others]
    print("\n".join(figures(tested, found) + calibration(tested, found)))  # noqa: T201


def main(given: Sequence[str] | None = None) -> None:
    """Train as the arguments say, and print the figures on what was left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path, help="GGUF file of the chat model")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--test", action="append", default=[], help="collection to report on")
    parser.add_argument("--score", type=Path, help="adapter to score, in place of training one")
    parser.add_argument("--epochs", type=int, default=Plan.epochs)
    parser.add_argument("--rate", type=float, default=Plan.rate)
    parser.add_argument("--rank", type=int, default=Plan.rank)
    parser.add_argument("--batch-tokens", type=int, default=Plan.batch_tokens)
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args(given)
    plan = Plan(
        seed=arguments.seed,
        epochs=arguments.epochs,
        rate=arguments.rate,
        rank=arguments.rank,
        batch_tokens=arguments.batch_tokens,
    )
    try:
        run(arguments, plan)
    except AssistantError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
