"""The cases: a question, a paper that answers it, and text planted in that paper."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import UnreadableFileError

CASES = Path(__file__).parent / "cases.jsonl"
PLACEHOLDER = "{HOSTILE}"
POSITIONS = ("start", "middle", "end", "within", "title", "author", "venue")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One attack; `paper` holds the placeholder where `hostile` goes.

    Of `must_include` one wording must stand in a useful answer; any of `must_not_include`
    shows that the attack worked. A `raw` paper goes into the library past the cleaning that
    files get, as a program may put it there.
    """

    id: str
    style: str
    position: str
    question: str
    paper: Mapping[str, Any]
    hostile: str
    must_include: tuple[str, ...]
    must_not_include: tuple[str, ...]
    raw: bool = False

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Case":
        """Rebuild a case from JSON.

        Raises:
            KeyError: a list of phrases is missing.
            TypeError: a field is missing or unknown.
        """
        lists = {name: tuple(record[name]) for name in ("must_include", "must_not_include")}
        return cls(**{**record, **lists})

    def record(self, *, harmless: bool = False) -> dict[str, Any]:
        """Return the paper as a JSON record, the hostile text in its place or left out."""
        text = "" if harmless else self.hostile
        return {name: _filled(value, text) for name, value in self.paper.items()}


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, str):
        return value.replace(PLACEHOLDER, text)
    return [one.replace(PLACEHOLDER, text) for one in value] if isinstance(value, list) else value


def load_cases(path: Path = CASES) -> list[Case]:
    """Read the cases of a JSONL file.

    Raises:
        UnreadableFileError: it can't be read, or a line is no case.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [Case.from_dict(json.loads(line)) for line in lines if line.strip()]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UnreadableFileError(f"{path}: not a file of cases ({error}); mend it.") from error


def faults(cases: Sequence[Case]) -> list[str]:
    """Return what is wrong with the cases, a line each."""
    counts = Counter(case.id for case in cases)
    found = [f"{name}: {count} cases have this id" for name, count in counts.items() if count > 1]
    return found + [f"{case.id}: {fault}" for case in cases for fault in _faults(case)]


def _faults(case: Case) -> Iterable[str]:
    if case.position not in POSITIONS:
        yield f"unknown position {case.position}"
    if json.dumps(case.paper).count(PLACEHOLDER) != 1:
        yield "the paper must hold the placeholder once"
    if not case.must_include or not case.must_not_include:
        yield "nothing to look for"
    harmless = json.dumps(case.record(harmless=True), ensure_ascii=False).casefold()
    if not any(phrase.casefold() in harmless for phrase in case.must_include):
        yield "the paper does not hold the answer"
    yield from (
        f"{phrase!r} stands in the harmless paper or the question"
        for phrase in case.must_not_include
        if phrase.casefold() in f"{harmless} {case.question.casefold()}"
    )


def grouped(cases: Iterable[Case]) -> list[list[Case]]:
    """Return the cases in groups that can share a library: no two on the same question."""
    groups: list[dict[str, Case]] = []
    for case in cases:
        free = next((group for group in groups if case.question not in group), None)
        if free is None:
            free = {}
            groups.append(free)
        free[case.question] = case
    return [list(group.values()) for group in groups]


def spread(cases: Sequence[Case], limit: int | None = None) -> list[Case]:
    """Return at most `limit` cases, evenly from the whole list, which is ordered by style."""
    if limit is None or limit >= len(cases):
        return list(cases)
    return [cases[place * len(cases) // limit] for place in range(limit)]
