"""Where the seconds go, and how scores are spread over what should and shouldn't score high."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from evals.report.cases import decimals
from evals.report.data import (
    NOT_SCORED,
    Run,
    confidences,
    retrieval_scores,
    seconds_by_stage,
    supports,
    total_seconds,
)
from evals.report.look import Figure, Table, figure, filled, label
from evals.report.measures import Spread, edges, histogram, spread

# Shorter ones can't be seen beside the others; the table has them.
_SHORTEST_STAGE = 0.001
TOTAL = "total"
Groups = Mapping[str, Sequence[float]]
_SCORES: tuple[tuple[str, str, Callable[[Run], Groups]], ...] = (
    ("retrieval", "Retrieval score", retrieval_scores),
    ("support", "Support of citations", supports),
    ("confidence", "Confidence", confidences),
)


def seconds_figures(runs: Sequence[Run]) -> list[Figure]:
    """Draw the mean seconds of the stages end to end, and the spread of each stage."""
    spent = {run.label: seconds_by_stage(run) for run in runs}
    stages = list(dict.fromkeys(name for stages in spent.values() for name in stages))
    stages.sort(key=lambda name: name == "other")
    return [_stacked(runs, spent, stages), _boxes(runs, spent, stages)]


def _stacked(
    runs: Sequence[Run], spent: Mapping[str, Mapping[str, list[float]]], stages: Sequence[str]
) -> Figure:
    traces, rows = [], []
    for place, stage in enumerate(stages):
        given = [spent[run.label].get(stage, []) for run in runs]
        means = [fmean(values) if values else None for values in given]
        rows.append((stage, *(_seconds(mean) for mean in means)))
        if max(mean or 0.0 for mean in means) < _SHORTEST_STAGE / 10:
            continue
        traces.append({
            "type": "bar", "orientation": "h", "name": label(stage),
            "marker": filled(place),
            "x": means, "y": [run.label for run in runs],
            "hovertemplate": f"%{{y}}, {label(stage)}: %{{x:.3f}} s<extra></extra>",
        })  # fmt: skip
    totals = [total_seconds(run) for run in runs]
    rows.append((TOTAL, *(_seconds(fmean(values) if values else None) for values in totals)))
    layout = {
        "barmode": "stack", "xaxis": {"title": {"text": "mean seconds a question"}},
        "yaxis": {"autorange": "reversed", "type": "category", "showgrid": False},
        "legend": {"traceorder": "normal"},
    }  # fmt: skip
    table = Table(headings=("stage", *(run.name for run in runs)), rows=tuple(rows))
    height = 150 + 46 * len(runs)
    return figure("stages", "Mean seconds by stage", height, traces, layout, table)


def _boxes(
    runs: Sequence[Run], spent: Mapping[str, Mapping[str, list[float]]], stages: Sequence[str]
) -> Figure:
    found = [
        {
            name: spread(total_seconds(run) if name == TOTAL else spent[run.label].get(name, ()))
            for name in (*stages, TOTAL)
        }
        for run in runs
    ]
    drawn = [name for name in (*stages, TOTAL) if any(_is_long(one[name]) for one in found)]
    traces = [
        _box(index, run, {name: stage for name in drawn if (stage := one[name]) is not None})
        for index, (run, one) in enumerate(zip(runs, found, strict=True))
    ]
    layout = {
        "boxmode": "group",
        "xaxis": {"type": "category", "showgrid": False,
                  "categoryarray": [label(name) for name in drawn]},
        "yaxis": {"type": "log", "title": {"text": "seconds"}, "dtick": 1, "tickformat": "~g"},
    }  # fmt: skip
    rows = [
        (run.label, name, *_percentiles(stage))
        for run, one in zip(runs, found, strict=True)
        for name, stage in one.items()
    ]
    headings = ("run", "stage", "5 %", "25 %", "median", "75 %", "95 %")
    table = Table(headings=headings, rows=tuple(rows))
    return figure("seconds", "Spread of the seconds", 420, traces, layout, table)


def _is_long(stage: Spread | None) -> bool:
    return stage is not None and stage.p95 >= _SHORTEST_STAGE


def _box(index: int, run: Run, stages: Mapping[str, Spread]) -> dict[str, Any]:
    ends = {"lowerfence": "p5", "q1": "p25", "median": "p50", "q3": "p75", "upperfence": "p95"}
    return {
        "type": "box", "name": run.label, "fillcolor": "rgba(0,0,0,0)", "line": {"width": 1.5},
        "marker": {"color": filled(index)["color"]}, "x": [label(name) for name in stages],
        # The logs' last digit stands for 0, which a log axis lacks.
        **{end: [max(getattr(stage, name), 0.0001) for stage in stages.values()]
           for end, name in ends.items()},
    }  # fmt: skip


def _percentiles(stage: Spread | None) -> tuple[str, ...]:
    if stage is None:
        return (NOT_SCORED,) * 5
    return tuple(map(_seconds, (stage.p5, stage.p25, stage.p50, stage.p75, stage.p95)))


def _seconds(value: float | None) -> str:
    return NOT_SCORED if value is None else f"{value:.4f}"


def score_figures(runs: Sequence[Run]) -> list[list[Figure]]:
    """Draw a histogram for each kind of score and run, over the same bins in all runs."""
    found = []
    for name, title, scores in _SCORES:
        groups = [scores(run) for run in runs]
        bounds = edges([value for group in groups for values in group.values() for value in values])
        found.append([
            _histograms(f"{name}-{run.label}", f"{title}, {run.label}", group, bounds)
            for run, group in zip(runs, groups, strict=True)
        ])  # fmt: skip
    return found


def _histograms(name: str, title: str, groups: Groups, bounds: Sequence[float]) -> Figure:
    pairs = list(pairwise(bounds))
    counts = {group: histogram(values, bounds) for group, values in groups.items()}
    traces: list[dict[str, Any]] = [
        {
            "type": "bar", "name": f"{group} (n = {len(groups[group])})",
            "marker": filled(place), "x": [(low + high) / 2 for low, high in pairs],
            "y": [count / len(groups[group]) for count in counts[group]],
            "customdata": counts[group],
            "hovertemplate": f"{group}, %{{x:.3g}}: %{{y:.0%}}, n = %{{customdata}}<extra></extra>",
        }
        for place, group in enumerate(groups)
        if groups[group]
    ]  # fmt: skip
    layout = {
        "barmode": "group", "xaxis": {"range": [bounds[0], bounds[-1]]},
        "yaxis": {"tickformat": ".0%", "title": {"text": "share of group"}},
    }  # fmt: skip
    rows = [
        (f"{decimals(low)}–{decimals(high)}", *(str(counts[group][place]) for group in groups))
        for place, (low, high) in enumerate(pairs)
    ]
    rows.append(("n", *(str(len(values)) for values in groups.values())))
    table = Table(headings=("score", *groups), rows=tuple(rows))
    return figure(name, title, 300, traces, layout, table)
