"""`python -m evals gate`."""

import time

import click

from assistant.settings import Settings


@click.command()
@click.option("--update", is_flag=True, help="Make what is measured now the baseline; commit it.")
@click.option(
    "--local", is_flag=True, help="Ask the local model, too, where the baseline has its answers."
)
@click.option("--seed", type=int, default=0, show_default=True, help="With --update: which sample.")
def gate(update: bool, local: bool, seed: int) -> None:
    """Compare the extractive answers with the committed baseline; exit 1 where they got worse.

    That is: a metric of quality fell by more than the tolerance or with p < .05, or more is
    shown without support. What couldn't be checked hasn't passed.
    """
    from evals.gate.run import EXTRACTIVE, LOCAL, Gate
    from evals.questions import QUESTIONS, load

    began = time.perf_counter()
    checked = Gate(settings=Settings.load(), questions=load([QUESTIONS]), seed=seed)
    passed = True
    for part in (EXTRACTIVE, LOCAL) if local else (EXTRACTIVE,):
        outcome = checked.update(part) if update else checked.check(part)
        click.echo(f"{outcome.text}\n")
        passed = passed and (outcome.passed or (outcome.skipped and part == LOCAL))
    word = "passed" if passed else "FAILED"
    click.echo(f"{'update' if update else 'gate'} {word} in {time.perf_counter() - began:.0f} s")
    if not passed:
        raise SystemExit(1)
