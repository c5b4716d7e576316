"""The log of a run: JSON Lines, each written to disk at once, so that a kill costs one case.

The first line says what was run and holds the questions; then comes a line for each case,
one for each time that the run was resumed, and the summary. A later line for the same
question replaces the earlier one.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from assistant.errors import InputError, UnreadableFileError
from evals.questions import Question
from evals.scoring import Scoring
from evals.scoring.base import Score
from evals.solver import Case

# Where the files lie has no bearing on the answers.
_PLACES = frozenset({"home", "models"})


@dataclass(kw_only=True)
class RunLog:
    """A run as far as it has got; `run` is its first line."""

    path: Path
    run: Mapping[str, Any]
    questions: tuple[Question, ...]
    cases: dict[str, Case] = field(default_factory=dict)

    @classmethod
    def create(cls, path: Path, run: Mapping[str, Any], questions: tuple[Question, ...]) -> Self:
        """Begin a log.

        Raises:
            InputError: there is a file already, or a question's id stands twice.
        """
        if len({question.id for question in questions}) < len(questions):
            raise InputError(
                "Two questions have the same id; 'python -m evals validate' says which."
            )
        must_be_new(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        log = cls(path=path, run=run, questions=questions)
        listed = [question.to_dict() for question in questions]
        log._append({"kind": "run", **run, "questions": listed})
        return log

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a log; a last line that was cut off is left out.

        Raises:
            UnreadableFileError: the file is no log.
        """
        lines = _whole_lines(path)
        first = lines[0] if lines else {}
        if first.get("kind") != "run":
            raise UnreadableFileError(f"{path}: not a log of 'python -m evals run'.")
        try:
            questions = tuple(Question.from_dict(one) for one in first["questions"])
            cases = [Case.from_dict(one) for one in lines if one["kind"] == "case"]
        except (KeyError, TypeError) as error:
            raise UnreadableFileError(f"{path}: made by another version ({error}).") from error
        run = {name: value for name, value in first.items() if name not in ("kind", "questions")}
        return cls(path=path, run=run, questions=questions, cases={one.id: one for one in cases})

    def resume(self, state: Mapping[str, Any]) -> None:
        """Make the file ready to go on, with `state` as what the rest is run with.

        Raises:
            InputError: settings, prompts or library differ from those of the log.
        """
        for part in ("settings", "prompts", "library"):
            logged, present = _placeless(self.run[part]), _placeless(state[part])
            differing = [
                f"{name} {logged.get(name)!r} → {present.get(name)!r}"
                for name in sorted(logged.keys() | present.keys())
                if logged.get(name) != present.get(name)
            ]
            if differing:
                raise InputError(
                    f"{self.path} was made with other {part} ({'; '.join(differing)}); "
                    "put them back, or start a new run."
                )
        _cut_to_whole_lines(self.path)
        self._append({"kind": "resumed", **state})

    def pending(self) -> list[Question]:
        """Return the questions without an answer; those that met an error are among them."""
        answered = {name for name, case in self.cases.items() if case.answer is not None}
        return [question for question in self.questions if question.id not in answered]

    def add(self, case: Case, scoring: Scoring | None = None) -> None:
        """Score the case and write it."""
        question = next(one for one in self.questions if one.id == case.id)
        self.cases[case.id] = case
        scores = (scoring or Scoring()).score(question, case)
        plain = {name: asdict(score) for name, score in scores.items()}
        self._append({"kind": "case", **case.to_dict(), "scores": plain})

    def finish(self, summary: Mapping[str, Any], entailment: str) -> None:
        """Write the summary, and by which entailment function it was scored."""
        self._append({"kind": "summary", "entailment": entailment, "summary": summary})

    def scores(self, scoring: Scoring | None = None) -> dict[str, dict[str, Score]]:
        """Score the saved answers anew: by question id, then metric.

        Whatever the order of the cases in the file, that of the questions counts.
        """
        chosen = scoring or Scoring()
        return {
            question.id: chosen.score(question, self.cases[question.id])
            for question in self.questions
            if question.id in self.cases
        }

    def scored_by(self, questions: Mapping[str, Question]) -> "RunLog":
        """Return the log with the facts and gold papers of `questions` where they ask the same."""
        return replace(
            self, questions=tuple(_same_asked(one, questions.get(one.id)) for one in self.questions)
        )

    def _append(self, record: Mapping[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())


def must_be_new(path: Path) -> None:
    """Refuse a path that is taken.

    Raises:
        InputError: there is a file.
    """
    if path.exists():
        raise InputError(f"{path} exists; go on with it by --resume, or name another.")


def asked(question: Question) -> tuple[Any, ...]:
    """Return what the assistant is given of a question."""
    return question.question, question.history, question.where


def _same_asked(question: Question, other: Question | None) -> Question:
    return other if other and asked(other) == asked(question) else question


def _placeless(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in _PLACES}


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        # What follows the last line end was cut off, or is empty.
        return [json.loads(line) for line in text.split("\n")[:-1]]
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{path}: {error}; not a whole log.") from error


def _cut_to_whole_lines(path: Path) -> None:
    data = path.read_bytes()
    with path.open("r+b") as stream:
        stream.truncate(data.rfind(b"\n") + 1)
