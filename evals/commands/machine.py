"""`python -m evals bench`, `kills`, `torture`, `copy-check`: speed, memory, what faults cost."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assistant.settings import Settings
from evals.commands.shared import FILE, json_option, tell

if TYPE_CHECKING:
    from evals.torture.outcome import Outcome

_FAULTS = ("kills", "power", "disk", "readonly", "clock", "damage", "load")


@click.command()
@click.option("--local/--no-local", default=True, help="Include the local model.")
@click.option("--answers/--no-answers", default=True, help="Include start-up and answers.")
@click.option("--size/--no-size", default=True, help="Include a library of many papers.")
@click.option("--corpus", type=FILE, help="Papers for it; by default arxiv-75k, where it is.")
@json_option
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


@click.command()
@click.option("--kills", default=50, show_default=True, type=click.IntRange(min=1))
@click.option("--papers", default=300, show_default=True, type=click.IntRange(min=10))
@click.option("--seed", default=0, show_default=True, type=int)
def kills(kills: int, papers: int, seed: int) -> None:
    """Kill the command at random instants; exit 1 where anything was lost or doubled."""
    from evals.torture.kills import run_kills
    from evals.torture.plan import Plan

    plan = Plan(settings=Settings.load(), trials=kills, papers=papers, seed=seed, say=_progress)
    _judge(run_kills(plan))


@click.command()
@click.option("--only", "kinds", multiple=True, type=click.Choice(_FAULTS), help="Not all.")
@click.option("--count", default=200, show_default=True, help="Kills; of the others, a share.")
@click.option("--papers", default=40, show_default=True, type=click.IntRange(min=10))
@click.option("--seed", default=0, show_default=True, type=int)
@click.option("--minutes", default=60.0, show_default=True, help="No trial begins after these.")
@click.option("--load-minutes", default=5.0, show_default=True, help="For 50 askers, 2 writers.")
def torture(
    kinds: tuple[str, ...],
    count: int,
    papers: int,
    seed: int,
    minutes: float,
    load_minutes: float,
) -> None:
    """Try every fault on made-up libraries; exit 1 where anything was lost, doubled or silent."""
    from evals.torture.plan import Plan
    from evals.torture.run import run_torture

    plan = Plan(settings=Settings.load(), trials=count, papers=papers, seed=seed, say=_progress)
    _judge(run_torture(plan, kinds or _FAULTS, minutes, load_minutes))


def _progress(line: str) -> None:
    click.echo(line, err=True)


def _judge(outcomes: "list[Outcome]") -> None:
    """Print the table; exit 1 where a row isn't clean."""
    from evals.torture.outcome import table

    click.echo(table(outcomes))
    if not all(outcome.is_clean for outcome in outcomes):
        raise SystemExit(1)


@click.command(name="copy-check")
@click.option("--papers", type=FILE, help="Make a library of these; by default that at hand.")
@click.option("--limit", type=click.IntRange(min=1), help="So many of them.")
@click.option("--perturbed", is_flag=True, help="Perturb a few vectors instead of computing all.")
@click.option("--questions", default=50, show_default=True, type=click.IntRange(min=1))
def copy_check(papers: Path | None, limit: int | None, perturbed: bool, questions: int) -> None:
    """Copy the library to a Chroma server and back; exit 1 unless all answer the same.

    The server is started here. The best ten papers and the extractive answers are compared.
    """
    from evals.copy_check import Plan, check

    plan = Plan(
        settings=Settings.load(),
        papers=papers,
        limit=limit,
        perturbed=perturbed,
        questions=questions,
    )
    outcome = check(plan, tell)
    click.echo(str(outcome))
    if not outcome.is_equal:
        raise SystemExit(1)
