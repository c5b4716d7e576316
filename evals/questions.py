"""The question set: what is asked, what a good answer must hold, and checks of both."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import InputError, UnreadableFileError
from assistant.text.cleaning import title_key
from assistant.text.sentences import split_sentences
from assistant.text.words import terms
from assistant.types import Message, Paper
from evals.matching import contains

QUESTIONS = Path(__file__).parent / "questions"
UNANSWERABLE = "unanswerable"
# A question that shares more of its words with one sentence tests word matching only.
MOST_COPIED = 0.5


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where an answer stands: words that all occur in one sentence of the paper."""

    paper: str
    find: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question; `gold` and the sources name papers by title.

    Each entry of `must_include` is one fact, given as alternative wordings.
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

    @property
    def answerable(self) -> bool:
        """Whether the papers hold an answer."""
        return self.type != UNANSWERABLE

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
    return [question for file in files for question in _read(file)]


def _read(file: Path) -> Iterator[Question]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{file}: {error}; give a JSONL file of questions.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield Question.from_dict(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableFileError(
                f"{file}, line {number}: not a question ({error}); mend the line."
            ) from error


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


def validate(questions: Sequence[Question], papers: Iterable[Paper]) -> list[str]:
    """Return what is wrong with the questions as asked of the papers, a line each."""
    abstracts: dict[str, list[str]] = {}
    for paper in papers:
        abstracts.setdefault(title_key(paper.title), []).append(paper.abstract)
    counts = Counter(question.id for question in questions)
    faults = [
        f"{name}: {count} questions have this id" for name, count in counts.items() if count > 1
    ]
    for question in questions:
        faults += [f"{question.id}: {fault}" for fault in _faults(question, abstracts)]
    return faults


def _faults(question: Question, abstracts: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if question.answerable != bool(question.gold):
        yield f"of type {question.type} with {len(question.gold)} gold papers"
    for title in unknown_gold(question, abstracts):
        yield f"no paper of the library is “{title}”"
    for source in question.evidence:
        key = title_key(source.paper)
        if key not in question.gold_keys:
            yield f"evidence from “{source.paper}”, which is not a gold paper"
        elif key in abstracts and not _in_one_sentence(source.find, abstracts[key]):
            yield f"no sentence of “{source.paper}” holds all of {list(source.find)}"
    gold = [text for key in question.gold_keys for text in abstracts.get(key, ())]
    for fact in question.must_include:
        if gold and not any(contains(text, phrase) for text in gold for phrase in fact):
            yield f"no gold abstract holds any of {list(fact)}"
    share, sentence = copied(question.question, gold)
    if share > MOST_COPIED:
        yield f"{share:.0%} of its words stand in one sentence: “{sentence}”"


def unknown_gold(question: Question, known: Collection[str]) -> list[str]:
    """Return the gold titles whose `title_key` isn't among the known ones."""
    return [title for title in question.gold if title_key(title) not in known]


def copied(question: str, abstracts: Iterable[str]) -> tuple[float, str]:
    """Return the largest share of the question's stems in one sentence, and that sentence."""
    wanted = set(terms(question))
    shares = (
        (len(wanted & set(terms(sentence))) / len(wanted), sentence)
        for sentence in _sentences(abstracts)
        if wanted
    )
    return max(shares, default=(0.0, ""))


def _in_one_sentence(phrases: Sequence[str], abstracts: Iterable[str]) -> bool:
    return any(
        all(contains(sentence, phrase) for phrase in phrases) for sentence in _sentences(abstracts)
    )


def _sentences(abstracts: Iterable[str]) -> Iterator[str]:
    for text in abstracts:
        for start, end in split_sentences(text):
            yield text[start:end]
