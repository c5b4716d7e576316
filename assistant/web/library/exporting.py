"""Papers as a file to download: the ticked ones, the cited ones, or all that are shown."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

from assistant.app import Assistant
from assistant.errors import InputError
from assistant.exports import FORMATS, export
from assistant.types import Answer, Paper
from assistant.web.conversation import Conversation

Scope = Literal["selected", "cited", "shown"]
SCOPES = {
    "Selected papers": "selected",
    "Papers cited in the conversation": "cited",
    "All papers of the table": "shown",
}
KINDS = {"BibTeX": "bibtex", "RIS": "ris", "CSL-JSON": "csl-json", "JSON lines": "jsonl"}
_SUFFIXES = {"bibtex": ".bib", "ris": ".ris", "csl-json": ".json", "jsonl": ".jsonl"}
_NOTHING = {
    "selected": "No paper is selected; tick papers in the table, then export.",
    "cited": "No paper is cited yet; ask a question in the chat, then export.",
    "shown": "The table shows no paper; press “Show all”, then export.",
}
_PART = 500


def answers(talk: Conversation) -> list[Answer]:
    """Return the answers of a conversation, the earliest first."""
    return [turn.answer for turn in talk.turns if turn.answer is not None]


def cited_ids(talk: Conversation) -> list[str]:
    """Return the ids of all papers that the conversation cites, in order of appearance."""
    cited = (one.evidence.paper.id for answer in answers(talk) for one in answer.citations)
    return list(dict.fromkeys(cited))


def latest_sources(talk: Conversation) -> dict[str, int]:
    """Return the papers that the latest answer cites, each with its first number."""
    found: dict[str, int] = {}
    for answer in answers(talk)[-1:]:
        for number, citation in answer.sources().items():
            found.setdefault(citation.evidence.paper.id, number)
    return found


def export_file(assistant: Assistant, scope: str, kind: str, paper_ids: Sequence[str]) -> Path:
    """Write the papers to a file in a folder of its own, and return its path.

    Raises:
        InputError: there is no such scope or format, or no paper to write.
        LibraryError: the library can't be read.
    """
    if scope not in get_args(Scope) or kind not in FORMATS:
        raise InputError("That can't be exported; choose which papers and a format.")
    papers = _whole(assistant, paper_ids)
    first = next(papers, None)
    if first is None:
        raise InputError(_NOTHING[scope])
    folder = Path(tempfile.mkdtemp(prefix="assistant-export-"))
    path = folder / f"{scope}-papers{_SUFFIXES[kind]}"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(export(_with_first(first, papers), kind))
    return path


def _with_first(first: Paper, rest: Iterable[Paper]) -> Iterator[Paper]:
    yield first
    yield from rest


def _whole(assistant: Assistant, paper_ids: Sequence[str]) -> Iterator[Paper]:
    """Yield the papers with their abstracts, in parts: there may be many."""
    for start in range(0, len(paper_ids), _PART):
        part = paper_ids[start : start + _PART]
        found = assistant.catalog.get_many(part)
        yield from (found[one] for one in part if one in found)
