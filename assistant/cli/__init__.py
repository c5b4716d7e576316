"""The command `assistant`."""

import _thread
import os
import sys
import threading

import click

from assistant.cli.answers import cache, cite, trace
from assistant.cli.common import INTERRUPTED, Group
from assistant.cli.moving import backup, copy, restore
from assistant.cli.papers import add, export, index, list_papers, reembed, remove, show, sync
from assistant.cli.questions import ask, chat, search
from assistant.cli.service import doctor, mcp, serve, ui


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="abstract-assistant", prog_name="assistant")
def main() -> None:
    """Ask questions over paper abstracts; every sentence of an answer is checked."""


for _command in (
    add, ask, search, chat, cite, trace, cache, ui, serve, mcp, list_papers, show, remove, sync,
    export, index, reembed, copy, backup, restore, doctor,
):  # fmt: skip
    main.add_command(_command)


def run() -> None:
    """Run the command as a process of its own: the entry point of `assistant`."""
    sys.unraisablehook = _insist
    try:
        main()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            # Where Ctrl-C met code that is made from text, as a dataclass is at its import, the
            # interpreter dies of the signal at its end, whatever was caught and said meanwhile.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        raise


def _insist(lost: "sys.UnraisableHookArgs") -> None:
    """Press Ctrl-C once more where the first met a callback that can't be left by an exception."""
    if lost.exc_type is KeyboardInterrupt:
        # From another thread, since here too it would be lost.
        threading.Timer(0.1, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(lost)
