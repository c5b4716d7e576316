"""Whether a run is worse than the baseline, and in which questions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evals.compare import Difference, Flip, difference, flips
from evals.gate.baseline import UPDATE, Baseline
from evals.log import RunLog
from evals.metrics import METRICS, Metric
from evals.questions import Question
from evals.resampling import mean
from evals.scoring import Scored
from evals.summary import aligned

SIGNIFICANT = 0.05
NOTHING = 1e-9  # what rounding makes of equal figures
MOST_NAMED = 40
UNSUPPORTED = "unsupported"
"""The share of sentences shown that nothing supports: this may not grow at all."""
LOWER = (UNSUPPORTED, "violations", "wrong_abstention", "aurc")
HIGHER = (
    "hit@1",
    "hit@5",
    "recall@5",
    "mrr",
    "ndcg@5",
    "evidence_recall",
    "cited_evidence_recall",
    "gold_citation_precision",
    "gold_citation_recall",
    "alce_citation_precision",
    "alce_citation_recall",
    "alce_citation_f1",
    "facts",
    "all_facts",
    "abstention_precision",
    "abstention_recall",
    "abstention_f1",
)
GUARDED: tuple[Metric, ...] = tuple(one for one in METRICS if one.name in HIGHER + LOWER)
# A baseline of which less can still be compared is too old to guard anything.
LEAST_COMPARED = 0.5
FLIPPING = tuple(one for one in GUARDED if one.flips)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What fails the gate, and the questions that tell why, the worst first."""

    text: str
    questions: tuple[Flip, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What changed, why it is refused (empty: it passes), and what else to know."""

    differences: tuple[Difference, ...]
    flips: tuple[Flip, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


def judge(baseline: Baseline, log: RunLog, scores: Scored, tolerance: float) -> Judgement:
    """Compare a run with the baseline, question by question.

    A fault is a metric that got worse or isn't scored any more, a question that met an error,
    or a baseline of which less than half is left. A mean got worse where the mean of the paired
    differences is beyond the tolerance and beyond what one question can do, or any metric where
    it did with p < .05 (paired permutation test, two-sided); of what is shown without support,
    any growth is too much.
    """
    same = baseline.same(log.questions)
    asked = [one for one in same if one.id in log.cases]
    failed = [one.id for one in asked if log.cases[one.id].answer is None]
    shared = [one for one in asked if one.id not in failed]
    ids = [one.id for one in shared]
    old = baseline.scored(ids, scores)
    found = {metric.name: difference(metric, ids, old, scores) for metric in GUARDED}
    differences = tuple(one for one in found.values() if one is not None)
    faults = [Fault(text=f"{name}: {log.cases[name].error}") for name in failed]
    for metric in GUARDED:
        change = found[metric.name]
        if change is not None and _is_fault(metric, change, tolerance):
            fell = tuple(_fell(metric, shared, old, scores))
            faults.append(Fault(text=_said(change), questions=fell))
    if len(shared) < LEAST_COMPARED * len(baseline.questions):
        text = (
            f"only {len(shared)} of the baseline's {len(baseline.questions)} questions are still "
            f"what they were; make it anew by '{UPDATE}'"
        )
        faults.append(Fault(text=text))
    return Judgement(
        differences=differences,
        flips=tuple(flips(shared, old, scores, FLIPPING)),
        faults=tuple(faults),
        notes=tuple(_notes(baseline, log, same)),
    )


def _fell(metric: Metric, shared: Sequence[Question], old: Scored, new: Scored) -> list[Flip]:
    """Return the questions on which a mean fell, or all that changed where it is no mean."""
    # What has a second value may differ in that alone, which isn't shown.
    changed = [one for one in flips(shared, old, new, [metric]) if one.before != one.after]
    if metric.statistic is mean:
        sign = _sign(metric)
        changed = [one for one in changed if sign * (one.after - one.before) < 0]
    return sorted(changed, key=lambda one: -abs(one.after - one.before))


def _sign(metric: Metric) -> int:
    return -1 if metric.name in LOWER else 1


def _is_fault(metric: Metric, one: Difference, tolerance: float) -> bool:
    if one.change is None or one.p is None:
        return not one.n and one.only_before > 0
    worse = -_sign(metric) * one.change
    if metric.name == UNSUPPORTED:
        return worse > NOTHING
    if metric.statistic is mean and worse > max(tolerance, 1 / one.n) + NOTHING:
        return True
    return worse > NOTHING and one.p < SIGNIFICANT


def _said(one: Difference) -> str:
    if not one.n:
        return f"{one.metric} isn't scored any more on any of {one.only_before} questions"
    figures = f"{shown(one.before)} → {shown(one.after)}"
    return f"{one.metric} {figures} (n {one.n}, p {shown(one.p, '.4f')})"


def shown(value: float | None, form: str = ".3f") -> str:
    """Show a figure; a dash where there is none."""
    return "–" if value is None else format(value, form)


def _notes(baseline: Baseline, log: RunLog, same: Sequence[Question]) -> Iterator[str]:
    lost = len(baseline.questions) - len(same)
    if lost:
        yield f"{lost} of the baseline's questions are gone or have changed"
    changed = baseline.changed_settings(log.run["settings"])
    if changed:
        yield f"settings differ: {'; '.join(changed)}"


def report(judgement: Judgement) -> str:
    """Show each metric, the questions that flipped, and what is wrong."""
    rows = [["", "n", "baseline", "now", "change", "p"]]
    for one in judgement.differences:
        figures = (shown(one.before), shown(one.after), shown(one.change, "+.3f"))
        rows.append([one.metric, str(one.n), *figures, shown(one.p, ".4f")])
    lines = [aligned(rows)]
    if judgement.flips:
        lines.append(f"Flipped ({len(judgement.flips)}):")
    lines += [_line(one) for one in judgement.flips]
    lines += [f"Note: {note}." for note in judgement.notes]
    for fault in judgement.faults:
        lines.append(f"FAILED: {fault.text}{':' if fault.questions else '.'}")
        lines += [_line(one) for one in fault.questions[:MOST_NAMED]]
        if len(fault.questions) > MOST_NAMED:
            lines.append(f"  … and {len(fault.questions) - MOST_NAMED} more")
    return "\n".join(lines)


def _line(one: Flip) -> str:
    return f"  {one.id}  {one.metric} {one.before:.3g} → {one.after:.3g}  {one.question}"
