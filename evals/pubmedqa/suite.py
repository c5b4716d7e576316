"""Finds the abstract, decides from it, and says how often that is right."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tqdm import tqdm

from assistant.app import Assistant
from assistant.errors import UnreadableFileError
from assistant.grounding.verifier import Verifier, load_stages
from assistant.settings import Settings
from evals.chat_server import server_of
from evals.pubmedqa.deciding import (
    VERDICTS,
    ByModel,
    ByVerifier,
    Decider,
    ModelShares,
    Reading,
    Verdict,
    WithoutBias,
)
from evals.retrieval.collection import Collection, Query, opened
from evals.retrieval.run import spread
from evals.summary import aligned
from evals.verifier.judge import Memory
from evals.verifier.measures import macro_f1

MAJORITY = "always the commonest"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to ask: at most `limit` questions; `cache` keeps library and the model's words."""

    settings: Settings
    cache: Path
    limit: int | None = None


def run(collection: Collection, plan: Plan) -> dict[str, Any]:
    """Return the figures of a collection, by whatever decides.

    Raises:
        UnreadableFileError: a question's answer is none of yes, no and maybe.
        ModelError: the chat model that the settings name can't be had.
    """
    _check(collection)
    with ExitStack() as stack:
        assistant = stack.enter_context(opened(collection, plan.settings, plan.cache))
        deciders: list[Decider] = [ByVerifier(verifier=_verifier(assistant))]
        shares = _model_shares(plan, stack)
        if shares:
            deciders += [ByModel(shares=shares), WithoutBias(shares=shares)]
        readings = []
        said: dict[str, list[Verdict]] = {decider.name: [] for decider in deciders}
        queries = spread(collection.queries, plan.limit)
        for query in tqdm(queries, unit="question", desc=collection.name, disable=None):
            readings.append(_read(query, assistant))
            for decider in deciders:
                said[decider.name].append(decider.decide(readings[-1]))
            if shares:
                shares.save(often=True)
    return figures(readings, said)


def _check(collection: Collection) -> None:
    for query in collection.queries:
        if query.answer not in VERDICTS:
            raise UnreadableFileError(
                f"{collection.name}, question {query.id}: the answer is {query.answer!r}; "
                "each line of queries.jsonl must say yes, no or maybe."
            )


def _verifier(assistant: Assistant) -> Verifier:
    from assistant.adapters.cross_encoder import open_classifier

    embedder = assistant.library.embedder()
    classifier = open_classifier(assistant.settings.threads)
    return Verifier(
        load_stages(), lambda texts: embedder.embed(texts) if embedder else None, lambda: classifier
    )


def _model_shares(plan: Plan, stack: ExitStack) -> ModelShares | None:
    """Return what asks the chat model, which must be there where the settings name one."""
    if plan.settings.chat_model == "extractive":
        return None
    server = server_of(stack.enter_context(Assistant(plan.settings)))
    shares = ModelShares(server, Memory(plan.cache / "verdicts.npz"))
    stack.callback(shares.save)
    return shares


def _read(query: Query, assistant: Assistant) -> Reading:
    """Let the product search and select its evidence."""
    answer = assistant.ask(query.text)
    hits = answer.trace.hits
    return Reading(
        id=query.id,
        question=query.text,
        truth=cast(Verdict, query.answer),
        evidence=tuple(one.text for one in answer.evidence),
        is_right=bool(hits) and query.grades.get(hits[0]["paper"], 0) > 0,
    )


def figures(readings: Sequence[Reading], said: Mapping[str, Sequence[Verdict]]) -> dict[str, Any]:
    """Return n, the share whose own abstract came first, and each decider's measures."""
    truth = [one.truth for one in readings]
    commonest = Counter(truth).most_common(1)[0][0]
    every = {MAJORITY: [commonest] * len(truth), **said}
    return {
        "n": len(readings),
        "right_abstract_first": sum(one.is_right for one in readings) / len(readings),
        "deciders": {name: _measures(truth, own) for name, own in every.items()},
    }


def _measures(truth: Sequence[Verdict], said: Sequence[Verdict]) -> dict[str, Any]:
    pairs = Counter(zip(truth, said, strict=True))
    return {
        "accuracy": sum(a == b for a, b in zip(truth, said, strict=True)) / len(truth),
        "macro_f1": macro_f1(truth, said),
        "confusion": {
            true: {given: pairs[true, given] for given in VERDICTS}
            for true in VERDICTS
            if true in truth
        },
    }


def report(name: str, found: Mapping[str, Any]) -> str:
    """Show the deciders side by side, then what each said to which questions."""
    lines = [
        f"{name}: {found['n']} questions, right abstract first {found['right_abstract_first']:.3f}"
    ]
    rows = [["", "accuracy", "macro-F1"]]
    for decider, own in found["deciders"].items():
        rows.append([decider, f"{own['accuracy']:.3f}", f"{own['macro_f1']:.3f}"])
    lines.append(aligned(rows))
    for decider, own in found["deciders"].items():
        if decider == MAJORITY:
            continue
        lines.append(f"\n{decider}:")
        for true, counts in own["confusion"].items():
            shown = ", ".join(f"{given} {count}" for given, count in counts.items())
            lines.append(f"  {true}: said {shown}")
    return "\n".join(lines)
