"""Fit the tiers' calibration: each a logistic model of the tier before and of its own finding."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assistant.grounding.comparison import FEATURES, compare
from assistant.grounding.focus import focus
from assistant.grounding.judges import Judge
from assistant.grounding.odds import log_odds, sigmoid
from assistant.grounding.verifier import Stage, stages_from
from assistant.types import Tier
from evals.calibrate import logistic
from evals.verifier.judge import Bench
from evals.verifier.pairs import Pair

SURE_FEATURES, SURE_CLASSIFIER = 0.95, 0.9
LEAST_SHARE = 0.02


def fit(
    pairs: Sequence[Pair], bench: Bench, asked: Sequence[Pair] = ()
) -> dict[Tier, dict[str, Any]]:
    """Return the record of a calibration fitted on `pairs`.

    Supported and other pairs weigh the same, collections too, so that 0.5 is the balanced
    point. A tier's band is the narrowest outside which it is right often enough; the chat
    model is fitted on those of `asked` that fall into the band before it.
    """
    record: dict[Tier, dict[str, Any]] = {}
    table = np.array([_features(pair, bench) for pair in pairs])
    weights = _fitted(table, pairs)
    record["features"] = {
        "intercept": round(float(weights[0]), 4),
        "weights": _named(FEATURES, weights[1:]),
    }
    first = table @ weights
    record["features"] |= _band(first, pairs, SURE_FEATURES)
    rows = bench.classify([(pair.claim, focus(pair.claim, pair.evidence)) for pair in pairs])
    own = np.array([log_odds(float(row[0])) for row in rows])
    stacked = np.stack([np.ones(len(pairs)), first, own], axis=1)
    weights = _fitted(stacked, pairs)
    record["cross-encoder"] = _stacked(weights, "before", "own") | _band(
        stacked @ weights, pairs, SURE_CLASSIFIER
    )
    if asked and bench.judge is not None:
        record[bench.judge.tier] = _chat(asked, bench, bench.judge, stages_from(record))
    return record


def _chat(
    pairs: Sequence[Pair], bench: Bench, judge: Judge, stages: Mapping[Tier, Stage]
) -> dict[str, Any]:
    """Fit the last tier on the pairs that would reach it."""
    rows, kept = [], []
    verifier = bench.verifier(stages)
    for pair in pairs:
        before = verifier.support(pair.claim, pair.evidence)
        if before.tier == "verbatim" or not (judge.is_asked_always or verifier.leaves_open(before)):
            continue
        found = judge.finds(pair.claim, focus(pair.claim, pair.evidence))
        if found is not None:
            # Who is believed over the cheaper tiers needs no word of theirs.
            known = {} if judge.is_asked_always else {"before": log_odds(before.score)}
            rows.append(known | dict(found))
            kept.append(pair)
    table = np.array([[1.0, *row.values()] for row in rows])
    return _stacked(_fitted(table, kept), *rows[0]) | {"low": 0.5, "high": 0.5}


def _features(pair: Pair, bench: Bench) -> list[float]:
    text = focus(pair.claim, pair.evidence)
    found = compare(pair.claim, text, bench.cosine(pair.claim, text))
    return [1.0, *(found.features[name] for name in FEATURES)]


def _fitted(table: Any, pairs: Sequence[Pair]) -> Any:
    return fitted(
        table, [pair.label == "supported" for pair in pairs], [pair.collection for pair in pairs]
    )


def fitted(table: Any, truth: Sequence[bool], collections: Sequence[str]) -> Any:
    """Return the weights, every collection and both answers counting the same."""
    groups = np.array([f"{name}/{label}" for name, label in zip(collections, truth, strict=True)])
    names, counts = np.unique(groups, return_counts=True)
    size = dict(zip(names, counts, strict=True))
    share = np.array([len(truth) / len(names) / size[group] for group in groups])
    return logistic(table, np.array(truth, float), share)


def _band(logits: Any, pairs: Sequence[Pair], sure: float) -> dict[str, float]:
    """Return the band outside which the share right is at least `sure`, on either side."""
    truth = np.array([pair.label == "supported" for pair in pairs])
    chance = np.array([sigmoid(float(logit)) for logit in logits])
    low, high = 0.0, 1.0
    for edge in np.arange(0.02, 0.5, 0.02):
        outside = chance <= edge
        if outside.mean() >= LEAST_SHARE and (~truth[outside]).mean() >= sure:
            low = float(edge)
        outside = chance >= 1 - edge
        if outside.mean() >= LEAST_SHARE and truth[outside].mean() >= sure:
            high = float(1 - edge)
    return {"low": round(low, 2), "high": round(high, 2)}


def _stacked(weights: Any, *names: str) -> dict[str, Any]:
    return {"intercept": round(float(weights[0]), 4), "weights": _named(names, weights[1:])}


def _named(names: Sequence[str], weights: Any) -> dict[str, float]:
    return {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)}
