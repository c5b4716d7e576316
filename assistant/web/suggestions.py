"""What could be asked next, out of the evidence at hand."""

import re
from collections.abc import Iterable, Sequence

from assistant.grounding.hostile import harmless
from assistant.types import Answer, Paper

MOST = 3
LONGEST_NAME_WORDS = 3
LONGEST_QUOTED_WORDS = 12
NEAR = 0.6
"""Share of the best retrieval score from which on a paper that isn't cited is worth a question."""
_NUMBER = re.compile(r"\d")


def suggestions(answer: Answer, asked: Sequence[str] = ()) -> list[str]:
    """Return at most three further questions that the evidence can answer, none of `asked`."""
    cited = _papers(citation.evidence.paper for citation in answer.citations)
    used = {(one.evidence.paper.id, one.evidence.text) for one in answer.citations}
    unused = [one for one in answer.evidence if (one.paper.id, one.text) not in used]
    further = []
    if len(cited) > 1:
        further.append(f"How do {name(cited[0])} and {name(cited[1])} differ?")
    further += [
        f"Which results does {name(one.paper)} report?"
        for one in unused
        if one.paper in cited and _NUMBER.search(one.text)
    ]
    further += [f"What problem does {name(paper)} address?" for paper in cited]
    least = NEAR * max((one.score for one in answer.evidence), default=0.0)
    others = [one.paper for one in unused if one.score >= least] if cited else answer.nearest
    further += [f"What does {name(one)} propose?" for one in _papers(others) if one not in cited]
    known = {question.casefold().strip() for question in asked}
    fresh = [one for one in dict.fromkeys(further) if one.casefold() not in known]
    return fresh[:MOST]


def name(paper: Paper) -> str:
    """Return what to call the paper: the short name before a colon, or its title in quotes."""
    title = harmless(" ".join(paper.title.split())) or paper.id
    short, colon, _ = title.partition(":")
    if colon and len(short.split()) <= LONGEST_NAME_WORDS:
        return short
    words = title.split()
    cut = " ".join(words[:LONGEST_QUOTED_WORDS])
    return f"“{cut}{'…' if len(words) > LONGEST_QUOTED_WORDS else ''}”"


def _papers(papers: Iterable[Paper]) -> list[Paper]:
    return list({paper.id: paper for paper in papers}.values())
