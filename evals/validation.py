"""Checks of a question set: sound in itself, answered by the papers, and complete."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from assistant.errors import FilterError
from assistant.filters import Filter, matches, parse_filter
from assistant.retrieval.understanding import understand
from assistant.text.cleaning import title_key
from assistant.text.sentences import split_sentences
from assistant.text.words import terms
from assistant.types import Paper
from evals.matching import contains
from evals.questions import Question, Source, unknown_gold

FOLLOW_UP = "follow_up"
SINGLE = "single"
# How many questions of each type the fixed set has at least.
DEMANDED = {SINGLE: 140, "multi": 30, "unanswerable": 30, FOLLOW_UP: 20, "wording": 20}
# How many gold papers a question of the type has, at least and at most.
GOLD = {SINGLE: (1, 1), "multi": (2, math.inf), "unanswerable": (0, 0)}
# A question that shares more of its words with one sentence tests word matching only.
MOST_COPIED = 0.5
# A question of fewer stems, such as "and on ImageNet?", means what the turns before it say.
FEW_STEMS = 5

Library = Mapping[str, Sequence[Paper]]


def validate(
    questions: Sequence[Question], papers: Iterable[Paper], *, whole: bool = False
) -> list[str]:
    """Return what is wrong with the questions as asked of the papers, a line each.

    With `whole`, also what the set lacks to be the fixed one: questions of a type, papers
    that no single-paper question asks about.
    """
    library: dict[str, list[Paper]] = {}
    for paper in papers:
        library.setdefault(title_key(paper.title), []).append(paper)
    faults = [*_repeated(questions), *(_lacking(questions, library) if whole else ())]
    for question in questions:
        for check in (_gold_faults, _evidence_faults, _fact_faults, _asked_faults):
            faults += [f"{question.id}: {fault}" for fault in check(question, library)]
    return faults


def copied(question: str, abstracts: Iterable[str]) -> tuple[float, str]:
    """Return the largest share of the question's stems in one sentence, and that sentence."""
    wanted = set(terms(question))
    shares = (
        (len(wanted & set(terms(sentence))) / len(wanted), sentence)
        for sentence in _sentences(abstracts)
        if wanted
    )
    return max(shares, default=(0.0, ""))


def _repeated(questions: Sequence[Question]) -> Iterator[str]:
    counts = Counter(question.id for question in questions)
    for name, count in counts.items():
        if count > 1:
            yield f"{name}: {count} questions have this id"
    first: dict[tuple[str, ...], str] = {}
    for question in questions:
        same = first.setdefault(_as_asked(question), question.id)
        if same != question.id:
            yield f"{question.id}: asks the same as {same}"


def _as_asked(question: Question) -> tuple[str, ...]:
    """Return what tells one question from another: not its case, spaces and punctuation."""
    said = (question.question, *(turn.content for turn in question.history))
    return (question.where, *map(title_key, said))


def _lacking(questions: Sequence[Question], library: Library) -> Iterator[str]:
    counts = Counter(question.type for question in questions)
    for name, least in DEMANDED.items():
        if counts[name] < least:
            yield f"{counts[name]} questions of type {name}, at least {least} are demanded"
    covered = {key for one in questions if one.type == SINGLE for key in one.gold_keys}
    for key, papers in library.items():
        if key not in covered:
            yield f"no single-paper question asks about “{papers[0].title}”"


def _gold_faults(question: Question, library: Library) -> Iterator[str]:
    least, most = GOLD.get(question.type, (0, len(question.gold)))
    if not least <= len(question.gold) <= most:
        yield f"of type {question.type} with {len(question.gold)} gold papers"
    for title in unknown_gold(question, library):
        yield f"no paper of the library is “{title}”"
    asked = understand(question.question).only
    filters: list[Filter] = [asked] if asked else []
    if question.where:
        try:
            filters.append(parse_filter(question.where))
        except FilterError as error:
            yield f"its filter can't be read: {error}"
    for only in filters:
        for papers in _gold(question, library):
            if not any(matches(only, paper) for paper in papers):
                yield f"its filter keeps out “{papers[0].title}”"


def _evidence_faults(question: Question, library: Library) -> Iterator[str]:
    for source in question.evidence:
        key = title_key(source.paper)
        if key not in question.gold_keys:
            yield f"evidence from “{source.paper}”, which is not a gold paper"
        elif key in library and not _stands_in(source, library):
            yield f"no sentence of “{source.paper}” holds all of {list(source.find)}"
    shown = {title_key(source.paper) for source in question.evidence}
    for title in question.gold:
        if title_key(title) not in shown:
            yield f"no evidence from “{title}”"


def _fact_faults(question: Question, library: Library) -> Iterator[str]:
    if question.answerable != bool(question.must_include):
        yield f"{len(question.gold)} gold papers and {len(question.must_include)} facts"
    abstracts = _abstracts(question, library)
    reference = question.reference.strip()
    if not reference:
        yield "no reference"
    for fact in question.must_include:
        if abstracts and not _holds_any(abstracts, fact):
            yield f"no gold abstract holds any of {list(fact)}"
        if reference and not _holds_any([reference], fact):
            yield f"its reference holds none of {list(fact)}"
    shown = [text for source in question.evidence for text in _stands_in(source, library)]
    for phrase in question.must_not_include:
        if _holds_any(shown, [phrase]):
            yield f"its evidence says “{phrase}”, which an answer must not"
        if contains(reference, phrase):
            yield f"its reference says “{phrase}”, which an answer must not"


def _asked_faults(question: Question, library: Library) -> Iterator[str]:
    roles = [turn.role for turn in question.history]
    if roles != ["user", "assistant"] * (len(roles) // 2):
        yield f"turns by {', '.join(roles)}: user and assistant take turns, the user first"
    if (question.type == FOLLOW_UP) != bool(roles):
        yield f"of type {question.type} with {len(roles)} turns before it"
    text = understand(question.question).text
    if len(set(terms(text))) < FEW_STEMS:
        text = " ".join([*(one.content for one in question.history if one.role == "user"), text])
    share, sentence = copied(text, _abstracts(question, library))
    if share > MOST_COPIED:
        yield f"{share:.0%} of its words stand in one sentence: “{sentence}”"


def _gold(question: Question, library: Library) -> list[Sequence[Paper]]:
    return [library[key] for key in map(title_key, question.gold) if key in library]


def _abstracts(question: Question, library: Library) -> list[str]:
    return [paper.abstract for papers in _gold(question, library) for paper in papers]


def _stands_in(source: Source, library: Library) -> list[str]:
    """Return the sentences of the paper that hold all of the source's words."""
    papers = library.get(title_key(source.paper), ())
    return [
        sentence
        for sentence in _sentences(paper.abstract for paper in papers)
        if all(contains(sentence, phrase) for phrase in source.find)
    ]


def _holds_any(texts: Iterable[str], phrases: Sequence[str]) -> bool:
    return any(contains(text, phrase) for text in texts for phrase in phrases)


def _sentences(abstracts: Iterable[str]) -> Iterator[str]:
    for text in abstracts:
        for start, end in split_sentences(text):
            yield text[start:end]
