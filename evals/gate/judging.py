"""Whether a run is worse than the baseline, and in which questions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evals.compare import Difference, Flip, difference, flips
from evals.gate.baseline import Baseline
from evals.log import RunLog
from evals.metrics import METRICS, Metric
from evals.questions import Question
from evals.scoring import Scored
from evals.summary import aligned

SIGNIFICANT = 0.05
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


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What changed, why it is refused (empty: it passes), and what else to know."""

    differences: tuple[Difference, ...]
    flips: tuple[Flip, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def judge(baseline: Baseline, log: RunLog, scores: Scored) -> Judgement:
    """Compare a run with the baseline, question by question.

    A fault is a metric that got worse with p < .05 (paired permutation test, two-sided) or
    isn't scored any more, any growth of what is shown without support, a question that met an
    error, or a baseline of which less than half is left.
    """
    same = baseline.same(log.questions)
    asked = [one for one in same if one.id in log.cases]
    failed = [one.id for one in asked if log.cases[one.id].answer is None]
    shared = [one for one in asked if one.id not in failed]
    old = baseline.scored([one.id for one in shared], scores)
    found = [difference(metric, [one.id for one in shared], old, scores) for metric in GUARDED]
    differences = [one for one in found if one is not None]
    dropped = [one for one in differences if _is_fault(one)]
    faults = [f"{name}: {log.cases[name].error}" for name in failed]
    faults += [_said(one) for one in dropped]
    if len(shared) < LEAST_COMPARED * len(baseline.questions):
        faults.append(
            f"only {len(shared)} of the baseline's {len(baseline.questions)} questions are still "
            "what they were: make it anew"
        )
    return Judgement(
        differences=tuple(differences),
        flips=tuple(_flips(shared, old, scores, dropped)),
        faults=tuple(faults),
        notes=tuple(_notes(baseline, log, same)),
    )


def _flips(
    shared: Sequence[Question], old: Scored, new: Scored, dropped: Sequence[Difference]
) -> Iterator[Flip]:
    """Yield what went from right to wrong or back, and all that changed where it got worse."""
    names = {one.metric for one in dropped}
    chosen = [one for one in GUARDED if one.flips or one.name in names]
    # A metric of two values may differ in the one that isn't shown.
    return (flip for flip in flips(shared, old, new, chosen) if flip.before != flip.after)


def _is_fault(one: Difference) -> bool:
    if one.change is None or one.p is None:
        return not one.n and one.only_before > 0
    if one.metric == UNSUPPORTED:
        return one.change > 0
    worse = one.change > 0 if one.metric in LOWER else one.change < 0
    return worse and one.p < SIGNIFICANT


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
    lines += [
        f"  {flip.id}  {flip.metric} {flip.before:g} → {flip.after:g}  {flip.question}"
        for flip in judgement.flips
    ]
    lines += [f"Note: {note}." for note in judgement.notes]
    lines += [f"FAILED: {fault}." for fault in judgement.faults]
    return "\n".join(lines)
