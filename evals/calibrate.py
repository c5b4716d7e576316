"""Fit the probability that the evidence answers a question.

Each question whose paper is known is seen twice: with the library as it is (answerable),
and as if its papers were missing (not answerable). Logistic regression, L2, by Newton's
method (Hastie, Tibshirani & Friedman, 2nd ed., section 4.4.1).
"""

import csv
import gzip
import json
import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant import Assistant, Settings
from assistant.grounding.answerability import FEATURES
from assistant.text.cleaning import title_key
from evals.log import RunLog
from evals.questions import QUESTIONS, Question, load

TARGET = Path(__file__).resolve().parent.parent / "assistant" / "data" / "answerability.json"
RIDGE = 1.0
WRONG_ABSTENTIONS = 0.05
HELD_OUT_BATCHES = ("1", "3")
BESIDE_MODEL = ("names_missing_first",)
# Follow-ups and odd wordings are for testing only.
CALIBRATED_TYPES = ("single", "multi", "unanswerable")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One question as seen with or without its papers."""

    collection: str
    features: dict[str, float]
    yes: float | None
    answerable: bool


def calibrate(folders: Sequence[Path], logs: Sequence[Path], *, limit: int, write: bool) -> str:
    """Fit what can be fitted and return a report; `write` ships the result.

    From `folders` and the fixed questions: the model of features alone. From `logs` of runs
    with a small chat model: the model of its probability of yes. Of the fixed questions only
    half the batches are used: the others stay for testing.
    """
    kept = json.loads(TARGET.read_text(encoding="utf-8"))
    lines = []
    if folders:
        with tempfile.TemporaryDirectory() as home:
            cases = _fixed(Path(home) / "fixed", limit)
            for folder in folders:
                cases += _folder(folder, Path(home) / folder.name, limit)
        kept["features"], report = _fit(cases, "features")
        kept["features"]["provenance"] = _provenance(cases, "FOLDER…")
        lines.append(report)
    if logs:
        cases = [case for log in logs for case in _logged(log)]
        kept["with_model"], report = _fit(cases, "with_model")
        kept["with_model"]["provenance"] = _provenance(cases, "--log LOG")
        lines.append(report)
    if write:
        TARGET.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        lines.append(f"written to {TARGET.name}")
    return "\n".join(lines)


def _provenance(cases: Sequence[Case], arguments: str) -> dict[str, Any]:
    counts = Counter(case.collection for case in cases)
    return {
        "command": f"python -m evals calibrate --write {arguments}",
        "cases": dict(sorted(counts.items())),
        "note": "of the fixed questions only batches 0, 2 and 4; 1 and 3 are held out",
    }


def _logged(path: Path) -> Iterator[Case]:
    """Yield the cases of a run's log: each question once, as it was asked."""
    log = RunLog.read(path)
    for question in log.questions:
        case = log.cases.get(question.id)
        if _is_held_out(question) or case is None or not case.answer:
            continue
        found = dict(case.answer["trace"]["answerability"])
        yes = found.pop("model", None)
        if yes is not None:
            model = case.answer["trace"]["prompts"].get("answerable_small", "")
            yield Case(
                collection=f"fixed questions, prompt {model}",
                features=found,
                yes=yes,
                answerable=question.answerable,
            )


def _is_held_out(question: Question) -> bool:
    return question.type not in CALIBRATED_TYPES or question.id[1] in HELD_OUT_BATCHES


def _fixed(home: Path, limit: int) -> list[Case]:
    questions = [one for one in load([QUESTIONS]) if not _is_held_out(one)]
    chosen = _spread([one for one in questions if one.answerable], limit)
    chosen += _spread([one for one in questions if not one.answerable], limit)
    with _assistant(home) as assistant:
        assistant.add_bundled()
        by_title = {title_key(paper.title): paper.id for paper in assistant.papers()}
        asked = ((one.question, {by_title[key] for key in one.gold_keys}) for one in chosen)
        return list(_cases("fixed", asked, assistant))


def _folder(folder: Path, home: Path, limit: int) -> list[Case]:
    corpus = next(iter(sorted(folder.glob("corpus.jsonl*"))))
    gold: dict[str, set[str]] = {}
    with (folder / "qrels.tsv").open(encoding="utf-8") as rows:
        for query, document, *grade in csv.reader(rows, delimiter="\t"):
            if grade and grade[0].isdigit() and int(grade[0]) > 0:
                gold.setdefault(query, set()).add(document)
    with (folder / "queries.jsonl").open(encoding="utf-8") as lines:
        queries = [json.loads(line) for line in lines]
    chosen = _spread([query for query in queries if str(query["id"]) in gold], limit)
    with _assistant(home) as assistant:
        with _plain(corpus, home) as path:
            assistant.add(path)
        asked = ((str(query["text"]), gold[str(query["id"])]) for query in chosen)
        return list(_cases(folder.name, asked, assistant))


class _plain:  # noqa: N801 - reads as a statement
    """The corpus as a plain file for the time of the statement."""

    def __init__(self, corpus: Path, home: Path) -> None:
        self._corpus = corpus
        self._target = home.with_suffix(".jsonl")

    def __enter__(self) -> Path:
        opened = gzip.open if self._corpus.suffix == ".gz" else open
        with opened(self._corpus, "rb") as source:
            self._target.write_bytes(source.read())
        return self._target

    def __exit__(self, *_: object) -> None:
        self._target.unlink()


def _assistant(home: Path) -> Assistant:
    return Assistant(
        Settings.load(),
        home=home,
        models=Settings.load().models,
        model="extractive",
    )


def _cases(
    name: str, asked: Iterable[tuple[str, set[str]]], assistant: Assistant
) -> Iterator[Case]:
    for question, gold in asked:
        views = [(frozenset[str](), bool(gold))]
        if gold:
            views.append((frozenset(gold), False))
        for without, answerable in views:
            found = assistant.examine(question, without)
            yield Case(collection=name, features=found, yes=None, answerable=answerable)


def _spread(items: Sequence[Any], limit: int) -> list[Any]:
    """Return `limit` items at equal distances: the same ones each time."""
    if len(items) <= limit:
        return list(items)
    return [items[int(place * len(items) / limit)] for place in range(limit)]


def _fit(cases: Sequence[Case], name: str) -> tuple[dict[str, Any], str]:
    """Fit one model on all cases; report it on each collection left out in turn."""
    with_model = name == "with_model"
    known = [case for case in cases if not with_model or case.yes is not None]
    table = np.array([_row(case, with_model) for case in known])
    truth = np.array([case.answerable for case in known], float)
    weights = logistic(table, truth)
    lines = [f"{name}: {len(known)} cases, {int(truth.sum())} answerable"]
    groups = np.array([case.collection for case in known])
    for group in sorted(set(groups)):
        inside = groups == group
        judge = weights if inside.all() else logistic(table[~inside], truth[~inside])
        chance = probabilities(table[inside], judge)
        lines.append(f"  left out {group}: {quality(chance, truth[inside])}")
    chance = probabilities(table, weights)
    threshold = min(
        float(np.quantile(chance[(groups == group) & (truth == 1)], WRONG_ABSTENTIONS))
        for group in set(groups)
    )
    lines.append(f"  threshold {threshold:.3f}: {quality(chance, truth, threshold)}")
    record: dict[str, Any] = {
        "threshold": round(threshold, 4),
        "intercept": round(float(weights[0]), 4),
    }
    names = BESIDE_MODEL if with_model else FEATURES
    pairs = zip(names, weights[1:], strict=False)
    record["weights"] = {feature: round(float(weight), 4) for feature, weight in pairs}
    if with_model:
        record["model_weight"] = round(float(weights[-1]), 4)
    return record, "\n".join(lines)


def _row(case: Case, with_model: bool) -> list[float]:
    """Return what the model sees of a case.

    Where a chat model was asked, its word and the one feature that has no scale: the others,
    whose scale differs between collections, made it worse on the one left out.
    """
    if not with_model or case.yes is None:
        return [1.0, *(case.features[feature] for feature in FEATURES)]
    bounded = min(max(case.yes, 1e-4), 1 - 1e-4)
    return [
        1.0,
        *(case.features[feature] for feature in BESIDE_MODEL),
        math.log(bounded / (1 - bounded)),
    ]


def logistic(table: Any, truth: Any, share: Any = 1.0, rounds: int = 50) -> Any:
    """Return the weights of a ridge logistic regression; column 0 is the intercept.

    `share` says how much each row counts.
    """
    weights = np.zeros(table.shape[1])
    ridge = np.full(table.shape[1], RIDGE)
    ridge[0] = 1e-6
    for _ in range(rounds):
        chance = probabilities(table, weights)
        slope = table.T @ (share * (truth - chance)) - ridge * weights
        bend = (table * (share * chance * (1 - chance))[:, None]).T @ table + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def probabilities(table: Any, weights: Any) -> Any:
    """Return the model's probability for each row."""
    return 1 / (1 + np.exp(-(table @ weights)))


def quality(chance: Any, truth: Any, threshold: float = 0.5) -> str:
    """Return AUROC and, at `threshold`, the abstentions' precision, recall and wrong share."""
    yes, no = chance[truth == 1], chance[truth == 0]
    wins = (yes[:, None] > no[None, :]).mean() + 0.5 * (yes[:, None] == no[None, :]).mean()
    silent = chance < threshold
    right = (silent & (truth == 0)).sum()
    precision = right / silent.sum() if silent.sum() else math.nan
    return (
        f"AUROC {wins:.3f}, abstention precision {precision:.3f}, "
        f"recall {right / max(1, len(no)):.3f}, "
        f"wrong {(silent & (truth == 1)).sum() / max(1, len(yes)):.3f}"
    )
