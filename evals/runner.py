"""Sets up the library that the questions are put to, and asks them."""

import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from tqdm import tqdm

from assistant.app import Assistant
from assistant.errors import EmptyLibraryError, InputError, ModelError
from assistant.settings import Settings
from assistant.text.cleaning import title_key
from evals import provenance
from evals.log import RunLog, must_be_new
from evals.questions import Question, unknown_gold
from evals.scoring import Scoring
from evals.scoring.judge import ReferenceJudge
from evals.solver import Ask, at_once, solve
from evals.summary import summarise

MOST_EXTRACTIVE, REMOTE = 4, 8


@dataclass(frozen=True, kw_only=True)
class Way:
    """How to ask and to score: so many questions at once; `judge` compares with the reference."""

    jobs: int = 1
    scoring: Scoring = field(default_factory=Scoring)
    judge: ReferenceJudge | None = None


def jobs_for(settings: Settings, wanted: int | None = None) -> int:
    """Return how many questions to ask at once: as many as wanted, or as suits the model.

    Raises:
        InputError: more than one is wanted of the local model, whose server has one place.
    """
    if settings.chat_model == "local":
        if (wanted or 1) > 1:
            raise InputError("The local model answers one question at a time; drop --jobs.")
        return 1
    usual = REMOTE if settings.chat_model == "openai" else min(os.cpu_count() or 1, MOST_EXTRACTIVE)
    return wanted or usual


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to ask: `papers` empty means the bundled ones, `home` None a temporary folder."""

    settings: Settings
    papers: tuple[Path, ...] = ()
    home: Path | None = None

    @classmethod
    def of_log(cls, log: RunLog, settings: Settings) -> "Plan":
        """Return what the log was run with; the settings but for the model are the present ones."""
        home = log.run["home"]
        return cls(
            settings=replace(settings, model=log.run["settings"]["model"]),
            papers=tuple(Path(name) for name in log.run["papers"]),
            home=Path(home) if home else None,
        )

    def places(self) -> dict[str, Any]:
        """Return what `of_log` reads, ready for JSON."""
        papers = [str(path.absolute()) for path in self.papers]
        return {"papers": papers, "home": str(self.home.absolute()) if self.home else None}


@contextmanager
def opened(plan: Plan) -> Iterator[Assistant]:
    """Give the assistant, its library filled and its model loaded.

    A library that the home holds already is taken as it is.

    Raises:
        EmptyLibraryError: no paper went in.
        ModelError: the chat model can't be had; quotes in its place would be scored as its own.
    """
    with TemporaryDirectory(prefix="evals-", ignore_cleanup_errors=True) as folder:
        home = plan.home or Path(folder)
        with Assistant(replace(plan.settings, home=home)) as assistant:
            if not assistant.count():
                click.echo("Indexing the papers…", err=True)
                report = assistant.add(*plan.papers) if plan.papers else assistant.add_bundled()
                for line in (str(report), *report.notices):
                    click.echo(line, err=True)
            if not assistant.count():
                raise EmptyLibraryError("No paper went in; name other files with --papers.")
            assistant.warm_up()
            wanted = assistant.settings.chat_model
            if wanted != "extractive" and assistant.chat_model() is None:
                raise ModelError(f"The {wanted} model can't be had; 'assistant doctor' says why.")
            yield assistant


def state_of(assistant: Assistant) -> dict[str, Any]:
    """Return everything that the answers depend on."""
    return {
        "started": provenance.now(),
        "git": provenance.git_state(),
        "settings": assistant.settings.public(),
        "prompts": provenance.prompt_versions(),
        "machine": provenance.machine(),
        "library": provenance.library_fingerprint(assistant.papers()),
    }


def start(plan: Plan, questions: Sequence[Question], path: Path, way: Way | None = None) -> RunLog:
    """Ask the questions, one after the other by default; return the log, kept at `path`.

    Raises:
        InputError: there is a file at `path` already.
    """
    must_be_new(path)
    with opened(plan) as assistant:
        way = way or Way()
        state = state_of(assistant) | {"jobs": way.jobs}
        log = RunLog.create(path, state | plan.places(), tuple(questions))
        _warn_of_unknown_gold(log, assistant)
        ask_pending(log, assistant.ask, way, assistant.catalog.close)
    return log


def resume(log: RunLog, settings: Settings, way: Way | None = None) -> None:
    """Ask what the log lacks, of the same library.

    Raises:
        InputError: settings, prompts or library are no longer those of the log.
    """
    with opened(Plan.of_log(log, settings)) as assistant:
        way = way or Way()
        log.resume(state_of(assistant) | {"jobs": way.jobs})
        ask_pending(log, assistant.ask, way, assistant.catalog.close)


def _warn_of_unknown_gold(log: RunLog, assistant: Assistant) -> None:
    """Say how many questions name a gold paper that the library lacks."""
    known = {title_key(paper.title) for paper in assistant.papers()}
    lacking = sum(bool(unknown_gold(question, known)) for question in log.questions)
    if lacking:
        click.echo(f"{lacking} questions have a gold paper that isn't in the library.", err=True)


def ask_pending(
    log: RunLog,
    ask: Ask,
    way: Way | None = None,
    release: Callable[[], None] | None = None,
    going_on: str = "",
) -> None:
    """Ask what the log still lacks, with a progress bar, and write the summary.

    `going_on` says how to go on once stopped; by default, by `--resume`. `release` frees what
    the assistant keeps for the thread that has asked: the catalog has a connection for each.
    """
    way = way or Way()
    writing = threading.Lock()
    click.echo(f"Log: {log.path}", err=True)

    def work(question: Question) -> None:
        try:
            case = solve(question, ask)
        finally:
            if release is not None:
                release()
        if way.judge is not None:
            case = replace(case, verdict=way.judge.verdict(question, case.answer))
        with writing:  # Also where the run is being stopped: what was answered is kept.
            log.add(case, way.scoring)

    pending = log.pending()
    try:
        _all_done(at_once(way.jobs, work, pending), len(pending), "question")
    except KeyboardInterrupt:
        told = going_on or f"python -m evals run --resume {log.path}"
        click.echo(f"Stopped. To go on: {told}", err=True)
        raise
    log.finish(summarise(log, way.scoring), way.scoring.entailment.name)


def judge_all(log: RunLog, judge: ReferenceJudge, scoring: Scoring) -> None:
    """Ask the judge about the answers that it hasn't judged yet, and keep what it says.

    Its verdicts are written to the log, as later lines for the same questions.
    """
    due = [
        question
        for question in log.questions
        if (case := log.cases.get(question.id)) is not None
        and case.answer is not None
        and not judge.has_given(case.verdict, question)
    ]
    writing = threading.Lock()

    def work(question: Question) -> None:
        case = log.cases[question.id]
        verdict = judge.verdict(question, case.answer)
        if verdict is not None:
            with writing:
                log.add(replace(case, verdict=verdict), scoring)

    _all_done(at_once(REMOTE, work, due), len(due), "verdict")


def _all_done(work: Generator[None, None, None], total: int, unit: str) -> None:
    """Show a progress bar until all is done; what is under way ends before this returns."""
    with closing(work):
        for _ in tqdm(work, total=total, unit=unit, disable=None):
            pass
