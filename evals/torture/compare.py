"""Compare a library with what it must hold."""

from pathlib import Path

from assistant.app import Assistant
from assistant.errors import AssistantError
from assistant.settings import Settings
from assistant.types import Paper
from evals.torture.made import Texts
from evals.torture.outcome import Outcome


def compare_while_unfinished(
    home: Path, settings: Settings, before: Texts, after: Texts, outcome: Outcome, name: str
) -> None:
    """Whatever the instant: no paper twice, and none gone that both states hold."""
    try:
        papers = _stored(home, settings)
    except AssistantError as error:
        outcome.wrong.append(f"{name}: {error}")
        return
    found = [paper.title for paper in papers]
    outcome.doubled += len(found) - len(set(found))
    outcome.lost += len((set(before) & set(after)) - set(found))
    for paper in papers:
        if paper.abstract not in (before.get(paper.title), after.get(paper.title)):
            outcome.wrong.append(f"{name}: “{paper.title}” has a text that was never given")


def _stored(home: Path, settings: Settings) -> list[Paper]:
    if not (home / "library" / "papers.sqlite").exists():
        return []
    with Assistant(settings, home=home, model="extractive") as assistant:
        return list(assistant.papers())


def compare_at_the_end(
    home: Path, settings: Settings, expected: Texts, outcome: Outcome, name: str
) -> None:
    """Compare catalog, words and vectors with what must be there, each paper once."""
    try:
        with Assistant(settings, home=home, model="extractive") as assistant:
            _compare(assistant, expected, outcome, name)
    except AssistantError as error:
        outcome.wrong.append(f"{name}: {error}")


def _compare(assistant: Assistant, expected: Texts, outcome: Outcome, name: str) -> None:
    papers = list(assistant.papers())
    found = {paper.title: paper.abstract for paper in papers}
    outcome.doubled += len(papers) - len(found)
    outcome.lost += len(set(expected) - set(found))
    if found != expected:
        outcome.wrong.append(f"{name}: the catalog holds other papers or texts")
    library = assistant.library
    if library.lexical.count() != len(expected):
        outcome.wrong.append(
            f"{name}: {library.lexical.count()} papers in the word index, not {len(expected)}"
        )
    passages = sorted(library.store().passages())
    outcome.lost += len({paper.id for paper in papers} - {one for one, _ in passages})
    outcome.doubled += len(passages) - len(set(passages))
    if passages != sorted((paper.id, paper.content_hash) for paper in papers):
        outcome.wrong.append(f"{name}: the vectors are of other papers or texts")
    _compare_searches(assistant, papers, outcome, name)


def _compare_searches(
    assistant: Assistant, papers: list[Paper], outcome: Outcome, name: str
) -> None:
    """Each index must find papers by their own text."""
    library = assistant.library
    _, near = library.nearest("study of amber", len(papers) + 10)
    if len({one.paper_id for one, _ in near}) < 0.9 * len(papers):
        outcome.wrong.append(f"{name}: a search reaches {len(near)} of {len(papers)} papers")
    for paper in papers[:: max(1, len(papers) // 5)]:
        _, near = library.nearest(f"{paper.title}. {paper.abstract}", 1)
        if not near or near[0][0].paper_id != paper.id or near[0][1] < 0.99:
            outcome.wrong.append(f"{name}: the vector of “{paper.title}” isn't the nearest to it")
        words = library.lexical.search(paper.abstract, 1)
        if not words or words[0][0] != paper.id:
            outcome.wrong.append(f"{name}: the words of “{paper.title}” don't find it")
