"""What the page shows of its runs, read from their logs; whatever an old log lacks is None."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

import numpy as np

from assistant.errors import InputError
from assistant.text.cleaning import title_key
from evals.log import RunLog, asked
from evals.questions import Question
from evals.report.measures import Judged
from evals.scoring import Scored, Scoring
from evals.scoring.abstention import risk_coverage
from evals.scoring.base import Answer, Score

MOST_RUNS = 6
NOT_SCORED = "n/a"
_RIGHT = ("all_facts", "facts")
# Stages that run while another one does, whose seconds hold theirs.
_WITHIN = {"verify": "write", "judge": "write"}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A log under a letter, with its answers scored: by question id, then metric."""

    label: str
    log: RunLog
    scores: Scored

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


def load_runs(logs: Sequence[RunLog], scoring: Scoring | None = None) -> list[Run]:
    """Score the logs anew, by the facts and gold papers of the last one where they ask the same.

    Raises:
        InputError: there are more logs than colours to tell them apart, or none.
    """
    if not 0 < len(logs) <= MOST_RUNS:
        raise InputError(f"{len(logs)} logs; give 1 to {MOST_RUNS}.")
    latest = {question.id: question for question in logs[-1].questions}
    alike = [log.scored_by(latest) for log in logs]
    return [
        Run(label=label, log=log, scores=log.scores(scoring))
        for label, log in zip(ascii_uppercase, alike, strict=False)
    ]


def asked_alike(runs: Sequence[Run]) -> bool:
    """Whether all runs have been asked the same questions so far."""
    sets = {
        frozenset((one.id, asked(one)) for one in run.log.questions if one.id in run.log.cases)
        for run in runs
    }
    return len(sets) == 1


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
    """Collect what calibration is drawn from."""
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


@dataclass(frozen=True, kw_only=True)
class Risks:
    """What answering from each confidence down would cost, the surest question first.

    `risks[k]` is the mean loss of the first k + 1 questions, `confidences[k]` the confidence
    down to which they are; `answered` of them the run did answer.
    """

    confidences: tuple[float, ...]
    risks: tuple[float, ...]
    answered: int


def risks_of(run: Run) -> Risks:
    """Collect what the risk–coverage curve is drawn from; its mean height is the AURC."""
    rows, answered = [], 0
    for question, answer in run.answered():
        scores = run.scores[question.id]
        row = [number(scores[name].value) for name in ("confidence", "loss") if name in scores]
        if len(row) == 2 and None not in row:
            rows.append(row)
            answered += not abstained(answer)
    if not rows:
        return Risks(confidences=(), risks=(), answered=0)
    given = np.array(rows, dtype=np.float64)
    confidences = np.sort(given[:, 0])[::-1]
    return Risks(
        confidences=tuple(confidences.tolist()),
        risks=tuple(risk_coverage(given).tolist()),
        answered=answered,
    )


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
