"""Fits the probability that a found paper is relevant, each collection left out in turn."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.retrieval.relevance import SEEN
from assistant.settings import Settings
from evals.calibrate import logistic, probabilities, quality
from evals.retrieval.collection import Collection, opened
from evals.retrieval.run import spread

PER_QUERY = 10
QUERIES = 100
BINS = 10
Table = NDArray[np.float64]


def fit(
    collections: Sequence[Collection],
    settings: Settings,
    cache: Path,
    *,
    limit: int | None,
    write: bool,
) -> str:
    """Return what a fit on the ten best hits of each query gives; `write` ships it.

    Each collection counts the same, however many queries it has.
    """
    tables, truths = [], []
    for collection in collections:
        table, truth = _observed(collection, settings, cache, limit or QUERIES)
        tables.append(table)
        truths.append(truth)
    lines = [f"{len(SEEN)} features of {sum(map(len, truths))} hits"]
    for place, collection in enumerate(collections):
        others = [row for row in range(len(collections)) if row != place] or [place]
        weights = _weights([tables[row] for row in others], [truths[row] for row in others])
        chance = probabilities(tables[place], weights)
        lines.append(f"  left out {collection.name}: {_report(chance, truths[place])}")
    weights = _weights(tables, truths)
    lines.append(
        "  all: " + _report(probabilities(np.vstack(tables), weights), np.concatenate(truths))
    )
    record = {
        "intercept": round(float(weights[0]), 4),
        "weights": {
            name: round(float(weight), 4) for name, weight in zip(SEEN, weights[1:], strict=True)
        },
        "provenance": {
            "command": "python -m evals retrieval --calibrate --write FOLDER…",
            "hits": {one.name: len(truth) for one, truth in zip(collections, truths, strict=True)},
            "left_out": lines[1:-1],
        },
    }
    lines.append(json.dumps(record["weights"]))
    if write:
        path = Path(str(files("assistant").joinpath("data", "relevance.json")))
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        lines.append(f"{path} written")
    return "\n".join(lines)


def _observed(
    collection: Collection, settings: Settings, cache: Path, limit: int
) -> tuple[Table, Table]:
    """Return features (hits, 1 + features) of each query's best hits, and whether relevant."""
    rows, truth = [], []
    with opened(collection, settings, cache) as assistant:
        for query in spread(collection.queries, limit):
            hits = assistant.search(query.text, PER_QUERY)
            for hit in hits:
                if hit.paper.id != query.exclude:
                    share = hit.score / (hits[0].score or 1.0)
                    seen = {**hit.scores, "score": hit.score, "share": share}
                    rows.append([1.0, *(seen.get(name, 0.0) for name in SEEN)])
                    truth.append(float(query.grades.get(hit.paper.id, 0) > 0))
    return np.array(rows), np.array(truth)


def _weights(tables: Sequence[Table], truths: Sequence[Table]) -> Table:
    """Fit on as many hits of each collection, those of a small one counting several times."""
    most = max(map(len, truths))
    picks = [np.resize(np.arange(len(truth)), most) for truth in truths]
    table = np.vstack([table[pick] for table, pick in zip(tables, picks, strict=True)])
    truth = np.concatenate([truth[pick] for truth, pick in zip(truths, picks, strict=True)])
    found: Table = logistic(table, truth)
    return found


def _report(chance: Table, truth: Table) -> str:
    """Return AUROC, Brier score and expected calibration error (Guo et al., ICML 2017)."""
    bins = np.minimum((chance * BINS).astype(int), BINS - 1)
    error = sum(
        abs(chance[bins == place].mean() - truth[bins == place].mean()) * (bins == place).mean()
        for place in set(bins.tolist())
    )
    brier = float(((chance - truth) ** 2).mean())
    area = quality(chance, truth).partition(",")[0]
    return (
        f"{area}, Brier {brier:.3f} (always the mean: {truth.mean() * (1 - truth.mean()):.3f}), "
        f"calibration error {error:.3f}"
    )
