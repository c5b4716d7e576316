"""Sets up the library that the questions are put to, and asks them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from tqdm import tqdm

from assistant.app import Assistant
from assistant.errors import EmptyLibraryError, ModelError
from assistant.settings import Settings
from assistant.text.cleaning import title_key
from evals import provenance
from evals.log import RunLog, must_be_new
from evals.questions import Question, unknown_gold
from evals.solver import Ask, solve_all
from evals.summary import summarise


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


def start(plan: Plan, questions: Sequence[Question], path: Path) -> RunLog:
    """Ask the questions; return the log, which is kept at `path`.

    Raises:
        InputError: there is a file at `path` already.
    """
    must_be_new(path)
    with opened(plan) as assistant:
        log = RunLog.create(path, state_of(assistant) | plan.places(), tuple(questions))
        _warn_of_unknown_gold(log, assistant)
        ask_pending(log, assistant.ask)
    return log


def resume(log: RunLog, settings: Settings) -> None:
    """Ask what the log lacks, of the same library.

    Raises:
        InputError: settings, prompts or library are no longer those of the log.
    """
    with opened(Plan.of_log(log, settings)) as assistant:
        log.resume(state_of(assistant))
        ask_pending(log, assistant.ask)


def _warn_of_unknown_gold(log: RunLog, assistant: Assistant) -> None:
    """Say how many questions name a gold paper that the library lacks."""
    known = {title_key(paper.title) for paper in assistant.papers()}
    lacking = sum(bool(unknown_gold(question, known)) for question in log.questions)
    if lacking:
        click.echo(f"{lacking} questions have a gold paper that isn't in the library.", err=True)


def ask_pending(log: RunLog, ask: Ask) -> None:
    """Ask what the log still lacks, with a progress bar, and write the summary."""
    click.echo(f"Log: {log.path}", err=True)
    pending = log.pending()
    for case in tqdm(solve_all(pending, ask), total=len(pending), unit="question", disable=None):
        log.add(case)
    log.finish(summarise(log))
