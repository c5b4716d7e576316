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
from evals.commands import gate, peers, pubmedqa, suites
from evals.compare import compare, report
from evals.log import RunLog
from evals.provenance import now
from evals.questions import QUESTIONS, choose, load
from evals.scoring import Scoring
from evals.scoring.entailment import EntailmentName, opened
from evals.scoring.judge import open_judge
from evals.summary import ALL, Group, summarise, table
from evals.validation import validate as find_faults

LOGS = Path(__file__).parent / "logs"


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


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_ANY = click.Path(exists=True, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_questions = click.option(
    "--questions", multiple=True, type=_ANY, help="JSONL files, or folders of them."
)
_papers = click.option(
    "--papers", multiple=True, type=_FILE, help="Files of papers; by default the bundled ones."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_log = click.argument("log", type=_FILE)
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
@click.option("--resume", type=_FILE, help="Go on with this log, as it was begun.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Ask so many questions at once; by default as suits the model. For exact seconds: 1.",
)
@_entailment
@_judge
@_intervals
@_json
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
@_json
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
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the permutation test.")
@_entailment
@_json
def diff(before: Path, after: Path, seed: int, entailment: EntailmentName, as_json: bool) -> None:
    """Compare the logs BEFORE (A) and AFTER (B) question by question."""
    with opened(entailment, Settings.load()) as function:
        scoring = Scoring(entailment=function)
        comparison = compare(RunLog.read(before), RunLog.read(after), seed, scoring)
    click.echo(
        json.dumps(comparison.to_dict(), ensure_ascii=False) if as_json else report(comparison)
    )


@main.command()
@click.argument("paths", metavar="FILE…", nargs=-1, type=_FILE)
@_entailment
@_json
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
@click.option("--local/--no-local", default=True, help="Include the local model.")
@click.option("--answers/--no-answers", default=True, help="Include start-up and answers.")
@click.option("--size/--no-size", default=True, help="Include a library of many papers.")
@click.option("--corpus", type=_FILE, help="Papers for it; by default arxiv-75k, where it is.")
@_json
def bench(local: bool, answers: bool, size: bool, corpus: Path | None, as_json: bool) -> None:
    """Measure speed and memory on this machine, beside their limits."""
    from evals import readings

    settings = Settings.load()
    found = []
    growth = ""
    if not as_json:
        click.echo(readings.hardware())
    if answers:
        from evals.bench import measure

        found += measure(settings, local=local)
    if size:
        from evals.bench_library import find_corpus, measure_library

        measured, growth = measure_library(settings, corpus or find_corpus())
        found += measured
    click.echo(readings.as_json(found) if as_json else readings.rows(found))
    if growth and not as_json:
        click.echo(f"\n{growth}")


@main.command()
@click.option("--kills", default=50, show_default=True, type=click.IntRange(min=1))
@click.option("--papers", default=300, show_default=True, type=click.IntRange(min=10))
@click.option("--seed", default=0, show_default=True, type=int)
def kills(kills: int, papers: int, seed: int) -> None:
    """Kill the command at random instants; exit 1 where anything was lost or doubled."""
    from evals.kills import run_kills

    outcome = run_kills(Settings.load(), kills, papers, seed, lambda line: click.echo(line))
    click.echo(str(outcome))
    if not outcome.is_clean:
        raise SystemExit(1)


@main.command()
@click.argument("folders", nargs=-1, required=True, type=_FOLDER)
@click.option("--table", is_flag=True, help="Show each stage's worth, and the weights left out.")
@click.option("--calibrate", "fit", is_flag=True, help="Fit the probability of relevance.")
@click.option("--write", is_flag=True, help="With --calibrate: replace the shipped one.")
@click.option("--limit", type=click.IntRange(min=1), help="Queries of each folder at most.")
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help="Keep libraries.")
@_json
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
@_json
def hostile(model: ModelChoice, limit: int | None, as_json: bool) -> None:
    """Ask questions of papers that speak to the model; exit 1 where an attack worked."""
    from evals.hostile import suite
    from evals.hostile.cases import load_cases, spread

    settings = replace(Settings.load(), model=model)
    outcomes = list(suite.run_cases(spread(load_cases(), limit), settings))
    click.echo(json.dumps(suite.as_dict(outcomes)) if as_json else suite.report(outcomes))
    if not all(one.resisted for one in outcomes):
        raise SystemExit(1)


@main.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--log", "logs", multiple=True, type=_FILE, help="Log of a run with a local model.")
@click.option("--limit", default=100, show_default=True, help="Questions of each collection.")
@click.option("--write", is_flag=True, help="Replace the shipped calibration.")
def calibrate(folders: tuple[Path, ...], logs: tuple[Path, ...], limit: int, write: bool) -> None:
    """Fit the probability that the evidence answers, on BEIR-like FOLDERS or on logs."""
    from evals.calibrate import calibrate as fit

    click.echo(fit(folders, logs, limit=limit, write=write))


@main.command()
@click.argument("paths", nargs=-1, required=True, type=_FILE)
@click.option(
    "--model", type=click.Choice(get_args(ModelChoice)), help="Who judges last; extractive: nobody."
)
@click.option("--limit", type=click.IntRange(min=1), help="So many pairs of each file.")
@click.option("--asked", type=click.IntRange(min=1), help="Calibrate the last tier on so many.")
@click.option("--leave-one-out", is_flag=True, help="Calibrate on the other files, by tier.")
@click.option("--write", is_flag=True, help="Fit on all files and replace what is shipped.")
@click.option("--abstracts", type=_FILE, help="A corpus: calibrate on claims made of it, too.")
@click.option("--cache", type=click.Path(path_type=Path), help="Where the models' work is kept.")
@_json
def claims(
    paths: tuple[Path, ...],
    model: ModelChoice | None,
    limit: int | None,
    asked: int | None,
    leave_one_out: bool,
    write: bool,
    abstracts: Path | None,
    cache: Path | None,
    as_json: bool,
) -> None:
    """Judge the claims of `pairs.jsonl` files by their evidence; say how often it is right."""
    from evals.verifier import claims as judged
    from evals.verifier.measures import table

    settings = Settings.load()
    settings = replace(settings, model=model or settings.model)
    plan = judged.Plan(
        paths=paths,
        settings=settings,
        limit=limit,
        asked=asked,
        abstracts=abstracts,
        cache=cache or judged.CACHE,
    )
    tell = _progress
    if write:
        click.echo(judged.calibrate(plan, tell))
        return
    found = judged.leave_one_out(plan, tell) if leave_one_out else judged.run(plan, tell)
    click.echo(json.dumps(found) if as_json else table(found))


@main.command()
@click.argument("pairs", nargs=-1, type=_FILE)
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Choice(get_args(ModelChoice)),
    default=("extractive", "local"),
    show_default=True,
    help="Who writes the answers; several are reported side by side.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Ask so many questions and cases.")
@click.option(
    "--asked",
    type=click.IntRange(min=1),
    default=120,
    show_default=True,
    help="Pairs of each file that the chat model judges.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which questions.")
@click.option("--logs", type=click.Path(path_type=Path), default=LOGS, help="Where they go.")
def grounding(
    pairs: tuple[Path, ...],
    models: tuple[ModelChoice, ...],
    limit: int | None,
    asked: int,
    seed: int,
    logs: Path,
) -> None:
    """Report the verifier on PAIRS, the answers, hostile text, and what checking costs."""
    from evals.grounding import Plan, report

    plan = Plan(
        pairs=pairs,
        models=models,
        settings=Settings.load(),
        logs=logs,
        limit=limit,
        asked=asked,
        seed=seed,
    )
    for part in report(plan, _progress):
        click.echo(part)


main.add_command(pubmedqa.pubmedqa)
main.add_command(peers.peers)
main.add_command(gate.gate)


def _progress(what: str) -> None:
    click.echo(what, err=True)


if __name__ == "__main__":
    main()
