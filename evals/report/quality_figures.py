"""Quality by type of question."""

from collections.abc import Sequence
from typing import Any

from evals.report.cases import decimals
from evals.report.data import NOT_SCORED, Run, metric_names, quality, question_types
from evals.report.look import GUIDE, Figure, Table, figure, filled, label
from evals.report.measures import Interval

# What is drawn: of each line the first metric that there is. The table has all of them.
_DRAWN = (
    ("all_facts", "facts"),
    ("ndcg@10", "ndcg@5", "mrr", "hit@5"),
    ("hit@5", "hit@1"),
    ("alce_citation_precision", "citation_precision"),
    ("alce_citation_recall", "citation_recall"),
    ("abstention_recall",),
    ("wrong_abstention",),
    ("violations",),
)


def quality_figures(runs: Sequence[Run]) -> list[Figure]:
    """Draw bars by type of question, one figure for each of the chosen metrics."""
    names = metric_names(runs)
    drawn = dict.fromkeys(
        next((name for name in choices if name in names), "") for choices in _DRAWN
    )
    found = [(name, quality_table(runs, [name])) for name in drawn if name]
    return [_bars(runs, name, place, table) for place, (name, table) in enumerate(found)]


def quality_table(runs: Sequence[Run], metrics: Sequence[str]) -> Table:
    """Return means and intervals, a row for each metric and run, a column for each type."""
    types = question_types(runs)
    rows = [
        (metric, run.label, *(_interval(quality(run, metric, kind)) for kind in types))
        for metric in metrics
        for run in runs
    ]
    return Table(headings=("metric", "run", *types), rows=tuple(rows))


def _interval(value: Interval | None) -> str:
    if value is None:
        return NOT_SCORED
    if value.low is None or value.high is None:
        return f"{decimals(value.mean)} (n = 1)"
    bounds = f"{decimals(value.low)} to {decimals(value.high)}"
    return f"{decimals(value.mean)} ({bounds}; n = {value.n})"


def _bars(runs: Sequence[Run], metric: str, place: int, table: Table) -> Figure:
    types = question_types(runs)
    width = 0.8 / len(runs)
    traces = []
    blanks: list[list[float]] = [[] for _ in types]
    for index, run in enumerate(runs):
        # Placed by hand, so that "n/a" can stand where the bar would be.
        first = width * (index + 0.5) - 0.4
        found = [(spot + first, quality(run, metric, kind)) for spot, kind in enumerate(types)]
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
    layout = {
        "annotations": notes, "showlegend": False,
        "xaxis": {"tickvals": list(range(len(types))), "ticktext": [label(t) for t in types],
                  "range": [-0.5, len(types) - 0.5], "showgrid": False},
        "yaxis": {"range": [0, 1.05], "tickvals": [0, 0.25, 0.5, 0.75, 1]},
        "margin": {"l": 38, "r": 8, "t": 8, "b": 30},
    }  # fmt: skip
    return figure(f"quality-{place}", metric, 260, traces, layout, table)


def _run_bars(
    name: str, index: int, width: float, scored: Sequence[tuple[float, Interval]]
) -> dict[str, Any]:
    values = [value for _, value in scored]
    return {
        "type": "bar", "name": name, "width": width * 0.92, "marker": filled(index),
        "x": [x for x, _ in scored], "y": [value.mean for value in values],
        "error_y": {
            "type": "data", "symmetric": False, "thickness": 1.2, "width": 3, "color": GUIDE,
            "array": [_gap(value.mean, value.high) for value in values],
            "arrayminus": [_gap(value.low, value.mean) for value in values],
        },
        "customdata": [_interval(value) for value in values],
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
