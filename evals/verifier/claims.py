"""Judge claims by their evidence with the product's verifier, and say how often it is right."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from assistant import Assistant
from assistant.answering.judging import judge_by, judging_prompts
from assistant.grounding.verifier import load_stages, stages_from
from assistant.settings import Settings
from evals.verifier import measures
from evals.verifier.fit import fit
from evals.verifier.judge import Bench, Models
from evals.verifier.made_pairs import made_pairs, read_abstracts
from evals.verifier.pairs import Pair, read_pairs, spread

TARGET = Path(str(files("assistant").joinpath("data", "support.json")))
MADE = 1000
CHAT = {"chat model", "adapted chat model"}
MADE_BY_RULE = "made by rule"
CACHE = Path("~/.cache/abstract-assistant-evals/claims").expanduser()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to judge: files, at most `limit` pairs of each; the chat model on `asked` of them.

    `abstracts` is a corpus from which further pairs to calibrate on are made by rule.
    """

    paths: Sequence[Path]
    settings: Settings
    limit: int | None = None
    asked: int | None = None
    abstracts: Path | None = None
    cache: Path = CACHE


def run(plan: Plan, progress: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """Return each file's figures with the shipped calibration."""
    with ExitStack() as stack:
        every = _collections(plan)
        bench = _bench(plan, stack)
        found = {}
        for name, pairs in every.items():
            progress(f"{name}: {len(pairs)} pairs")
            found[name] = measures.figures(bench.judged(pairs, load_stages()))
        return found


def leave_one_out(plan: Plan, progress: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """Return each file's figures with a calibration fitted on the others, tier by tier.

    The chat model is asked for a sample, on which all tiers are then compared.
    """
    with ExitStack() as stack:
        every = _collections(plan)
        bench = _bench(plan, stack)
        found: dict[str, dict[str, Any]] = {}
        made = _made(plan, part=1)
        tested = every | ({MADE_BY_RULE: _made(plan, part=2)} if made else {})
        for name, pairs in tested.items():
            progress(f"{name}: {len(pairs)} pairs, calibrated on the others")
            others = [pair for other, own in every.items() if other != name for pair in own]
            others += made if name != MADE_BY_RULE else []
            bench.prepare(others)
            record = fit(others, bench, _asked(plan, every, without=name))
            for tiers, kept in _by_tier(record).items():
                sample = pairs if not CHAT.intersection(kept) else list(_sample(plan, pairs))
                row = measures.figures(bench.judged(sample, stages_from(kept)))
                found[f"{name}, {tiers}"] = row
        return found


def calibrate(plan: Plan, progress: Callable[[str], None]) -> str:
    """Fit the shipped calibration on all files, write it, and say what it is."""
    with ExitStack() as stack:
        every = _collections(plan)
        bench = _bench(plan, stack)
        every[MADE_BY_RULE] = _made(plan, part=1)
        pairs = [pair for own in every.values() for pair in own]
        progress(f"fitting on {len(pairs)} pairs")
        bench.prepare(pairs)
        tiers = fit(pairs, bench, _asked(plan, every))
    kept = json.loads(TARGET.read_text(encoding="utf-8")) if TARGET.exists() else {"tiers": {}}
    record = {
        "tiers": kept["tiers"] | tiers,
        "provenance": {
            "command": "python -m evals claims --write --abstracts CORPUS FILE…",
            "pairs": {name: len(own) for name, own in every.items()},
        },
    }
    TARGET.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return f"written to {TARGET.name}: {json.dumps(tiers, indent=1)}"


def _by_tier(record: Mapping[Any, Any]) -> dict[str, dict[Any, Any]]:
    """Return parts of a calibration: each tier as the last one that is asked."""
    open_always = {"low": 0.0, "high": 1.0}
    parts = {
        "features alone": {"features": record["features"]},
        "cross-encoder always": {
            "features": record["features"] | open_always,
            "cross-encoder": record["cross-encoder"],
        },
        "features, cross-encoder": {name: record[name] for name in ("features", "cross-encoder")},
    }
    if CHAT.intersection(record):
        parts["all tiers"] = dict(record)
    return parts


def _collections(plan: Plan) -> dict[str, list[Pair]]:
    found: dict[str, list[Pair]] = {}
    for path in plan.paths:
        pairs = read_pairs(path)
        found[path.parent.name or path.stem] = (
            list(spread(pairs, plan.limit)) if plan.limit else pairs
        )
    return found


def _made(plan: Plan, part: int) -> list[Pair]:
    """Return pairs made from a part of the abstracts; on part 0 the cross-encoder was trained."""
    if plan.abstracts is None:
        return []
    return list(made_pairs(read_abstracts(plan.abstracts, part), MADE, seed=part))


def _sample(plan: Plan, pairs: Sequence[Pair]) -> Sequence[Pair]:
    return list(spread(pairs, plan.asked)) if plan.asked else pairs


def _asked(plan: Plan, every: Mapping[str, Sequence[Pair]], without: str = "") -> list[Pair]:
    """Return the pairs that the chat model may be asked about: none without one."""
    if plan.settings.chat_model == "extractive":
        return []
    return [
        pair
        for name, own in every.items()
        if name not in (without, MADE_BY_RULE)
        for pair in _sample(plan, own)
    ]


def _bench(plan: Plan, stack: ExitStack) -> Bench:
    """Return the verifier's bench with the models that the settings name."""
    from assistant.adapters.cross_encoder import open_classifier
    from assistant.adapters.embedders import open_embedder

    settings = plan.settings
    embedder = open_embedder(settings.embedder, settings, lambda *_: None)
    judge = None
    if settings.chat_model != "extractive":
        assistant = stack.enter_context(Assistant(settings))
        model = assistant.chat_model()
        judge = None if model is None else judge_by(model, judging_prompts(), forgiving=False)
    bench = Bench(
        Models(
            embedder=embedder,
            classifier=open_classifier(settings.threads),
            judge=judge,
            cache=plan.cache,
        )
    )
    stack.callback(bench.save)  # Also where the run is being stopped.
    return bench
