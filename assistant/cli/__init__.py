"""The command `assistant`."""

import click

from assistant.cli.common import Group
from assistant.cli.papers import add, export, index, list_papers, reembed, remove, show, sync
from assistant.cli.questions import ask, chat, search
from assistant.cli.service import doctor, ui


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="abstract-assistant", prog_name="assistant")
def main() -> None:
    """Ask questions over paper abstracts; every sentence of an answer is checked."""


for _command in (
    add, ask, search, chat, ui, list_papers, show, remove, sync, export, index, reembed, doctor
):  # fmt: skip
    main.add_command(_command)
