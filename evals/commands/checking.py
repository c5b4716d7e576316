"""`python -m evals claims`, `grounding` and `calibrate`: how well is it known what holds."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import click

from assistant.settings import ModelChoice, Settings
from evals.commands.shared import FILE, FOLDER, LOGS, json_option, tell


@click.command()
@click.argument("folders", nargs=-1, type=FOLDER)
@click.option("--log", "logs", multiple=True, type=FILE, help="Log of a run with a local model.")
@click.option("--limit", default=100, show_default=True, help="Questions of each collection.")
@click.option("--write", is_flag=True, help="Replace the shipped calibration.")
def calibrate(folders: tuple[Path, ...], logs: tuple[Path, ...], limit: int, write: bool) -> None:
    """Fit the probability that the evidence answers, on BEIR-like FOLDERS or on logs."""
    from evals.calibrate import calibrate as fit

    click.echo(fit(folders, logs, limit=limit, write=write))


@click.command()
@click.argument("paths", nargs=-1, required=True, type=FILE)
@click.option(
    "--model", type=click.Choice(get_args(ModelChoice)), help="Who judges last; extractive: nobody."
)
@click.option("--limit", type=click.IntRange(min=1), help="So many pairs of each file.")
@click.option("--asked", type=click.IntRange(min=1), help="Calibrate the last tier on so many.")
@click.option("--leave-one-out", is_flag=True, help="Calibrate on the other files, by tier.")
@click.option("--write", is_flag=True, help="Fit on all files and replace what is shipped.")
@click.option("--abstracts", type=FILE, help="A corpus: calibrate on claims made of it, too.")
@click.option("--cache", type=click.Path(path_type=Path), help="Where the models' work is kept.")
@json_option
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
    if write:
        click.echo(judged.calibrate(plan, tell))
        return
    found = judged.leave_one_out(plan, tell) if leave_one_out else judged.run(plan, tell)
    click.echo(json.dumps(found) if as_json else table(found))


@click.command()
@click.argument("pairs", nargs=-1, type=FILE)
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
@click.option("--resume", is_flag=True, help="Keep the answers that the logs hold already.")
def grounding(
    pairs: tuple[Path, ...],
    models: tuple[ModelChoice, ...],
    limit: int | None,
    asked: int,
    seed: int,
    logs: Path,
    resume: bool,
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
        resume=resume,
    )
    for part in report(plan, tell):
        click.echo(part)
