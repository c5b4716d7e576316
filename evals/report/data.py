"""What the page shows of its runs, read from their logs; whatever an old log lacks is None.

Metrics are known by the names that the scored cases carry, none is taken for granted.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from assistant.errors import InputError
from assistant.text.cleaning import title_key
from evals.log import RunLog
from evals.questions import Question
from evals.report.measures import Interval, Judged, bootstrap_mean
from evals.scorers import Answer, Score
from evals.summary import ALL

MOST_RUNS = 6
NOT_SCORED = "n/a"
# Where the files lie has no bearing on the answers, and is nobody else's business.
_PRIVATE = frozenset({"home", "models"})
_RIGHT = ("all_facts", "facts")
# Stages that run while another one does, whose seconds hold theirs.
_WITHIN = {"verify": "write", "judge": "write"}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A log under a letter, with its answers scored: by question id, then metric."""

    label: str
    log: RunLog
    scores: Mapping[str, Mapping[str, Score]]

    @property
    def name(self) -> str:
        """What the page calls the run: its letter and its file."""
        return f"{self.label}: {self.log.path.name}"

    def answered(self) -> Iterator[tuple[Question, Answer]]:
        """Yield the questions that have an answer, with it."""
        for question in self.log.questions:
            case = self.log.cases.get(question.id)
            if case is not None and case.answer is not None:
                yield question, case.answer


def load_runs(logs: Sequence[RunLog]) -> list[Run]:
    """Score the logs anew, by the facts and gold papers of the last one where they ask the same.

    Raises:
        InputError: there are more logs than colours to tell them apart, or none.
    """
    if not 0 < len(logs) <= MOST_RUNS:
        raise InputError(f"{len(logs)} logs; give 1 to {MOST_RUNS}.")
    latest = {question.id: question for question in logs[-1].questions}
    alike = [log.scored_by(latest) for log in logs]
    return [
        Run(label=label, log=log, scores=log.scores())
        for label, log in zip(ascii_uppercase, alike, strict=False)
    ]


def number(value: Any) -> float | None:
    """Return a finite number as it is, and None for everything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def abstained(answer: Answer) -> bool:
    """Whether the question was declined."""
    return bool(answer.get("status") == "abstained")


def was_right(question: Question, answer: Answer, scores: Mapping[str, Score]) -> bool | None:
    """Whether all facts are stated, or a question without an answer is declined.

    None where a question that has an answer names no fact to look for.
    """
    if not question.answerable:
        return abstained(answer)
    values = [scores[name].value for name in _RIGHT if name in scores]
    return None if not values or values[0] is None else values[0] == 1


def decided_confidence(answer: Answer) -> float | None:
    """Return the probability given to what was done.

    An answer's confidence is the probability that the evidence answers; where the question
    is declined for that, what was done is right with 1 minus it.
    """
    confidence = number(answer.get("confidence"))
    if confidence is None:
        return None
    return 1 - confidence if abstained(answer) else confidence


@dataclass(frozen=True, kw_only=True)
class Judgements:
    """The replies that have a confidence and can be told right from wrong.

    `decisions` holds them all, `answers` those that were not declined; `left_out` counts the
    questions without such a reply.
    """

    decisions: tuple[Judged, ...]
    answers: tuple[Judged, ...]
    left_out: int


def judgements(run: Run) -> Judgements:
    """Collect what calibration and the risk–coverage curve are drawn from."""
    decisions, answers = [], []
    for question, answer in run.answered():
        right = was_right(question, answer, run.scores[question.id])
        confidence = decided_confidence(answer)
        if right is None or confidence is None:
            continue
        decisions.append((confidence, right))
        if not abstained(answer):
            answers.append((confidence, right))
    return Judgements(
        decisions=tuple(decisions),
        answers=tuple(answers),
        left_out=len(run.log.questions) - len(decisions),
    )


def metric_names(runs: Sequence[Run]) -> list[str]:
    """Return every metric that any case is scored by, in the order of the scores."""
    return list(
        dict.fromkeys(name for run in runs for scores in run.scores.values() for name in scores)
    )


def question_types(runs: Sequence[Run]) -> list[str]:
    """Return the types of question that were asked, and last "all"."""
    return [*dict.fromkeys(one.type for run in runs for one in run.log.questions), ALL]


def quality(run: Run, metric: str, kind: str) -> Interval | None:
    """Return the metric's mean over the questions of a type; None where none is scored."""
    found = (
        run.scores.get(question.id, {}).get(metric)
        for question in run.log.questions
        if kind in (ALL, question.type)
    )
    values = (number(score.value) for score in found if score is not None)
    return bootstrap_mean([value for value in values if value is not None])


def stage_seconds(answer: Answer) -> dict[str, float]:
    """Return the seconds by stage, which add up to the total; what no stage took is "other"."""
    given = {name: number(value) for name, value in (answer.get("seconds") or {}).items()}
    # "first…" is an instant on the way, not a stage.
    stages = {
        name: value
        for name, value in given.items()
        if value is not None and name != "total" and not name.startswith("first")
    }
    for inner, outer in _WITHIN.items():
        if inner in stages and outer in stages:
            stages[outer] = max(stages[outer] - stages[inner], 0.0)
    total = given.get("total")
    if total is not None:
        stages["other"] = max(total - sum(stages.values()), 0.0)
    return stages


def seconds_by_stage(run: Run) -> dict[str, list[float]]:
    """Return each stage's seconds, one of each answer; 0 where an answer went without it."""
    rows = [stage_seconds(answer) for _, answer in run.answered()]
    names = dict.fromkeys(name for row in rows for name in row if name != "other")
    return {name: [row.get(name, 0.0) for row in rows] for name in (*names, "other")}


def total_seconds(run: Run) -> list[float]:
    """Return the seconds of each answer."""
    given = (number((answer.get("seconds") or {}).get("total")) for _, answer in run.answered())
    return [value for value in given if value is not None]


def retrieval_scores(run: Run) -> dict[str, list[float]]:
    """Return the scores of the papers found for questions that have gold papers."""
    groups: dict[str, list[float]] = {"gold paper": [], "other paper": []}
    for question, answer in run.answered():
        for hit in (answer.get("trace") or {}).get("hits") or () if question.gold else ():
            score = number(hit.get("score"))
            if score is not None:
                is_gold = title_key(hit["title"]) in question.gold_keys
                groups["gold paper" if is_gold else "other paper"].append(score)
    return groups


def supports(run: Run) -> dict[str, list[float]]:
    """Return the support of all citations, by whether the question wanted the paper."""
    groups: dict[str, list[float]] = {
        "gold paper": [],
        "other paper": [],
        "nothing to cite": [],
    }
    for question, answer in run.answered():
        for citation in answer.get("citations") or ():
            support = number(citation.get("support"))
            if support is None:
                continue
            is_gold = title_key(citation["paper"]["title"]) in question.gold_keys
            named = "gold paper" if is_gold else "other paper"
            groups[named if question.gold else "nothing to cite"].append(support)
    return groups


def confidences(run: Run) -> dict[str, list[float]]:
    """Return the confidence of all answers, by whether the question has one."""
    groups: dict[str, list[float]] = {"answerable": [], "unanswerable": []}
    for question, answer in run.answered():
        confidence = number(answer.get("confidence"))
        if confidence is not None:
            groups["answerable" if question.answerable else "unanswerable"].append(confidence)
    return groups


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fact of the runs: its name, a value for each run, and whether these differ."""

    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether not all runs have the same."""
        return len(set(self.values)) > 1


def header(runs: Sequence[Run]) -> list[Row]:
    """Return what was run: one row for each fact."""
    makers = {
        "log": lambda run: run.log.path.name,
        "begun": lambda run: str(run.log.run.get("started") or NOT_SCORED),
        "commit": _commit,
        "model": _models,
        "library": lambda run: _listed(run.log.run.get("library")),
        "machine": lambda run: _listed(run.log.run.get("machine")),
        "questions": _counts,
    }
    return [
        Row(name=name, values=tuple(make(run) for run in runs)) for name, make in makers.items()
    ]


def details(runs: Sequence[Run], part: str) -> list[Row]:
    """Return the rows of a mapping of the runs, as "settings" or "prompts"; differing ones first.

    Folders and addresses of the user's own are left out.
    """
    parts = [run.log.run.get(part) or {} for run in runs]
    names = dict.fromkeys(name for one in parts for name in one if name not in _PRIVATE)
    rows = [
        Row(name=name, values=tuple(_plain(one.get(name, NOT_SCORED)) for one in parts))
        for name in names
    ]
    return sorted(rows, key=lambda row: not row.differs)


def _commit(run: Run) -> str:
    git = run.log.run.get("git") or {}
    commit = str(git.get("commit") or NOT_SCORED)[:12]
    return f"{commit}, with changes" if git.get("dirty") else commit


def _models(run: Run) -> str:
    """Name who wrote the answers, and how many each where there are several."""
    counts = Counter(str(answer.get("model") or NOT_SCORED) for _, answer in run.answered())
    chosen = (run.log.run.get("settings") or {}).get("model")
    if len(counts) < 2:
        return next(iter(counts), str(chosen or NOT_SCORED))
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())


def _counts(run: Run) -> str:
    asked = len(run.log.questions)
    errors = sum(case.answer is None for case in run.log.cases.values())
    answered = len(run.log.cases) - errors
    return f"n = {asked}: {answered} answered, {errors} errors, {asked - len(run.log.cases)} open"


def _listed(part: Mapping[str, Any] | None) -> str:
    return (
        ", ".join(f"{name} {_plain(value)}" for name, value in (part or {}).items()) or NOT_SCORED
    )


def _plain(value: Any) -> str:
    return "not set" if value in (None, "") else str(value)
