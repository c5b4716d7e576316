"""What was run: the facts of each run, beside each other."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.report.data import NOT_SCORED, Run

# Where the files lie has no bearing on the answers, and is nobody else's business.
_PRIVATE = frozenset({"home", "models"})


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fact of the runs: its name, a value for each run, and whether these differ."""

    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether not all runs have the same."""
        return len(set(self.values)) > 1


def header(runs: Sequence[Run]) -> list[Row]:
    """Return what was run: one row for each fact."""
    makers: dict[str, Callable[[Run], str]] = {
        "log": lambda run: run.log.path.name,
        "begun": lambda run: str(run.log.run.get("started") or NOT_SCORED),
        "commit": _commit,
        "model": _models,
        "library": lambda run: _listed(run.log.run.get("library")),
        "machine": lambda run: _listed(run.log.run.get("machine")),
        "questions": _counts,
        "asked at once": lambda run: str(run.log.run.get("jobs") or 1),
    }
    return [
        Row(name=name, values=tuple(make(run) for run in runs)) for name, make in makers.items()
    ]


def details(runs: Sequence[Run], part: str) -> list[Row]:
    """Return the rows of a mapping of the runs, as "settings" or "prompts"; differing ones first.

    Folders and addresses of the user's own are left out.
    """
    parts = [run.log.run.get(part) or {} for run in runs]
    names = dict.fromkeys(name for one in parts for name in one if name not in _PRIVATE)
    rows = [
        Row(name=name, values=tuple(_plain(one.get(name, NOT_SCORED)) for one in parts))
        for name in names
    ]
    return sorted(rows, key=lambda row: not row.differs)


def _commit(run: Run) -> str:
    git = run.log.run.get("git") or {}
    commit = str(git.get("commit") or NOT_SCORED)[:12]
    return f"{commit}, with changes" if git.get("dirty") else commit


def _models(run: Run) -> str:
    """Name who wrote the answers, and how many each where there are several."""
    counts = Counter(str(answer.get("model") or NOT_SCORED) for _, answer in run.answered())
    chosen = (run.log.run.get("settings") or {}).get("model")
    if len(counts) < 2:
        return next(iter(counts), str(chosen or NOT_SCORED))
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())


def _counts(run: Run) -> str:
    asked = len(run.log.questions)
    errors = sum(case.answer is None for case in run.log.cases.values())
    answered = len(run.log.cases) - errors
    return f"n = {asked}: {answered} answered, {errors} errors, {asked - len(run.log.cases)} open"


def _listed(part: Mapping[str, Any] | None) -> str:
    return (
        ", ".join(f"{name} {_plain(value)}" for name, value in (part or {}).items()) or NOT_SCORED
    )


def _plain(value: Any) -> str:
    return "not set" if value in (None, "") else str(value)
