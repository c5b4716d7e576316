"""Quality by type of question."""

from collections.abc import Sequence
from typing import Any

from evals.metrics import Metric
from evals.report.cases import decimals
from evals.report.data import NOT_SCORED, Run
from evals.report.look import GUIDE, Figure, Table, figure, filled, label
from evals.report.quality import Interval, Quality

# What is drawn: of each line the first metric that anything is scored by. The table has all.
_DRAWN = (
    ("all_facts", "facts"),
    ("ndcg@10", "ndcg@5", "mrr"),
    ("hit@5", "hit@1"),
    ("evidence_recall",),
    ("gold_citation_precision", "citation_precision"),
    ("gold_citation_recall", "citation_recall"),
    ("alce_citation_precision",),
    ("alce_citation_recall",),
    ("unsupported",),
    ("abstention_recall",),
    ("wrong_abstention",),
    ("violations",),
)


def quality_figures(runs: Sequence[Run], quality: Quality) -> list[Figure]:
    """Draw bars by type of question, one figure for each of the chosen metrics."""
    scored = {one.name: one for one in quality.metrics if quality.is_scored(one)}
    chosen = (next((name for name in names if name in scored), None) for names in _DRAWN)
    return [
        _bars(runs, quality, scored[name], place)
        for place, name in enumerate(name for name in chosen if name is not None)
    ]


def quality_table(runs: Sequence[Run], quality: Quality, metrics: Sequence[Metric]) -> Table:
    """Return figures and intervals, a row for each metric and run, a column for each type."""
    types = quality.types
    rows = [
        (one.label, run.label, *(interval_text(quality.of(run, one, kind)) for kind in types))
        for one in metrics
        for run in runs
    ]
    return Table(headings=("metric", "run", *types), rows=tuple(rows))


def interval_text(value: Interval | None) -> str:
    """Return a figure, its interval, and on how many answers it rests."""
    if value is None:
        return NOT_SCORED
    if value.low is None or value.high is None:
        return f"{decimals(value.value)} (n = {value.n})"
    bounds = f"{decimals(value.low)} to {decimals(value.high)}"
    return f"{decimals(value.value)} ({bounds}; n = {value.n})"


def _bars(runs: Sequence[Run], quality: Quality, metric: Metric, place: int) -> Figure:
    types = quality.types
    width = 0.8 / len(runs)
    traces = []
    blanks: list[list[float]] = [[] for _ in types]
    for index, run in enumerate(runs):
        # Placed by hand, so that "n/a" can stand where the bar would be.
        first = width * (index + 0.5) - 0.4
        found = [(spot + first, quality.of(run, metric, kind)) for spot, kind in enumerate(types)]
        scored = [(x, value) for x, value in found if value is not None]
        traces.append(_run_bars(run.label, index, width, scored))
        for blank, (x, value) in zip(blanks, found, strict=True):
            blank += [x] * (value is None)
    notes = []
    for spot, blank in enumerate(blanks):
        # One is enough where no run has a bar; else they stand upright in the bars' place.
        if len(blank) == len(runs):
            notes.append(_not_scored(spot, 0))
        else:
            notes += [_not_scored(x, -90) for x in blank]
    table = quality_table(runs, quality, [metric])
    layout = {
        "annotations": notes, "showlegend": False,
        "xaxis": {"tickvals": list(range(len(types))), "ticktext": [label(t) for t in types],
                  "range": [-0.5, len(types) - 0.5], "showgrid": False},
        "yaxis": {"range": [0, 1.05], "tickvals": [0, 0.25, 0.5, 0.75, 1]},
        "margin": {"l": 38, "r": 8, "t": 8, "b": 30},
    }  # fmt: skip
    return figure(f"quality-{place}", metric.label, 260, traces, layout, table)


def _run_bars(
    name: str, index: int, width: float, scored: Sequence[tuple[float, Interval]]
) -> dict[str, Any]:
    values = [value for _, value in scored]
    return {
        "type": "bar", "name": name, "width": width * 0.92, "marker": filled(index),
        "x": [x for x, _ in scored], "y": [value.value for value in values],
        "error_y": {
            "type": "data", "symmetric": False, "thickness": 1.2, "width": 3, "color": GUIDE,
            "array": [_gap(value.value, value.high) for value in values],
            "arrayminus": [_gap(value.low, value.value) for value in values],
        },
        "customdata": [interval_text(value) for value in values],
        "hovertemplate": f"{name}: %{{customdata}}<extra></extra>",
    }  # fmt: skip


def _not_scored(x: float, angle: int) -> dict[str, Any]:
    return {
        "x": x, "y": 0, "text": NOT_SCORED, "showarrow": False, "yanchor": "bottom",
        "textangle": angle,
        "font": {"size": 10},
    }  # fmt: skip


def _gap(low: float | None, high: float | None) -> float:
    return 0.0 if low is None or high is None else high - low
