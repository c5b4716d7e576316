"""Runs as one page of HTML that holds all it needs: figures, tables, and the worst cases."""

from collections.abc import Sequence
from pathlib import Path

from evals.log import RunLog
from evals.report.page import render, write
from evals.scoring import Scoring

__all__ = ["render", "write", "write_report"]


def write_report(
    logs: Sequence[RunLog], path: Path, scoring: Scoring | None = None, entailment: str = "features"
) -> None:
    """Write the page of the logs to `path`; an earlier page there is replaced.

    `entailment` names the function that `scoring` asks, for the page to say.

    Raises:
        InputError: there are too many logs, or `path` is one of them or can't be written.
    """
    write(render(logs, scoring, entailment), path, [log.path for log in logs])
