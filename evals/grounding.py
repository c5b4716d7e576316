"""One report on grounding: the verifier, the answers, hostile text, and the time it all takes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from assistant.errors import InputError
from assistant.settings import ModelChoice, Settings
from evals import runner
from evals.hostile import suite
from evals.hostile.cases import load_cases, spread
from evals.log import RunLog
from evals.questions import QUESTIONS, choose, load
from evals.scoring import Scoring
from evals.scoring.entailment import opened
from evals.summary import summarise, table
from evals.verifier import claims, measures

CHECKING = ("select", "verify")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to report: pairs files, chat models, and at most `limit` questions and cases.

    With `resume`, answers that `logs` holds already are kept, and only what lacks is asked.
    """

    pairs: Sequence[Path]
    models: Sequence[ModelChoice]
    settings: Settings
    logs: Path
    limit: int | None = None
    asked: int | None = None
    seed: int = 0
    resume: bool = False


def report(plan: Plan, progress: Callable[[str], None]) -> Iterator[str]:
    """Yield the report's parts as they are done."""
    last = plan.models[-1] if plan.models else "extractive"
    if plan.pairs:
        judged = claims.Plan(
            paths=plan.pairs,
            settings=replace(plan.settings, model=last),
            asked=plan.asked,
        )
        yield "The verifier, calibrated on the other collections"
        yield measures.table(claims.leave_one_out(judged, progress))
    for model in plan.models:
        settings = replace(plan.settings, model=model)
        with opened("verifier", settings) as function:
            scoring = Scoring(entailment=function)
            log = _answers(plan, settings, scoring)
            shown = table(summarise(log, scoring))
        yield f"\nThe fixed questions, {model}"
        yield shown
        yield _seconds(log)
        yield f"\nHostile text, {model}"
        chosen = spread(load_cases(), plan.limit)
        yield suite.report(list(suite.run_cases(chosen, settings)))


def _answers(plan: Plan, settings: Settings, scoring: Scoring) -> RunLog:
    questions = choose(load([QUESTIONS]), (), plan.limit, plan.seed)
    path = plan.logs / f"grounding-{settings.chat_model}.jsonl"
    way = runner.Way(scoring=scoring)
    if plan.resume and path.exists():
        log = RunLog.read(path)
        if [one.id for one in log.questions] != [one.id for one in questions]:
            raise InputError(f"{path} asks other questions; give its --limit and --seed.")
        runner.resume(log, settings, way)
        return log
    path.unlink(missing_ok=True)
    return runner.start(runner.Plan(settings=settings), questions, path, way)


def _seconds(log: RunLog) -> str:
    """Say how long evidence selection and the first two tiers take for a question."""
    spent = sorted(
        sum(case.answer["seconds"].get(stage, 0.0) for stage in CHECKING)
        for case in log.cases.values()
        if case.answer is not None
    )
    if not spent:
        return "no answer, no times"
    worst = spent[int(0.95 * (len(spent) - 1))]
    return (
        f"evidence selection and tiers 1 and 2: {1000 * median(spent):.0f} ms median, "
        f"{1000 * worst:.0f} ms p95 a question"
    )
