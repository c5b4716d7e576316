"""Averages a run's scores by type of question, and shows them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from evals.log import RunLog
from evals.questions import Question
from evals.scorers import SCORERS, Score

ALL = "all"
Scores = Mapping[str, Score]
Group = dict[str, Any]

_ROWS = (
    ("hit@1", "hit@1"),
    ("hit@5", "hit@5"),
    ("mrr", "MRR"),
    ("citation_precision", "citation precision"),
    ("citation_recall", "citation recall"),
    ("facts", "must-include facts"),
    ("all_facts", "all facts"),
    ("violations", "must-not-include violations"),
    ("abstention_precision", "abstention precision"),
    ("abstention_recall", "abstention recall"),
    ("abstention_f1", "abstention F1"),
    ("wrong_abstention", "wrong abstention"),
    ("words", "answer words"),
    ("seconds_median", "seconds, median"),
    ("seconds_p95", "seconds, p95"),
)


def summarise(log: RunLog) -> dict[str, Group]:
    """Return n, errors, and each metric's {"value", "n"} by question type, and over all.

    A metric's n counts the questions that it was scored on.
    """
    scores = log.scores()
    done = [question for question in log.questions if question.id in scores]
    types = list(dict.fromkeys(question.type for question in done))
    members = {name: [one for one in done if one.type == name] for name in types} | {ALL: done}
    return {name: _group(log, scores, chosen) for name, chosen in members.items()}


def _group(log: RunLog, scores: Mapping[str, Scores], questions: Sequence[Question]) -> Group:
    chosen = [scores[question.id] for question in questions]
    group: Group = {
        "n": len(questions),
        "errors": sum(log.cases[question.id].answer is None for question in questions),
    }
    for scorer in SCORERS:
        values = scored(chosen, scorer.name)
        group[scorer.name] = _metric(fmean(values) if values else None, len(values))
    seconds = sorted(scored(chosen, "seconds"))
    group["seconds_median"] = _metric(median(seconds) if seconds else None, len(seconds))
    group["seconds_p95"] = _metric(percentile(seconds, 0.95), len(seconds))
    return group | _abstention(chosen)


def scored(chosen: Iterable[Scores], name: str) -> list[float]:
    """Return the metric's values where there are any."""
    values = (scores[name].value for scores in chosen)
    return [value for value in values if value is not None]


def _abstention(chosen: Sequence[Scores]) -> Group:
    """Return precision and F1 of declining; they need both kinds of question."""
    right, wrong = (scored(chosen, name) for name in ("abstention_recall", "wrong_abstention"))
    if not right or not wrong:
        return {name: _metric(None, 0) for name in ("abstention_precision", "abstention_f1")}
    declined = sum(right) + sum(wrong)
    count = len(right) + len(wrong)
    return {
        "abstention_precision": _metric(sum(right) / declined if declined else None, int(declined)),
        # 2TP / (2TP + FP + FN), van Rijsbergen 1979: defined where precision is not.
        "abstention_f1": _metric(2 * sum(right) / (declined + len(right)), count),
    }


def _metric(value: float | None, count: int) -> dict[str, Any]:
    return {"value": value, "n": count}


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value with at least `share` of all at or below it (nearest rank)."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else None


def table(summary: Mapping[str, Group]) -> str:
    """Show a column for each type; "(k)" is the number scored where it isn't all of them."""
    names = list(summary)
    rows = [["", *names], ["n", *(str(summary[name]["n"]) for name in names)]]
    for key, label in _ROWS:
        rows.append([label, *(_cell(summary[name][key], summary[name]["n"]) for name in names)])
    rows.append(["errors", *(str(summary[name]["errors"]) for name in names)])
    return aligned(rows)


def _cell(metric: Mapping[str, Any], total: int) -> str:
    if metric["value"] is None:
        return "–"
    count = "" if metric["n"] == total else f" ({metric['n']})"
    return f"{metric['value']:.3f}{count}"


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
