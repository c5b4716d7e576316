"""`python -m evals gate`."""

import time

import click

from assistant.settings import Settings


@click.command()
@click.option("--update", is_flag=True, help="Make what is measured now the baseline; commit it.")
@click.option(
    "--part",
    "names",
    multiple=True,
    type=click.Choice(["extractive", "local"]),
    help="Only this one; by default both.",
)
@click.option(
    "--require-local", is_flag=True, help="Fail where the local model can't be had or compared."
)
@click.option("--seed", type=int, default=0, show_default=True, help="With --update: which sample.")
def gate(update: bool, names: tuple[str, ...], require_local: bool, seed: int) -> None:
    """Compare a quick subset with the committed baseline; exit 1 where answers got worse.

    That is: a metric of quality dropped with p < .05, or more is shown without support.
    """
    from evals.gate.run import PARTS, Gate
    from evals.questions import QUESTIONS, load

    began = time.perf_counter()
    checked = Gate(settings=Settings.load(), questions=load([QUESTIONS]), seed=seed)
    passed = True
    for part in PARTS:
        if names and part.name not in names:
            continue
        outcome = checked.update(part) if update else checked.check(part)
        click.echo(f"{outcome.text}\n")
        passed = passed and outcome.passed
        if outcome.skipped and (part.name == "extractive" or require_local):
            passed = False
    word = "passed" if passed else "FAILED"
    click.echo(f"gate {word} in {time.perf_counter() - began:.0f} s")
    if not passed:
        raise SystemExit(1)
