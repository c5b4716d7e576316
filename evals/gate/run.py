"""Asks the quick subset, and compares it with the baseline or makes it the baseline."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from assistant.errors import ModelError
from assistant.settings import Settings
from evals import runner
from evals.gate.baseline import FOLDER, UPDATE, Baseline, of_run, stratified
from evals.gate.judging import judge, report
from evals.log import RunLog
from evals.provenance import ROOT
from evals.questions import Question
from evals.scoring import Scored, Scoring
from evals.scoring.entailment import EntailmentName, opened

Name = Literal["extractive", "local"]
LOGS = ROOT / "evals" / "logs"
ENTAILMENT: EntailmentName = "verifier"


@dataclass(frozen=True, kw_only=True)
class Part:
    """Who answers, and how many questions: together they take a few minutes on two cores."""

    name: Name
    limit: int


PARTS = (Part(name="extractive", limit=200), Part(name="local", limit=12))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a part came to; where its model can't be had it is `skipped`."""

    text: str
    passed: bool = True
    skipped: bool = False


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The question set, where baselines and logs are kept, and which sample is drawn."""

    settings: Settings
    questions: Sequence[Question]
    folder: Path = FOLDER
    logs: Path = LOGS
    seed: int = 0

    def check(self, part: Part) -> Outcome:
        """Ask the baseline's questions, and compare."""
        path = self._path(part)
        if not path.exists():
            return Outcome(text=f"{part.name}: no baseline; '{UPDATE}' writes one.", skipped=True)
        baseline = Baseline.read(path)
        chosen = baseline.same(self.questions)
        if not chosen:
            text = f"{part.name}: none of the baseline's questions is left; '{UPDATE}'."
            return Outcome(text=text, passed=False)
        began = time.perf_counter()
        try:
            log, scores = self._asked(part, chosen)
        except ModelError as error:
            return Outcome(text=f"{part.name}: not checked. {error}", skipped=True)
        judgement = judge(baseline, log, scores)
        spent = time.perf_counter() - began
        head = f"{part.name}: {len(chosen)} questions in {spent:.0f} s, log {log.path}"
        return Outcome(text=f"{head}\n{report(judgement)}", passed=not judgement.faults)

    def update(self, part: Part) -> Outcome:
        """Ask a sample, each type with its share, and make it the baseline."""
        chosen = stratified(self.questions, part.limit, self.seed)
        try:
            log, scores = self._asked(part, chosen)
        except ModelError as error:
            return Outcome(text=f"{part.name}: baseline not moved. {error}", skipped=True)
        failed = [name for name, case in log.cases.items() if case.answer is None]
        if failed:
            text = f"{part.name}: baseline not moved; errors at {', '.join(failed)}, see {log.path}"
            return Outcome(text=text, passed=False)
        path = self._path(part)
        of_run(path, log, scores, ENTAILMENT, self.seed).write()
        return Outcome(text=f"{part.name}: {len(chosen)} questions written to {path}; commit it.")

    def _path(self, part: Part) -> Path:
        return self.folder / f"{part.name}.json"

    def _asked(self, part: Part, questions: Sequence[Question]) -> tuple[RunLog, Scored]:
        """Return the answers and their scores.

        Raises:
            ModelError: a model that answers or scores can't be had.
        """
        path = self.logs / f"gate-{part.name}.jsonl"
        path.unlink(missing_ok=True)
        settings = replace(self.settings, model=part.name)
        with opened(ENTAILMENT, settings) as function:
            scoring = Scoring(entailment=function)
            way = runner.Way(jobs=runner.jobs_for(settings), scoring=scoring)
            log = runner.start(runner.Plan(settings=settings), questions, path, way)
            return log, log.scores(scoring)
