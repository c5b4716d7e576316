"""The command `python -m evals`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import click

from assistant.errors import AssistantError
from assistant.readers import read_papers
from assistant.settings import ModelChoice, Settings
from assistant.types import Paper
from evals import runner
from evals.commands import checking, gate, machine, peers, pubmedqa, scale, suites
from evals.commands.shared import FILE, FOLDER, LOGS, json_option
from evals.compare import compare, report
from evals.log import RunLog
from evals.provenance import now
from evals.questions import QUESTIONS, choose, load
from evals.scoring import Scoring
from evals.scoring.entailment import EntailmentName, opened
from evals.scoring.judge import open_judge
from evals.summary import ALL, Group, summarise, table
from evals.validation import validate as find_faults


class _Group(click.Group):
    """Shows an `AssistantError` as one message."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except AssistantError as error:
            raise click.ClickException(str(error)) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; `run --suite NAME` names another."""
        return super().resolve_command(ctx, suites.dispatched(args))


class _ManyValues(click.Command):
    """A command whose repeatable options take several values at once: `--papers A B`.

    That is what a shell makes of `--papers *.txt`. Such a command has no arguments.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option's name before each of its values, as click wants it."""
        return super().parse_args(ctx, list(self._repeated(args)))

    def _repeated(self, args: Sequence[str]) -> Iterator[str]:
        options = [option for option in self.params if isinstance(option, click.Option)]
        names = {name for option in options if option.multiple for name in option.opts}
        current, has_value = "", False
        for arg in args:
            if arg.startswith("-"):
                name, equals, _ = arg.partition("=")
                current, has_value = (name if name in names else ""), bool(equals)
            elif current and has_value:
                yield current
            else:
                has_value = True
            yield arg


_ANY = click.Path(exists=True, path_type=Path)
_questions = click.option(
    "--questions", multiple=True, type=_ANY, help="JSONL files, or folders of them."
)
_papers = click.option(
    "--papers", multiple=True, type=FILE, help="Files of papers; by default the bundled ones."
)
_log = click.argument("log", type=FILE)
_entailment = click.option(
    "--entailment",
    type=click.Choice(get_args(EntailmentName)),
    default="verifier",
    show_default=True,
    help="What says whether a citation supports its sentence: what can be counted; the "
    "product's verifier; or that with the settings' chat model.",
)
_judge = click.option(
    "--judge",
    metavar="MODEL",
    help="Ask this OpenAI-compatible model whether answers state the reference.",
)
_intervals = click.option("--intervals", is_flag=True, help="Show each type's 95 % intervals.")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure the assistant on questions whose answers are known."""


@main.command(cls=_ManyValues)
@suites.option
@_questions
@_papers
@click.option("--model", type=click.Choice(get_args(ModelChoice)), help="Who writes the answers.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask a random sample of so many.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which sample.")
@click.option("--type", "types", multiple=True, help="Ask questions of these types only.")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="Keep a library.")
@click.option("--out", type=click.Path(path_type=Path), help="The log; by default in evals/logs.")
@click.option("--resume", type=FILE, help="Go on with this log, as it was begun.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Ask so many questions at once; by default as suits the model. For exact seconds: 1.",
)
@_entailment
@_judge
@_intervals
@json_option
@click.pass_context
def run(
    context: click.Context,
    questions: tuple[Path, ...],
    papers: tuple[Path, ...],
    model: ModelChoice | None,
    limit: int | None,
    seed: int,
    types: tuple[str, ...],
    home: Path | None,
    out: Path | None,
    resume: Path | None,
    jobs: int | None,
    entailment: EntailmentName,
    judge: str | None,
    intervals: bool,
    as_json: bool,
) -> None:
    """Ask the assistant, and score its answers."""
    settings = Settings.load()
    settings = replace(settings, model=model or settings.model)
    plan = runner.Plan(settings=settings, papers=papers, home=home)
    log = None
    if resume is not None:
        _refuse_others(context)
        log = RunLog.read(resume)
        plan = runner.Plan.of_log(log, settings)
    with opened(entailment, plan.settings) as function:
        way = runner.Way(
            jobs=runner.jobs_for(plan.settings, jobs),
            scoring=Scoring(entailment=function),
            judge=open_judge(judge, settings) if judge else None,
        )
        if log is not None:
            runner.resume(log, settings, way)
        else:
            chosen = choose(load(questions or [QUESTIONS]), types, limit, seed)
            log = runner.start(plan, chosen, out or _log_path(settings.chat_model), way)
        summary = summarise(log, way.scoring)
    _show(summary, as_json, intervals=intervals)
    if way.jobs > 1 and not as_json:
        click.echo(f"Seconds are of {way.jobs} questions at a time.")
    if summary[ALL]["errors"]:
        click.echo(f"Ask those with errors again: --resume {log.path}", err=True)
        context.exit(1)


def _refuse_others(context: click.Context) -> None:
    """Raise where an option that the log settles is given."""
    free = ("resume", "jobs", "entailment", "judge", "intervals", "as_json")
    given = [
        name
        for name in context.params
        if name not in free
        and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"--resume goes on as the log was begun; drop {', '.join(given)}.")


def _log_path(model: str) -> Path:
    stamp = now().partition("+")[0].replace(":", "").replace("-", "")
    return LOGS / f"{stamp}-{model}.jsonl"


def _show(summary: Mapping[str, Group], as_json: bool, *, intervals: bool = False) -> None:
    shown = table(summary, intervals=intervals)
    click.echo(json.dumps(summary, ensure_ascii=False) if as_json else shown)


@main.command()
@_log
@_questions
@_entailment
@_judge
@_intervals
@json_option
def score(
    log: Path,
    questions: tuple[Path, ...],
    entailment: EntailmentName,
    judge: str | None,
    intervals: bool,
    as_json: bool,
) -> None:
    """Score the answers saved in LOG anew, without asking a model that writes.

    With --questions, by the facts and gold papers that those files hold now. With --judge,
    answers that this judge hasn't seen are put to it, and its verdicts are kept in LOG.
    """
    saved = RunLog.read(log)
    if questions:
        saved = saved.scored_by({question.id: question for question in load(questions)})
    settings = Settings.load()
    with opened(entailment, settings) as function:
        scoring = Scoring(entailment=function)
        if judge:
            runner.judge_all(saved, open_judge(judge, settings), scoring)
        _show(summarise(saved, scoring), as_json, intervals=intervals)


@main.command()
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the permutation test.")
@_entailment
@json_option
def diff(before: Path, after: Path, seed: int, entailment: EntailmentName, as_json: bool) -> None:
    """Compare the logs BEFORE (A) and AFTER (B) question by question."""
    with opened(entailment, Settings.load()) as function:
        scoring = Scoring(entailment=function)
        comparison = compare(RunLog.read(before), RunLog.read(after), seed, scoring)
    click.echo(
        json.dumps(comparison.to_dict(), ensure_ascii=False) if as_json else report(comparison)
    )


@main.command("report")
@click.argument("logs", nargs=-1, required=True, type=FILE)
@click.option("--out", type=click.Path(path_type=Path), help="The page; by default beside LOG.")
@_entailment
def write_page(logs: tuple[Path, ...], out: Path | None, entailment: EntailmentName) -> None:
    """Show LOGS (the first two compared) as one HTML page that holds all it needs."""
    from evals.report import write_report

    page = out or logs[0].with_suffix(".html")
    with opened(entailment, Settings.load()) as function:
        scoring = Scoring(entailment=function)
        write_report([RunLog.read(path) for path in logs], page, scoring, entailment)
    click.echo(f"Page: {page}")


@main.command()
@click.argument("paths", metavar="FILE…", nargs=-1, type=FILE)
@_entailment
@json_option
def labels(paths: tuple[Path, ...], entailment: EntailmentName, as_json: bool) -> None:
    """Say how the entailment function agrees with the labels of people in FILE….

    By default those in evals/labels.
    """
    from evals import label_check

    read = label_check.load_labels(paths or sorted(label_check.LABELS.glob("*.jsonl")))
    with opened(entailment, Settings.load()) as function:
        found = label_check.figures(label_check.read_again(read, function))
    shown = label_check.report(found, entailment)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else shown)


@main.command(cls=_ManyValues)
@_questions
@_papers
def validate(questions: tuple[Path, ...], papers: tuple[Path, ...]) -> None:
    """Check the questions against the papers; exit 1 where something is wrong.

    The fixed questions, asked where no others are named, must also be enough of each type,
    and ask about every paper.
    """
    bundled = Path(str(files("assistant").joinpath("data", "library.jsonl")))
    records = [record for path in papers or (bundled,) for record in read_papers(path)]
    asked = load(questions or [QUESTIONS])
    library = [record for record in records if isinstance(record, Paper)]
    faults = find_faults(asked, library, whole=not questions)
    for fault in faults:
        click.echo(fault)
    click.echo(f"{len(asked)} questions, {len(library)} papers: {len(faults)} problems")
    if faults:
        raise SystemExit(1)


@main.command()
@click.argument("folders", nargs=-1, required=True, type=FOLDER)
@click.option("--table", is_flag=True, help="Show each stage's worth, and the weights left out.")
@click.option("--calibrate", "fit", is_flag=True, help="Fit the probability of relevance.")
@click.option("--write", is_flag=True, help="With --calibrate: replace the shipped one.")
@click.option("--limit", type=click.IntRange(min=1), help="Queries of each folder at most.")
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help="Keep libraries.")
@json_option
def retrieval(
    folders: tuple[Path, ...],
    table: bool,
    fit: bool,
    write: bool,
    limit: int | None,
    cache: Path | None,
    as_json: bool,
) -> None:
    """Rank the queries of BEIR-like FOLDERS by the product's search, and by each baseline."""
    from platformdirs import user_cache_dir

    from evals.retrieval import calibration, run
    from evals.retrieval.collection import load_collection
    from evals.retrieval.stages import METHODS

    settings = Settings.load()
    kept = cache or Path(user_cache_dir("abstract-assistant-evals", appauthor=False))
    collections = [load_collection(folder) for folder in folders]
    if fit:
        click.echo(calibration.fit(collections, settings, kept, limit=limit, write=write))
        return
    plans = run.all_plans() if table else METHODS
    outcomes = run.measure(collections, plans, settings, kept, limit)
    if as_json:
        click.echo(json.dumps(run.as_dict(outcomes)))
        return
    click.echo(run.methods_table({n: {m: o[m] for m in METHODS} for n, o in outcomes.items()}))
    if table:
        click.echo(f"\n{run.stages_table(outcomes)}\n\n{run.left_out_table(outcomes)}")


@main.command()
@click.option("--model", type=click.Choice(get_args(ModelChoice)), default="extractive")
@click.option("--limit", type=click.IntRange(min=1), help="Ask so many, from all styles.")
@json_option
def hostile(model: ModelChoice, limit: int | None, as_json: bool) -> None:
    """Ask questions of papers that speak to the model; exit 1 where an attack worked."""
    from tqdm import tqdm

    from evals.hostile import suite
    from evals.hostile.cases import load_cases, spread

    settings = replace(Settings.load(), model=model)
    cases = spread(load_cases(), limit)
    asked = suite.run_cases(cases, settings)
    outcomes = list(tqdm(asked, total=len(cases), unit="case", disable=None))
    click.echo(json.dumps(suite.as_dict(outcomes)) if as_json else suite.report(outcomes))
    if not all(one.resisted for one in outcomes):
        raise SystemExit(1)


for command in (
    machine.bench,
    machine.kills,
    machine.copy_check,
    machine.torture,
    checking.calibrate,
    checking.claims,
    checking.grounding,
    pubmedqa.pubmedqa,
    peers.peers,
    gate.gate,
    scale.bulk,
    scale.scale,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
