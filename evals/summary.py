"""A run's figures by type of question and over all, with their intervals."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from evals.log import RunLog
from evals.metrics import METRICS, Metric
from evals.resampling import interval
from evals.scoring import Scoring
from evals.scoring.abstention import risk_coverage
from evals.scoring.base import Scores

ALL = "all"
CURVE_POINTS = 10
Group = dict[str, Any]


def summarise(log: RunLog, scoring: Scoring | None = None, seed: int = 0) -> dict[str, Group]:
    """Return n, errors, and each metric's figures by question type, and over all.

    A metric has its `value`, the number `n` of answers that it rests on, and the `low` and
    `high` ends of its 95 % bootstrap interval; what isn't scored is None. The area under the
    risk-coverage curve also has the `curve`: risks at each tenth of coverage.
    """
    scores = log.scores(scoring)
    done = [question for question in log.questions if question.id in scores]
    types = list(dict.fromkeys(question.type for question in done))
    members = {name: [one.id for one in done if one.type == name] for name in types}
    members[ALL] = [one.id for one in done]
    return {
        name: {
            "n": len(ids),
            "errors": sum(log.cases[one].answer is None for one in ids),
            **figures([scores[one] for one in ids], seed),
        }
        for name, ids in members.items()
    }


def figures(answers: Sequence[Scores], seed: int = 0) -> Group:
    """Return each metric's figures over the answers."""
    return {metric.name: _figure(metric, answers, seed) for metric in METRICS}


def _figure(metric: Metric, answers: Sequence[Scores], seed: int) -> dict[str, Any]:
    rows = metric.rows(answers)
    value = metric.statistic(rows) if len(rows) else None
    if value is None:
        return {"value": None, "n": 0, "low": None, "high": None}
    low, high = interval(rows, metric.statistic, seed) or (None, None)
    figure: dict[str, Any] = {"value": value, "n": metric.count(rows), "low": low, "high": high}
    if metric.name == "aurc":
        risks = risk_coverage(rows)
        steps = [share / CURVE_POINTS for share in range(1, CURVE_POINTS + 1)]
        figure["curve"] = [
            [share, float(risks[math.ceil(share * len(risks)) - 1])] for share in steps
        ]
    return figure


def table(summary: Mapping[str, Group], *, intervals: bool = False) -> str:
    """Show a column for each type, with the 95 % intervals of all; then what isn't scored.

    "(k)" is the number that a figure rests on where it isn't all of them. `intervals` shows
    those of each type, too.
    """
    names = list(summary)
    rows = [
        ["", *names, "" if intervals else "95 %"],
        ["n", *(str(summary[name]["n"]) for name in names), ""],
    ]
    missing = []
    for metric in METRICS:
        found = [summary[name][metric.name] for name in names]
        if all(one["value"] is None for one in found):
            missing.append(metric.label)
            continue
        cells = [_cell(one, summary[name]["n"]) for one, name in zip(found, names, strict=True)]
        if intervals:
            cells = [f"{cell} {_range(one)}" for cell, one in zip(cells, found, strict=True)]
        last = "" if intervals else _range(summary[ALL][metric.name])
        rows.append([metric.label, *cells, last])
    rows.append(["errors", *(str(summary[name]["errors"]) for name in names), ""])
    lines = [aligned(rows)]
    lines += [f"Not scored: {', '.join(missing)}."] * bool(missing)
    return "\n".join(lines)


def _cell(figure: Mapping[str, Any], total: int) -> str:
    if figure["value"] is None:
        return "–"
    count = "" if figure["n"] == total else f" ({figure['n']})"
    return f"{_number(figure['value'])}{count}"


def _range(figure: Mapping[str, Any]) -> str:
    low, high = figure["low"], figure["high"]
    return "" if low is None else f"[{_number(low)}, {_number(high)}]"


def _number(value: float) -> str:
    """Show three decimals, or three figures of what is small but not 0."""
    return f"{value:.3f}" if abs(value) >= 0.01 or not value else f"{value:.3g}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows as lines, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
