"""Runs as one page of HTML that holds all it needs: figures, tables, and the worst cases."""

from collections.abc import Sequence
from pathlib import Path

from evals.log import RunLog
from evals.report.page import render, write

__all__ = ["render", "write", "write_report"]


def write_report(logs: Sequence[RunLog], path: Path) -> None:
    """Write the page of the logs to `path`; an earlier page there is replaced.

    Raises:
        InputError: there are too many logs, or `path` is one of them or can't be written.
    """
    write(render(logs), path, [log.path for log in logs])
