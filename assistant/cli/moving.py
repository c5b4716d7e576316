"""Commands that move a whole library: `copy`, `backup`, `restore`."""

from pathlib import Path

import click

from assistant.cli.common import Progress, json_option, print_json


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@json_option
def copy(source: str, target: str, as_json: bool) -> None:
    """Copy a library between folders and Chroma servers, and compare both; exit 1 if they differ.

    FROM and TO are each the folder of a library (its ASSISTANT_HOME) or the address of a server,
    which holds the vectors of the library in the folder beside it (without one: the present
    library). A folder without a library gets all of it.

    Interrupted, the same command goes on where it was. FROM stays as it is.
    """
    from assistant.library.copying import copy as run
    from assistant.settings import Settings

    bar = Progress()
    report = run(source, target, Settings.load(), bar)
    bar.close()
    if as_json:
        print_json(report.to_dict())
    else:
        click.echo(str(report))
    if report.faults:
        raise click.ClickException(
            "The copy isn't what it should be; see above. Run the command again, while nothing "
            "else writes there."
        )
    if not as_json:
        variable = "ASSISTANT_CHROMA_URL" if "://" in target else "ASSISTANT_HOME"
        click.echo(f"both are the same; {variable}={target} works with the copy")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def backup(file: Path, as_json: bool) -> None:
    """Write the library and the conversations to FILE (.tar, or .tar.gz to gzip it).

    Others may read and write meanwhile. Settings and keys are not in it. FILE is read again and
    compared before it is called done.
    """
    from assistant.library.backup import backup as run
    from assistant.settings import Settings

    bar = Progress()
    report = run(Settings.load(), file, bar)
    bar.close()
    if as_json:
        print_json(report.to_dict())
        return
    click.echo(
        f"{report.papers:,} papers and {report.passages:,} passages are in {file} "
        f"({report.size / 2**20:,.1f} MB), each file with its SHA-256"
    )
    _tell_lacking(report.lacking)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Set aside what is there, and take its place.")
@json_option
def restore(file: Path, force: bool, as_json: bool) -> None:
    """Make the library in FILE the present one, in its folder or on the server that is set.

    A library that has papers stays unless you add --force, and is then set aside, not deleted.
    What serves it must be started anew.
    """
    from assistant.library.restore import restore as run
    from assistant.settings import Settings

    bar = Progress()
    report = run(Settings.load(), file, bar, force=force)
    bar.close()
    if as_json:
        print_json(report.to_dict())
        return
    click.echo(f"{report.papers:,} papers and {report.passages:,} passages are restored")
    _tell_lacking(report.lacking)
    for path in report.aside:
        click.echo(f"what was there before: {path}")


def _tell_lacking(lacking: int) -> None:
    if lacking:
        click.echo(f"{lacking:,} papers had no vectors yet; 'assistant index' makes them")
