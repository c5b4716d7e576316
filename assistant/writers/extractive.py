"""The papers' own sentences as an answer."""

from collections.abc import Collection, Sequence

from assistant.grounding.citations import CitedClaim
from assistant.grounding.claims import Row
from assistant.grounding.code_notes import asks_for_code, only_says_where_code_is
from assistant.grounding.comparison import coverage
from assistant.grounding.evidence import of_named_papers
from assistant.grounding.hostile import harmless, neutral
from assistant.types import Evidence, Paper
from assistant.writers.grounds import SAME_SENTENCE, Grounds, quoted

HEADER = ("Paper", "What it says", "Source")
LONGEST_NAME = 5
NEARLY_AS_GOOD = 0.2
ABOUT_SOMETHING_ELSE = 1.0
"""Where another paper's sentence scores so much less than the best one, that paper is."""


def extractive_claims(
    grounds: Grounds,
    limit: int,
    *,
    said: str = "",
    words: int | None = None,
    compared: bool = False,
    cited: Collection[str] = (),
) -> list[CitedClaim]:
    """Return the best evidence sentences verbatim, each citing itself; no two alike.

    What `said` tells already is passed over; `words` bounds the two together. A sentence that
    says what another one's "it" means comes before it. Sentences of several papers that are
    to be `compared` stand in a table by paper, unless something is `said` before: then those of
    papers that aren't `cited` yet come first. Papers on another topic add nothing, unless a table
    holds them against each other; nor does where the code is, unless that is asked.
    """
    chosen: list[Evidence] = []
    is_table = compared and not said
    ranked = list(grounds.ranked) if is_table else _on_the_topic(grounds.ranked)
    if not asks_for_code(grounds.question):
        ranked = [one for one in ranked if not only_says_where_code_is(one.text)] or ranked
    pool = ranked[: limit if said else None]
    if said and compared:
        pool = _others_first(grounds.question, ranked, cited)
    for one in pool:
        if len(chosen) == limit:
            break
        told = " ".join([said, *(other.text for other in chosen)])
        if words is not None and len(f"{told} {one.text}".split()) > words:
            continue  # A shorter one further down may fit yet.
        if coverage(one.text, told, grounds.rarity) < SAME_SENTENCE:
            chosen.append(one)
    if is_table and limit > 1:
        chosen = _with_second_paper(chosen, ranked)
        if len({one.paper.id for one in chosen}) > 1:
            return _by_paper(_context_first(chosen))
    return [quoted(one) for one in _context_first(chosen)]


def _on_the_topic(ranked: Sequence[Evidence]) -> list[Evidence]:
    """Return the sentences of the best one's paper, and of others those that come near it."""
    return [
        one
        for one in ranked
        if one.paper.id == ranked[0].paper.id or one.score >= ranked[0].score - ABOUT_SOMETHING_ELSE
    ]


def _others_first(
    question: str, ranked: Sequence[Evidence], cited: Collection[str]
) -> list[Evidence]:
    """Return the best sentence of each paper not cited yet, then the rest.

    The paper is one that the question names, or the sentence is good enough.
    """
    best = {one.paper.id: one for one in reversed(ranked)}
    named = {one.paper.id for one in of_named_papers(question, ranked)}
    least = max((one.score for one in ranked), default=0.0) - NEARLY_AS_GOOD * 2
    others = [
        one
        for one in ranked
        if one is best[one.paper.id]
        and one.paper.id not in cited
        and (one.paper.id in named or one.score >= least)
    ]
    return [*others, *(one for one in ranked if one not in others)]


def _with_second_paper(chosen: Sequence[Evidence], ranked: Sequence[Evidence]) -> list[Evidence]:
    """Return the sentences; where all are one paper's, another's takes the last one's place.

    It has to be nearly as good.
    """
    papers = {one.paper.id for one in chosen}
    other = next((one for one in ranked if one.paper.id not in papers), None)
    if len(papers) != 1 or other is None or other.score < chosen[-1].score - NEARLY_AS_GOOD:
        return list(chosen)
    return [*chosen[:-1], other] if len(chosen) > 1 else [*chosen, other]


def _by_paper(chosen: Sequence[Evidence]) -> list[CitedClaim]:
    """Return the sentences as a table's rows, those of one paper together."""
    order = list(dict.fromkeys(one.paper.id for one in chosen))
    return [
        quoted(one, Row(HEADER, (short_name(one.paper), neutral(one.text), "")))
        for one in sorted(chosen, key=lambda one: order.index(one.paper.id))
    ]


def short_name(paper: Paper) -> str:
    """Return what the paper calls its method, or the first words of its title.

    "TwigNet: Pruning Before the First Step" is "TwigNet".
    """
    title = harmless(paper.title) or paper.id
    name, colon, _ = title.partition(": ")
    words = (name if colon else title).split()
    if len(words) <= LONGEST_NAME:
        return " ".join(words)
    return f"{' '.join(title.split()[:LONGEST_NAME])} …"


def _context_first(chosen: Sequence[Evidence]) -> list[Evidence]:
    """Return the sentences in their order, but each one's context just before it."""
    ordered = list(chosen)
    for one in chosen:
        before = next((other for other in ordered if other.passage == one.context), None)
        if before is not None and ordered.index(before) > ordered.index(one):
            ordered.remove(before)
            ordered.insert(ordered.index(one), before)
    return ordered
