"""Quality by type of question."""

import html
from collections.abc import Sequence

from evals.report.cases import decimals
from evals.report.data import NOT_SCORED, Run, metric_names, quality, question_types
from evals.report.look import GUIDE, Figure, Table, figure, filled
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
    traces, notes = [], []
    for index, run in enumerate(runs):
        found = [quality(run, metric, kind) for kind in types]
        # By hand, so that "n/a" can stand where the bar would be.
        spots = [spot - 0.4 + width * (index + 0.5) for spot in range(len(types))]
        scored = [(x, one) for x, one in zip(spots, found, strict=True) if one is not None]
        missing = [x for x, one in zip(spots, found, strict=True) if one is None]
        traces.append({
            "type": "bar", "name": run.label, "width": width * 0.92,
            "x": [x for x, _ in scored], "y": [one.mean for _, one in scored],
            "marker": filled(index),
            "error_y": {
                "type": "data", "symmetric": False, "thickness": 1.2, "width": 3, "color": GUIDE,
                "array": [_gap(one.mean, one.high) for _, one in scored],
                "arrayminus": [_gap(one.low, one.mean) for _, one in scored],
            },
            "customdata": [_interval(one) for _, one in scored],
            "hovertemplate": f"{run.label}: %{{customdata}}<extra></extra>",
        })  # fmt: skip
        notes += [
            {"x": x, "y": 0, "text": NOT_SCORED, "showarrow": False, "yanchor": "bottom",
             "font": {"size": 10}} for x in missing
        ]  # fmt: skip
    layout = {
        "annotations": notes, "showlegend": False,
        "xaxis": {"tickvals": list(range(len(types))), "ticktext": [html.escape(t) for t in types],
                  "range": [-0.5, len(types) - 0.5], "showgrid": False},
        "yaxis": {"range": [0, 1.05], "tickvals": [0, 0.25, 0.5, 0.75, 1]},
        "margin": {"l": 38, "r": 8, "t": 8, "b": 30},
    }  # fmt: skip
    return figure(f"quality-{place}", metric, 260, traces, layout, table)


def _gap(low: float | None, high: float | None) -> float:
    return 0.0 if low is None or high is None else high - low
