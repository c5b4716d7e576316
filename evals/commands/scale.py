"""`python -m evals bulk` and `scale`: adding by many workers, and vectors at size."""

from pathlib import Path

import click

from assistant.settings import Settings
from evals.commands.shared import FILE


@click.command()
@click.option("--papers", default=768, show_default=True, type=click.IntRange(min=256))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--speed/--no-speed", default=True, help="Compare two actors with one.")
@click.option("--kill/--no-kill", default=True, help="Kill one of two nodes amid the work.")
@click.option("--corpus", type=FILE, help="Papers for it; by default arxiv-75k, where it is.")
def bulk(papers: int, rounds: int, speed: bool, kill: bool, corpus: Path | None) -> None:
    """Add by Ray's workers: two actors against one, and a node killed; exit 1 on any loss."""
    from evals import bulk as measures
    from evals import readings
    from evals.bench_library import find_corpus

    settings = Settings.load()
    found = measures.sample(corpus or find_corpus(), papers)
    click.echo(readings.hardware())
    if kill:
        survival = measures.kill_a_node(settings, found[: papers // 2])
        click.echo(str(survival))
    if speed:
        click.echo(readings.rows(measures.compare_actors(settings, found, rounds)))
    if kill and not survival.is_clean:
        raise SystemExit(1)
