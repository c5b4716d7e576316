"""Whether confidence tells right from wrong: calibration, and risk by coverage."""

from collections.abc import Sequence
from typing import Any

from evals.report.cases import decimals
from evals.report.data import NOT_SCORED, Judgements, Run, judgements
from evals.report.look import GUIDE, Figure, Table, figure, filled, line_and_marker
from evals.report.measures import (
    Operating,
    calibration_bins,
    calibration_error,
    mean_risk,
    risk_coverage,
)


def calibration_figure(runs: Sequence[Run]) -> Figure:
    """Draw the reliability diagram over the counts of its bins."""
    traces: list[dict[str, Any]] = [_diagonal()]
    rows = []
    for index, run in enumerate(runs):
        bins = calibration_bins(judgements(run).decisions)
        drawn = [(one, one.confidence, one.right) for one in bins if one.n]
        labels = [f"{one.low:g}–{one.high:g}" for one in bins]
        line, marker = line_and_marker(index)
        traces.append({
            "type": "scatter", "mode": "lines+markers", "name": run.label, "line": line,
            "marker": marker, "cliponaxis": False, "x": [x for _, x, _ in drawn], "y": [y for _, _, y in drawn],
            "customdata": [one.n for one, _, _ in drawn],
            "hovertemplate": f"{run.label}: confidence %{{x:.3f}}, right %{{y:.3f}}, "
                             "n = %{customdata}<extra></extra>",
        })  # fmt: skip
        traces.append({
            "type": "bar", "name": run.label, "yaxis": "y2", "showlegend": False,
            "marker": filled(index), "x": [(one.low + one.high) / 2 for one in bins],
            "y": [one.n for one in bins],
            "hovertemplate": f"{run.label}: n = %{{y}}<extra></extra>",
        })  # fmt: skip
        rows += [
            (run.label, label, str(one.n), decimals(one.confidence), decimals(one.right))
            for label, one in zip(labels, bins, strict=True)
        ]
    layout = {
        "xaxis": {"range": [0, 1], "title": {"text": "confidence in what was done"},
                  "anchor": "y2"},
        "yaxis": {"range": [0, 1.03], "domain": [0.32, 1], "title": {"text": "share right"}},
        "yaxis2": {"domain": [0, 0.22], "title": {"text": "replies"}, "nticks": 3},
        "barmode": "group",
    }  # fmt: skip
    headings = ("run", "confidence", "n", "mean confidence", "share right")
    table = Table(headings=headings, rows=tuple(rows))
    return figure("calibration", "Reliability diagram", 460, traces, layout, table)


def calibration_summary(runs: Sequence[Run]) -> Table:
    """Return the calibration error of all replies and of the answers alone, and mean risk."""
    rows = []
    for run in runs:
        found = judgements(run)
        rows.append((
            run.name, str(len(found.decisions)), str(found.left_out),
            decimals(calibration_error(calibration_bins(found.decisions))),
            decimals(calibration_error(calibration_bins(found.answers))),
            decimals(mean_risk(_risks(found))),
        ))  # fmt: skip
    headings = ("run", "replies judged", "not scored", "ECE", "ECE of answers", "mean risk")
    return Table(headings=headings, rows=tuple(rows))


def _risks(found: Judgements) -> list[Operating]:
    return risk_coverage(found.answers, len(found.decisions))


def risk_figure(runs: Sequence[Run]) -> Figure:
    """Draw the share of wrong answers over the share of questions answered."""
    traces, rows = [], []
    for index, run in enumerate(runs):
        points = _risks(judgements(run))
        line, marker = line_and_marker(index)
        traces.append({
            "type": "scatter", "mode": "lines", "name": run.label,
            "line": line, "x": [point.coverage for point in points],
            "y": [point.risk for point in points],
            "customdata": [point.threshold for point in points],
            "hovertemplate": f"{run.label}: %{{x:.0%}} answered, %{{y:.0%}} of them wrong, "
                             "from confidence %{customdata:.3f}<extra></extra>",
        })  # fmt: skip
        traces.append({
            "type": "scatter", "mode": "markers", "name": run.label, "showlegend": False,
            "marker": marker, "x": [point.coverage for point in points[-1:]],
            "y": [point.risk for point in points[-1:]], "hoverinfo": "skip",
        })  # fmt: skip
        rows += [
            (run.label, f"{share:.0%}", *_at_coverage(points, share))
            for share in (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
        ]
    layout = {
        "xaxis": {"range": [0, 1.03], "tickformat": ".0%",
                  "title": {"text": "questions answered, the surest first"}},
        "yaxis": {"range": [0, 1.03], "tickformat": ".0%", "title": {"text": "answers wrong"}},
    }  # fmt: skip
    headings = ("run", "answered at least", "answers wrong", "from confidence")
    table = Table(headings=headings, rows=tuple(rows))
    return figure("risk", "Risk and coverage", 420, traces, layout, table)


def _at_coverage(points: Sequence[Operating], share: float) -> tuple[str, str]:
    reached = next((point for point in points if point.coverage >= share), None)
    if reached is None:
        return NOT_SCORED, NOT_SCORED
    return decimals(reached.risk), decimals(reached.threshold)


def _diagonal() -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "name": "perfect",
        "line": {"color": GUIDE, "width": 1}, "hoverinfo": "skip",
    }  # fmt: skip
