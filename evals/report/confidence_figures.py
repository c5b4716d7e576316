"""Whether confidence tells right from wrong: calibration, and risk by coverage."""

import math
from collections.abc import Sequence
from typing import Any

from evals.report.cases import decimals
from evals.report.data import NOT_SCORED, Risks, Run, judgements, risks_of
from evals.report.look import GUIDE, Figure, Table, figure, filled, line_and_marker
from evals.report.measures import Bin, calibration_bins, calibration_error
from evals.report.quality import Quality
from evals.report.quality_figures import interval_text
from evals.summary import ALL

_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)


def calibration_summary(runs: Sequence[Run], quality: Quality) -> Table:
    """Return the calibration error of all replies and of the answers alone, and the AURC."""
    areas = [one for one in quality.metrics if one.name == "aurc"]
    rows = []
    for run in runs:
        judged = judgements(run)
        errors = (
            calibration_error(calibration_bins(some)) for some in (judged.decisions, judged.answers)
        )
        area = next((quality.of(run, one, ALL) for one in areas), None)
        rows.append((
            run.name, str(len(judged.decisions)), str(judged.left_out), *map(decimals, errors),
            interval_text(area),
        ))  # fmt: skip
    headings = ("run", "replies judged", "not scored", "ECE", "ECE of answers", "AURC")
    return Table(headings=headings, rows=tuple(rows))


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
    """Draw the mean loss over the share of questions answered."""
    traces: list[dict[str, Any]] = []
    rows: list[tuple[str, ...]] = []
    for index, run in enumerate(runs):
        found = risks_of(run)
        traces += _curve(index, run, found)
        rows += [(run.label, f"{share:.0%}", *_at_coverage(found, share)) for share in _SHARES]
    layout = {
        "xaxis": {"range": [0, 1.03], "tickformat": ".0%",
                  "title": {"text": "questions answered, the surest first"}},
        "yaxis": {"range": [0, 1.03], "title": {"text": "mean loss"}},
    }  # fmt: skip
    headings = ("run", "answered", "mean loss", "down to confidence")
    table = Table(headings=headings, rows=tuple(rows))
    return figure("risk", "Risk and coverage", 420, traces, layout, table)


def _curve(index: int, run: Run, found: Risks) -> list[dict[str, Any]]:
    """Return the curve, and a mark at the share that the run answered."""
    line, marker = line_and_marker(index)
    total = len(found.risks)
    curve = {
        "type": "scatter", "mode": "lines", "name": run.label, "line": line,
        "x": [(place + 1) / total for place in range(total)], "y": list(found.risks),
        "customdata": list(found.confidences),
        "hovertemplate": f"{run.label}: %{{x:.0%}} answered, mean loss %{{y:.3f}}, "
                         "down to confidence %{customdata:.3f}<extra></extra>",
    }  # fmt: skip
    stood = [found.answered] if found.answered else []
    mark = {
        "type": "scatter", "mode": "markers", "name": run.label, "showlegend": False,
        "marker": marker, "cliponaxis": False, "hoverinfo": "skip",
        "x": [count / total for count in stood], "y": [found.risks[count - 1] for count in stood],
    }  # fmt: skip
    return [curve, mark]


def _at_coverage(found: Risks, share: float) -> tuple[str, str]:
    if not found.risks:
        return NOT_SCORED, NOT_SCORED
    place = math.ceil(round(share * len(found.risks), 9)) - 1
    return decimals(found.risks[place]), decimals(found.confidences[place])
