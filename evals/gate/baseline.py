"""The committed baseline: which questions are asked, and each one's scores then."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import UnreadableFileError
from evals.log import RunLog
from evals.metrics import METRICS
from evals.questions import Question
from evals.scoring import Scored
from evals.scoring.base import Score, Scores

FOLDER = Path(__file__).resolve().parent.parent / "baseline"
UPDATE = "python -m evals gate --update"
DIGITS = 6
# What has no bearing on the answers of the extractive and the local model.
_APART = frozenset(
    "home models host port threads start_timeout offline openai_base_url openai_model "
    "openai_api_key_set".split()
)
# What an answer took is told by the hardware as much as by the code, and isn't guarded.
_COST = ("seconds", "tokens", "usd", "words")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One question of the baseline: a hash of all that it says, and what was scored."""

    version: str
    scores: Mapping[str, float]


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

    def scored(self, ids: Sequence[str], like: Scored) -> Scored:
        """Return the questions' scores, with None for what only the scores `like` have."""
        return {
            name: {
                score: Score(value=self.questions[name].scores.get(score)) for score in like[name]
            }
            for name in ids
        }

    def changed_settings(self, settings: Mapping[str, Any]) -> list[str]:
        """Return "name before → now" of each setting that was another."""
        before, now = apart(self.made["settings"]), apart(settings)
        return [
            f"{name} {before.get(name)!r} → {now.get(name)!r}"
            for name in sorted(before.keys() | now.keys())
            if before.get(name) != now.get(name)
        ]


def of_run(path: Path, log: RunLog, scores: Scored, entailment: str, seed: int) -> Baseline:
    """Return the baseline that a run makes, scored by the named entailment function."""
    run = log.run
    made = {
        "command": UPDATE,
        **run["git"],
        "started": run["started"],
        "machine": run["machine"],
        "seed": seed,
        "settings": apart(run["settings"]),
        "prompts": run["prompts"],
        "library": run["library"],
        "entailment": entailment,
        "figures": _figures(list(scores.values())),
    }
    kept = {
        one.id: Kept(version=version(one), scores=_values(scores[one.id])) for one in log.questions
    }
    return Baseline(path=path, made=made, questions=kept)


def apart(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that answers depend on."""
    return {name: value for name, value in settings.items() if name not in _APART}


def version(question: Question) -> str:
    """Return 12 hex digits over all that the question says and asks for."""
    text = json.dumps(question.to_dict(), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _figures(answers: Sequence[Scores]) -> dict[str, float]:
    """Return the figures of a run but for those of cost, for the reader of the file."""
    guarded = (metric for metric in METRICS if not metric.name.startswith(_COST))
    rows = {metric: metric.rows(answers) for metric in guarded}
    found = {metric.name: metric.statistic(own) for metric, own in rows.items() if len(own)}
    return {name: round(value, DIGITS) for name, value in found.items() if value is not None}


def _values(scores: Scores) -> dict[str, float]:
    """Return the scores that there are, but for those of cost."""
    return {
        name: score.value  # as it is: rounded, every one would have changed
        for name, score in scores.items()
        if score.value is not None and not name.startswith(_COST)
    }


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
