"""`python -m evals pubmedqa`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import click

from assistant.settings import ModelChoice, Settings
from evals.commands.shared import FOLDER, json_option


@click.command()
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    type=FOLDER,
)
@click.option(
    "--model",
    type=click.Choice(get_args(ModelChoice)),
    help="Who decides beside the verifier; extractive: nobody.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Questions of each folder at most.")
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help="Keep libraries.")
@json_option
def pubmedqa(
    folders: tuple[Path, ...],
    model: ModelChoice | None,
    limit: int | None,
    cache: Path | None,
    as_json: bool,
) -> None:
    """Answer the questions of FOLDERS by yes, no or maybe, from abstracts that must be found.

    A folder is BEIR-like, and each line of its queries.jsonl has an "answer". What a chat
    model said is kept in the cache: an interrupted run goes on where it was.
    """
    from platformdirs import user_cache_dir

    from evals.pubmedqa import suite
    from evals.retrieval.collection import load_collection

    settings = Settings.load()
    plan = suite.Plan(
        settings=replace(settings, model=model or settings.model),
        cache=cache or Path(user_cache_dir("abstract-assistant-evals", appauthor=False)),
        limit=limit,
    )
    collections = [load_collection(folder) for folder in folders]
    found = {collection.name: suite.run(collection, plan) for collection in collections}
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo("\n\n".join(suite.report(name, own) for name, own in found.items()))
