"""What all commands share: opening the library, progress bars, JSON, filters."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assistant.errors import AssistantError, InputError

if TYPE_CHECKING:
    from assistant.app import Assistant
    from assistant.types import Paper


INTERRUPTED = 130


class Group(click.Group):
    """Shows an `AssistantError` as one message, and nothing as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except AssistantError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo(
                "\nInterrupted. What was stored stays; the command can be run again.", err=True
            )
            sys.exit(INTERRUPTED)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                sys.exit(0)
            where = f" {error.filename}" if error.filename else ""
            raise click.ClickException(
                f"The system refused{where}: {error.strerror or error}. "
                "Check free disk space and permissions."
            ) from error


@contextmanager
def open_library(**overrides: Any) -> Iterator["Assistant"]:
    """Open the library with a progress bar on standard error."""
    from assistant.app import Assistant

    bar = Progress()
    with Assistant(progress=bar, **overrides) as assistant:
        yield assistant
    bar.close()


class Progress:
    """A bar for each kind of work, where standard error is a terminal."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how much is done."""
        from tqdm import tqdm

        if what != self._what:
            self.close()
            self._what = what
            self._bar = tqdm(total=total or None, desc=what, leave=False, disable=None)
        self._bar.update(done - self._bar.n)
        if total and done >= total:
            self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._what = None, ""


def json_option(command: Any) -> Any:
    """Add the option `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def filter_options(command: Callable[..., Any]) -> Any:
    """Add the options that say which papers count; the command takes them as `only`."""
    options = (
        click.option("--year", default="", help="2020, 2018..2021, >=2020 or <2019."),
        click.option("--author", multiple=True, help="A name, or a part of it."),
        click.option("--venue", multiple=True, help="Words of the journal or conference."),
        click.option("--topic", multiple=True, help="A topic or keyword."),
        click.option("--source", multiple=True, help="The file that the paper came from."),
        click.option("--id", "ids", multiple=True, help="Id, DOI, arXiv id or PMID; any of them."),
        click.option("--where", default="", help='"year>=2020 and not author:smith", in words.'),
    )

    @wraps(command)
    def filtered(*args: Any, **named: Any) -> Any:
        from assistant.filters import combined

        names = ("year", "author", "venue", "topic", "source", "ids", "where")
        only = combined(**{name: named.pop(name) for name in names})
        return command(*args, only=only, **named)

    result: Any = filtered
    for option in reversed(options):
        result = option(result)
    return result


def print_json(value: Any) -> None:
    """Print one line of JSON."""
    click.echo(json.dumps(value, ensure_ascii=False))


def readable(path: Path) -> Path:
    """Return the path of a file that is there.

    Raises:
        InputError: it isn't.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; check the name.")
    return path


def line(paper: "Paper") -> str:
    """Return title, year and id."""
    year = f" ({paper.year})" if paper.year else ""
    return f"{paper.title or paper.abstract[:60] + '…'}{year}  [{paper.id}]"
