"""Asks the quick subset, and compares it with the baseline or makes it the baseline."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from assistant.adapters.embedders import open_embedder
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
    """Who answers, how many questions (None: all), and how far a mean may fall.

    The extractive answers are the same on every run, so that a fall is the code's doing; two
    cores give all of them in less than a minute. Those of the local model take some minutes
    and differ a little between processors: of twelve, two may come out another way.
    """

    name: Name
    limit: int | None
    tolerance: float


EXTRACTIVE = Part(name="extractive", limit=None, tolerance=0.02)
LOCAL = Part(name="local", limit=12, tolerance=0.2)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a part came to; without a baseline it is `skipped`, and has passed nothing."""

    text: str
    passed: bool
    skipped: bool = False


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The question set, its papers (none: the bundled ones), the sample's seed, and folders."""

    settings: Settings
    questions: Sequence[Question]
    papers: tuple[Path, ...] = ()
    folder: Path = FOLDER
    logs: Path = LOGS
    seed: int = 0

    def check(self, part: Part) -> Outcome:
        """Ask the baseline's questions, and compare."""
        path = self._path(part)
        if not path.exists():
            text = f"{part.name}: no baseline at {path}; '{command(part)}' writes one."
            return Outcome(text=text, passed=False, skipped=True)
        baseline = Baseline.read(path)
        chosen = baseline.same(self.questions)
        if not chosen:
            text = f"{part.name}: no question of {path} is left; '{command(part)}' makes it anew."
            return Outcome(text=text, passed=False)
        began = time.perf_counter()
        try:
            log, scores = self._asked(part, chosen)
        except ModelError as error:
            return Outcome(text=f"{part.name}: not checked. {error}", passed=False)
        judgement = judge(baseline, log, scores, part.tolerance)
        spent = time.perf_counter() - began
        head = f"{part.name}: {len(chosen)} questions in {spent:.0f} s, log {log.path}"
        return Outcome(text=f"{head}\n{report(judgement)}", passed=not judgement.faults)

    def update(self, part: Part) -> Outcome:
        """Ask a sample, each type with its share, and make it the baseline."""
        chosen = stratified(self.questions, part.limit or len(self.questions), self.seed)
        try:
            log, scores = self._asked(part, chosen)
        except ModelError as error:
            return Outcome(text=f"{part.name}: baseline not moved. {error}", passed=False)
        failed = [name for name, case in log.cases.items() if case.answer is None]
        if failed:
            text = f"{part.name}: baseline not moved; errors at {', '.join(failed)}, see {log.path}"
            return Outcome(text=text, passed=False)
        path = self._path(part)
        of_run(path, log, scores, ENTAILMENT, self.seed).write()
        text = f"{part.name}: {len(chosen)} questions written to {path}; commit it."
        return Outcome(text=text, passed=True)

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
        # Without the encoder the assistant would search by words alone, and all would seem worse.
        open_embedder(settings.embedder, settings, lambda *_: None)
        with opened(ENTAILMENT, settings) as function:
            scoring = Scoring(entailment=function)
            plan = runner.Plan(settings=settings, papers=self.papers)
            way = runner.Way(jobs=runner.jobs_for(settings), scoring=scoring)
            log = runner.start(plan, questions, path, way)
            return log, log.scores(scoring)


def command(part: Part) -> str:
    """Return what makes the part's baseline."""
    return UPDATE if part == EXTRACTIVE else f"{UPDATE} --{part.name}"
