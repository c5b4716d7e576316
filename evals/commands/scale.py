"""`python -m evals bulk` and `scale`: adding by many workers, and vectors at size."""

from pathlib import Path

import click

from assistant.settings import Settings
from evals.commands.shared import FILE, tell


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


@click.command()
@click.option("--size", "sizes", multiple=True, type=click.IntRange(min=1000))
@click.option("--graph", "graphs", multiple=True, help="M:ef_construction, as 16:100.")
@click.option("--searched", multiple=True, type=click.IntRange(min=1), help="ef_search.")
@click.option("--tokens", default=256, show_default=True, help="Texts are cut after so many.")
@click.option("--real", type=click.IntRange(min=256), help="Use so many real vectors at most.")
@click.option("--corpus", type=FILE, help="Papers for it; by default arxiv-75k, where it is.")
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help="Keep vectors.")
@click.option("--memory-price", default=0.005, show_default=True, help="US$ per GB and hour.")
@click.option("--core-price", default=0.04, show_default=True, help="US$ per core and hour.")
@click.option("--disk-price", default=0.08, show_default=True, help="US$ per GB and month.")
def scale(
    sizes: tuple[int, ...],
    graphs: tuple[str, ...],
    searched: tuple[int, ...],
    tokens: int,
    real: int | None,
    corpus: Path | None,
    cache: Path | None,
    memory_price: float,
    core_price: float,
    disk_price: float,
) -> None:
    """Search stores of many vectors: disk, memory, recall of exact search, time; and project.

    By default 74,728 and 1,000,000: the real ones, then copies with noise. Cut off, it goes on.
    """
    from platformdirs import user_cache_dir

    from evals import readings
    from evals.bench_library import find_corpus
    from evals.scale import run, table

    kept = cache or Path(user_cache_dir("abstract-assistant-evals", appauthor=False)) / "scale"
    plan = run.Plan(
        corpus=corpus or find_corpus(),
        cache=kept,
        sizes=sizes or run.SIZES,
        graphs=tuple(map(run.as_graph, graphs)) or run.GRAPHS,
        searched=searched or run.SEARCHED,
        tokens=tokens,
        real=real,
    )
    click.echo(readings.hardware())
    outcomes, work, used = run.run(plan, Settings.load(), tell)
    click.echo(f"{used:,} real vectors of at most {tokens} tokens; the rest are copies with noise")
    click.echo(table.rows(outcomes))
    prices = table.Prices(memory=memory_price, core=core_price, disk=disk_price)
    click.echo(f"\n{table.projection(run.chosen(outcomes), work, prices)}")
