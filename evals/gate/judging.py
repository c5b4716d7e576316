"""Whether a run is worse than the baseline, and in which questions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from evals.compare import FLIPPING, Difference, Flip, permutation_p
from evals.gate.baseline import Baseline, Scores
from evals.log import RunLog
from evals.summary import aligned

SIGNIFICANT = 0.05
HIGHER = (
    "hit@1",
    "hit@5",
    "mrr",
    "citation_precision",
    "citation_recall",
    "facts",
    "all_facts",
    "abstention_recall",
)
LOWER = ("violations", "wrong_abstention")
UNSUPPORTED = "unsupported_shown"
"""How many sentences an answer shows without support: this may not grow at all."""
SUPPORTED_AT = 0.5
# A baseline of which less can still be compared is too old to guard anything.
LEAST_COMPARED = 0.5


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What changed, why it is refused (empty: it passes), and what else to know."""

    differences: tuple[Difference, ...]
    flips: tuple[Flip, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def scores_of(log: RunLog) -> dict[str, dict[str, float | None]]:
    """Return the gate's metrics of each question that has an answer."""
    found = {}
    for name, scores in log.scores().items():
        answer = log.cases[name].answer
        if answer is None:
            continue
        own = {metric: scores[metric].value for metric in (*HIGHER, *LOWER) if metric in scores}
        found[name] = own | {UNSUPPORTED: float(unsupported(answer))}
    return found


def unsupported(answer: Mapping[str, Any]) -> int:
    """Return how many claims are marked, or stand without a citation that supports them."""
    cited = {one["claim"] for one in answer["citations"] if one["support"] >= SUPPORTED_AT}
    return sum(not one["supported"] or one["text"] not in cited for one in answer["claims"])


def judge(baseline: Baseline, log: RunLog, after: Mapping[str, Scores]) -> Judgement:
    """Compare a run with the baseline, question by question.

    A fault is a metric that got worse with p < .05 (paired permutation test, two-sided), any
    growth of what is shown without support, a question that met an error, or a baseline of
    which less than half is left.
    """
    questions = {question.id: question.question for question in baseline.same(log.questions)}
    shared = [name for name in questions if name in after]
    differences: list[Difference] = []
    flips: list[Flip] = []
    faults = [f"{name}: {log.cases[name].error}" for name in questions if name not in after]
    for metric in (*HIGHER, *LOWER, UNSUPPORTED):
        pairs = list(_pairs(metric, shared, baseline, after))
        if not pairs:
            continue
        one = _difference(metric, pairs)
        differences.append(one)
        is_fault = _is_fault(one)
        if is_fault:
            faults.append(_said(one))
        if is_fault or metric in FLIPPING:
            flips += [
                Flip(id=name, metric=metric, before=a, after=b, question=questions[name])
                for name, a, b in pairs
                if a != b
            ]
    if len(shared) < LEAST_COMPARED * len(baseline.questions):
        faults.append(
            f"only {len(shared)} of the baseline's {len(baseline.questions)} questions are still "
            "what they were: make it anew"
        )
    return Judgement(
        differences=tuple(differences),
        flips=tuple(flips),
        faults=tuple(faults),
        notes=tuple(_notes(baseline, log, questions)),
    )


def _pairs(
    metric: str, shared: Sequence[str], baseline: Baseline, after: Mapping[str, Scores]
) -> Iterator[tuple[str, float, float]]:
    for name in shared:
        before, now = baseline.questions[name].scores.get(metric), after[name].get(metric)
        if before is not None and now is not None:
            yield name, before, now


def _difference(metric: str, pairs: Sequence[tuple[str, float, float]]) -> Difference:
    changes = [after - before for _, before, after in pairs]
    return Difference(
        metric=metric,
        n=len(pairs),
        before=fmean(before for _, before, _ in pairs),
        after=fmean(after for _, _, after in pairs),
        change=fmean(changes),
        p=permutation_p(changes),
    )


def _is_fault(one: Difference) -> bool:
    if one.metric == UNSUPPORTED:
        return one.change > 0
    worse = one.change > 0 if one.metric in LOWER else one.change < 0
    return worse and one.p < SIGNIFICANT


def _said(one: Difference) -> str:
    return f"{one.metric} {one.before:.3f} → {one.after:.3f} (n {one.n}, p {one.p:.4f})"


def _notes(baseline: Baseline, log: RunLog, same: Mapping[str, str]) -> Iterator[str]:
    lost = len(baseline.questions) - len(same)
    if lost:
        yield f"{lost} questions of the baseline are gone or have changed"
    changed = baseline.changed_settings(log.run["settings"])
    if changed:
        yield f"settings differ: {'; '.join(changed)}"


def report(judgement: Judgement) -> str:
    """Show each metric, the questions that flipped, and what is wrong."""
    rows = [["", "n", "baseline", "now", "change", "p"]]
    for one in judgement.differences:
        numbers = (f"{one.before:.3f}", f"{one.after:.3f}", f"{one.change:+.3f}", f"{one.p:.4f}")
        rows.append([one.metric, str(one.n), *numbers])
    lines = [aligned(rows)]
    if judgement.flips:
        lines.append(f"Flipped ({len(judgement.flips)}):")
    lines += [
        f"  {flip.id}  {flip.metric} {flip.before:g} → {flip.after:g}  {flip.question}"
        for flip in judgement.flips
    ]
    lines += [f"Note: {note}." for note in judgement.notes]
    lines += [f"FAILED: {fault}." for fault in judgement.faults]
    return "\n".join(lines)
