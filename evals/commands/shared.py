"""What several commands share: kinds of arguments, options, and telling how far they are."""

from pathlib import Path

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
LOGS = Path(__file__).resolve().parent.parent / "logs"
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def tell(what: str) -> None:
    """Say how far a command is, apart from what it prints."""
    click.echo(what, err=True)
