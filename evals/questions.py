"""The question set: what is asked, and what a good answer must hold."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import InputError
from assistant.text.cleaning import title_key
from assistant.types import Message
from evals.json_lines import read_records

QUESTIONS = Path(__file__).parent / "questions"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where an answer stands: words that all occur in one sentence of the paper."""

    paper: str
    find: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question; `gold` and the sources name papers by title.

    Each entry of `must_include` is one fact, given as alternative wordings. `history` holds
    the turns before the question, `where` says which papers may be read, as `assistant.ask`
    takes both.
    """

    id: str
    type: str
    question: str
    gold: tuple[str, ...] = ()
    evidence: tuple[Source, ...] = ()
    must_include: tuple[tuple[str, ...], ...] = ()
    must_not_include: tuple[str, ...] = ()
    reference: str = ""
    history: tuple[Message, ...] = ()
    where: str = ""

    @property
    def answerable(self) -> bool:
        """Whether the papers hold an answer: what has none names no gold paper."""
        return bool(self.gold)

    @property
    def gold_keys(self) -> frozenset[str]:
        """The gold titles as compared between libraries."""
        return frozenset(title_key(title) for title in self.gold)

    def to_dict(self) -> dict[str, Any]:
        """Return every field ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Question":
        """Rebuild a question from JSON.

        Raises:
            KeyError: a field of a source or turn is missing.
            TypeError: a field is missing, unknown or of the wrong type.
        """
        sources = (
            Source(paper=one["paper"], find=tuple(one["find"]))
            for one in record.get("evidence", ())
        )
        turns = (
            Message(role=one["role"], content=one["content"]) for one in record.get("history", ())
        )
        rebuilt = {
            "gold": tuple(record.get("gold", ())),
            "evidence": tuple(sources),
            "must_include": tuple(tuple(fact) for fact in record.get("must_include", ())),
            "must_not_include": tuple(record.get("must_not_include", ())),
            "history": tuple(turns),
        }
        return cls(**{**record, **rebuilt})


def load(paths: Iterable[Path]) -> list[Question]:
    """Read the questions of JSONL files, and of all such files in folders.

    Raises:
        UnreadableFileError: a file can't be read, or a line is no question.
    """
    files = [
        file
        for path in paths
        for file in (sorted(path.glob("*.jsonl")) if path.is_dir() else [path])
    ]
    return [
        question
        for file in files
        for question in read_records(file, Question.from_dict, "question", "mend the line")
    ]


def choose(
    questions: Sequence[Question],
    types: Collection[str] = (),
    limit: int | None = None,
    seed: int = 0,
) -> list[Question]:
    """Return the questions of the types (all by default), at most `limit`, in file order.

    Raises:
        InputError: there are none.
    """
    kept = [question for question in questions if not types or question.type in types]
    if not kept:
        known = ", ".join(sorted({question.type for question in questions})) or "none"
        raise InputError(f"No questions to ask; the types there are: {known}.")
    if limit is None or limit >= len(kept):
        return kept
    places = np.random.default_rng(seed).choice(len(kept), size=limit, replace=False)
    return [kept[place] for place in sorted(places)]


def unknown_gold(question: Question, known: Collection[str]) -> list[str]:
    """Return the gold titles whose `title_key` isn't among the known ones."""
    return [title for title in question.gold if title_key(title) not in known]
