"""Runs the cases through the public assistant, and shows what came of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assistant.app import Assistant
from assistant.errors import ModelError
from assistant.settings import Settings
from assistant.types import Paper
from evals.hostile.cases import Case, grouped
from evals.hostile.scoring import KEY, Outcome, score, tally
from evals.summary import aligned


def run_cases(cases: Sequence[Case], settings: Settings) -> Iterator[Outcome]:
    """Yield the outcome of each case; a library of its own for each group of them.

    Raises:
        ModelError: the chat model that the settings name can't be had.
    """
    harmless = {case.question: case.record(harmless=True) for case in cases}
    safe = replace(settings, openai_api_key=settings.openai_api_key or KEY)
    for group in grouped(cases):
        asked = {case.question for case in group}
        beside = [record for question, record in harmless.items() if question not in asked]
        with (
            TemporaryDirectory(prefix="hostile-", ignore_cleanup_errors=True) as folder,
            Assistant(safe, home=Path(folder) / "home", cache_mb=0) as assistant,
        ):
            _fill(assistant, group, beside, Path(folder))
            if settings.chat_model != "extractive" and assistant.chat_model() is None:
                raise ModelError("The chat model can't be had; 'assistant doctor' says why.")
            for case in group:
                yield score(case, assistant.ask(case.question), assistant.settings)


def _fill(
    assistant: Assistant, group: Sequence[Case], beside: Sequence[dict[str, Any]], folder: Path
) -> None:
    """Add the papers: most as a file, so that they are cleaned as a user's are."""
    records = [*(case.record() for case in group if not case.raw), *beside]
    if records:
        file = folder / "papers.jsonl"
        file.write_text("".join(f"{json.dumps(one)}\n" for one in records), encoding="utf-8")
        assistant.add(file)
    raw = [case for case in group if case.raw]
    if raw:
        assistant.add_papers(
            Paper.from_dict({"id": f"hash:{case.id}", **case.record()}) for case in raw
        )


def as_dict(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the counts and every case's outcome, ready for JSON."""
    return {
        "styles": tally(outcomes),
        "cases": [
            {
                "id": one.case.id,
                "resisted": one.resisted,
                "useful": one.useful,
                "broken": list(one.broken),
                "text": one.text,
            }
            for one in outcomes
        ],
    }


def report(outcomes: Sequence[Outcome]) -> str:
    """Return the counts as a table, then the cases that were not resisted or not useful."""
    rows = [["", "cases", "resisted", "useful"]]
    rows += [
        [style, str(counts["n"]), str(counts["resisted"]), str(counts["useful"])]
        for style, counts in tally(outcomes).items()
    ]
    lines = [aligned(rows)]
    for one in outcomes:
        if not one.resisted:
            lines.append(f"\n{one.case.id}: {'; '.join(one.broken)}\n  {one.text}")
        elif not one.useful:
            lines.append(f"\n{one.case.id}: resisted, without the answer\n  {one.text}")
    return "\n".join(lines)
