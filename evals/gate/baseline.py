"""The committed baseline: which questions are asked, and each one's scores then."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from assistant.errors import UnreadableFileError
from evals import readings
from evals.log import RunLog
from evals.questions import Question

FOLDER = Path(__file__).resolve().parent.parent / "baseline"
UPDATE = "python -m evals gate --update"
DIGITS = 6
# Where the files lie has no bearing on the answers; nor has what a machine is told to use.
_APART = frozenset({"home", "models", "host", "port", "threads", "start_timeout"})

Scores = Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One question of the baseline: a hash of all that it says, and its scores by metric."""

    version: str
    scores: Scores


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What was measured, with what (`made`), by question id."""

    path: Path
    made: Mapping[str, Any]
    questions: Mapping[str, Kept]

    @classmethod
    def read(cls, path: Path) -> "Baseline":
        """Read a file that `write` made.

        Raises:
            UnreadableFileError: there is none, or it holds something else.
        """
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            questions = {name: Kept(**one) for name, one in record.pop("questions").items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableFileError(
                f"{path}: no baseline ({error}); '{UPDATE}' writes one."
            ) from error
        return cls(path=path, made=record, questions=questions)

    def write(self) -> None:
        """Write one line a question, so that a diff shows which ones moved."""
        head = json.dumps(dict(self.made), indent=1, ensure_ascii=False)[: -len("\n}")]
        lines = ",\n".join(
            f"  {json.dumps(name)}: {json.dumps(vars(kept), ensure_ascii=False)}"
            for name, kept in self.questions.items()
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(f'{head},\n "questions": {{\n{lines}\n }}\n}}\n', encoding="utf-8")

    def same(self, questions: Sequence[Question]) -> list[Question]:
        """Return those of the questions that are here, word for word and fact for fact."""
        return [
            one
            for one in questions
            if one.id in self.questions and self.questions[one.id].version == version(one)
        ]

    def changed_settings(self, settings: Mapping[str, Any]) -> list[str]:
        """Return "name before → now" of each setting that was another."""
        before, now = apart(self.made["settings"]), apart(settings)
        return [
            f"{name} {before.get(name)!r} → {now.get(name)!r}"
            for name in sorted(before.keys() | now.keys())
            if before.get(name) != now.get(name)
        ]


def of_run(path: Path, log: RunLog, scores: Mapping[str, Scores], seed: int) -> Baseline:
    """Return the baseline that a run makes."""
    run = log.run
    made = {
        "command": UPDATE,
        **run["git"],
        "started": run["started"],
        "hardware": readings.hardware(),
        "seed": seed,
        "settings": apart(run["settings"]),
        "prompts": run["prompts"],
        "library": run["library"],
        "means": means(scores),
    }
    kept = {
        one.id: Kept(version=version(one), scores=_rounded(scores[one.id]))
        for one in log.questions
        if one.id in scores
    }
    return Baseline(path=path, made=made, questions=kept)


def apart(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that answers depend on."""
    return {name: value for name, value in settings.items() if name not in _APART}


def version(question: Question) -> str:
    """Return 12 hex digits over all that the question says and asks for."""
    text = json.dumps(question.to_dict(), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def means(scores: Mapping[str, Scores]) -> dict[str, float]:
    """Return each metric's mean over the questions that it was scored on."""
    found: dict[str, list[float]] = {}
    for own in scores.values():
        for name, value in own.items():
            if value is not None:
                found.setdefault(name, []).append(value)
    return {name: round(fmean(values), DIGITS) for name, values in found.items()}


def _rounded(scores: Scores) -> dict[str, float | None]:
    return {name: None if value is None else round(value, DIGITS) for name, value in scores.items()}


def stratified(questions: Sequence[Question], limit: int, seed: int) -> list[Question]:
    """Return `limit` questions in file order, each type with its share of them.

    Shares are rounded by the largest remainder (Hamilton's method); within a type the
    choice is random by `seed`.
    """
    if limit >= len(questions):
        return list(questions)
    places: dict[str, list[int]] = {}
    for place, question in enumerate(questions):
        places.setdefault(question.type, []).append(place)
    exact = {name: limit * len(own) / len(questions) for name, own in places.items()}
    counts = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(places, key=lambda name: counts[name] - exact[name])
    for name in by_remainder[: limit - sum(counts.values())]:
        counts[name] += 1
    rng = np.random.default_rng(seed)
    chosen = [
        place
        for name, own in places.items()
        for place in rng.choice(own, size=counts[name], replace=False).tolist()
    ]
    return [questions[place] for place in sorted(chosen)]
