"""Whether confidence tells right from wrong: calibration, and risk by coverage."""

from collections.abc import Sequence
from typing import Any

from evals.report.cases import decimals
from evals.report.data import NOT_SCORED, Judgements, Run, judgements
from evals.report.look import GUIDE, Figure, Table, figure, filled, line_and_marker
from evals.report.measures import (
    Bin,
    Operating,
    calibration_bins,
    calibration_error,
    mean_risk,
    risk_coverage,
)

_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)


def calibration_summary(runs: Sequence[Run]) -> Table:
    """Return the calibration error of all replies and of the answers alone, and mean risk."""
    found = [(run, judgements(run)) for run in runs]
    return Table(
        headings=("run", "replies judged", "not scored", "ECE", "ECE of answers", "mean risk"),
        rows=tuple(
            (
                run.name,
                str(len(judged.decisions)),
                str(judged.left_out),
                decimals(calibration_error(calibration_bins(judged.decisions))),
                decimals(calibration_error(calibration_bins(judged.answers))),
                decimals(mean_risk(_risks(judged))),
            )
            for run, judged in found
        ),
    )


def calibration_figure(runs: Sequence[Run]) -> Figure:
    """Draw the reliability diagram over the counts of its bins."""
    traces = [_diagonal()]
    rows: list[tuple[str, ...]] = []
    for index, run in enumerate(runs):
        bins = calibration_bins(judgements(run).decisions)
        traces += [_reliability(index, run, bins), _bin_counts(index, run, bins)]
        rows += [
            (run.label, f"{one.low:g}–{one.high:g}", str(one.n),
             decimals(one.confidence), decimals(one.right))
            for one in bins
        ]  # fmt: skip
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


def _diagonal() -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "name": "perfect",
        "line": {"color": GUIDE, "width": 1}, "hoverinfo": "skip",
    }  # fmt: skip


def _reliability(index: int, run: Run, bins: Sequence[Bin]) -> dict[str, Any]:
    drawn = [one for one in bins if one.n]
    line, marker = line_and_marker(index)
    return {
        "type": "scatter", "mode": "lines+markers", "name": run.label, "line": line,
        "marker": marker, "cliponaxis": False,
        "x": [one.confidence for one in drawn], "y": [one.right for one in drawn],
        "customdata": [one.n for one in drawn],
        "hovertemplate": f"{run.label}: confidence %{{x:.3f}}, right %{{y:.3f}}, "
                         "n = %{customdata}<extra></extra>",
    }  # fmt: skip


def _bin_counts(index: int, run: Run, bins: Sequence[Bin]) -> dict[str, Any]:
    return {
        "type": "bar", "name": run.label, "yaxis": "y2", "showlegend": False,
        "marker": filled(index), "x": [(one.low + one.high) / 2 for one in bins],
        "y": [one.n for one in bins], "hovertemplate": f"{run.label}: n = %{{y}}<extra></extra>",
    }  # fmt: skip


def risk_figure(runs: Sequence[Run]) -> Figure:
    """Draw the share of wrong answers over the share of questions answered."""
    traces: list[dict[str, Any]] = []
    rows: list[tuple[str, ...]] = []
    for index, run in enumerate(runs):
        points = _risks(judgements(run))
        traces += _curve(index, run, points)
        rows += [(run.label, f"{share:.0%}", *_at_coverage(points, share)) for share in _SHARES]
    layout = {
        "xaxis": {"range": [0, 1.03], "tickformat": ".0%",
                  "title": {"text": "questions answered, the surest first"}},
        "yaxis": {"range": [0, 1.03], "tickformat": ".0%", "title": {"text": "answers wrong"}},
    }  # fmt: skip
    headings = ("run", "answered at least", "answers wrong", "from confidence")
    table = Table(headings=headings, rows=tuple(rows))
    return figure("risk", "Risk and coverage", 420, traces, layout, table)


def _curve(index: int, run: Run, points: Sequence[Operating]) -> list[dict[str, Any]]:
    """Return the curve, and a mark at its end, where the run stood."""
    line, marker = line_and_marker(index)
    places = {
        "x": [point.coverage for point in points],
        "y": [point.risk for point in points],
    }
    curve = {
        "type": "scatter", "mode": "lines", "name": run.label, "line": line, **places,
        "customdata": [point.threshold for point in points],
        "hovertemplate": f"{run.label}: %{{x:.0%}} answered, %{{y:.0%}} of them wrong, "
                         "from confidence %{customdata:.3f}<extra></extra>",
    }  # fmt: skip
    end = {
        "type": "scatter", "mode": "markers", "name": run.label, "showlegend": False,
        "marker": marker, "cliponaxis": False, "hoverinfo": "skip",
        **{axis: values[-1:] for axis, values in places.items()},
    }  # fmt: skip
    return [curve, end]


def _risks(judged: Judgements) -> list[Operating]:
    return risk_coverage(judged.answers, len(judged.decisions))


def _at_coverage(points: Sequence[Operating], share: float) -> tuple[str, str]:
    reached = next((point for point in points if point.coverage >= share), None)
    if reached is None:
        return NOT_SCORED, NOT_SCORED
    return decimals(reached.risk), decimals(reached.threshold)
