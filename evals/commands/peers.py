"""`python -m evals peers`."""

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import click

from assistant.settings import ModelChoice, Settings
from evals.commands.shared import FILE, LOGS, json_option, tell

OUT = LOGS / "peers"


@click.command()
@click.argument("papers", nargs=-1, type=FILE)
@click.option(
    "--peer",
    "names",
    multiple=True,
    help="Only this system (repeatable); by default those installed.",
)
@click.option(
    "--questions",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="JSONL files, or folders of them (repeatable).",
)
@click.option("--model", type=click.Choice(["auto", "openai", "local"]), help="The chat server.")
@click.option("--type", "types", multiple=True, help="Only this type of question (repeatable).")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Ask a random sample of so many, a third of them unanswerable.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which sample.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=OUT,
    help="Folder of the logs; what they hold isn't asked again. By default evals/logs/peers.",
)
@json_option
def peers(
    papers: tuple[Path, ...],
    names: tuple[str, ...],
    questions: tuple[Path, ...],
    model: ModelChoice | None,
    types: tuple[str, ...],
    limit: int | None,
    seed: int,
    out: Path,
    as_json: bool,
) -> None:
    """Ask this assistant and others the same questions of PAPERS, by the same chat server.

    PAPERS are the bundled ones unless files are named. Questions with a history or a filter
    are left out: not every system takes them. The same command goes on where it was stopped.
    """
    from evals.peers import run
    from evals.questions import QUESTIONS, choose, load
    from evals.scoring import Scoring
    from evals.scoring.entailment import opened

    unknown = [name for name in names if name not in run.PEERS]
    if unknown:
        known = ", ".join(run.PEERS)
        raise click.UsageError(f"There is no system {unknown[0]!r}; there are {known}.")
    chosen = names or run.available()
    if not names:
        _tell_others(chosen)
    settings = Settings.load()
    asked = [one for one in load(questions or [QUESTIONS]) if not (one.history or one.where)]
    with opened("verifier", settings) as function:
        plan = run.Plan(
            names=chosen,
            settings=replace(settings, model=model or settings.model),
            questions=run.sample(choose(asked, types), limit, seed),
            papers=papers,
            out=out,
            scoring=Scoring(entailment=function),
        )
        found = run.figures(run.run(plan), plan.scoring)
    click.echo(json.dumps(found) if as_json else run.table(found))
    if any(group["errors"] for group in found.values()):
        click.echo(f"Some questions met an error; the same command asks them again ({out}).")
        raise SystemExit(1)


def _tell_others(chosen: Collection[str]) -> None:
    """Say which systems aren't asked, and why."""
    from evals.peers.run import PEERS, missing

    for name in PEERS:
        if name not in chosen:
            lacking = ", ".join(missing(name))
            why = f"without {lacking}: pip install -e '.[peers]'" if lacking else "by --peer only"
            tell(f"{name} isn't asked ({why}).")
