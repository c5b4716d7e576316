"""The papers' own sentences as an answer."""

from collections.abc import Sequence

from assistant.grounding.citations import CitedClaim
from assistant.grounding.comparison import coverage
from assistant.grounding.hostile import neutral
from assistant.types import Evidence, Support
from assistant.writers.grounds import SAME_SENTENCE, Grounds


def extractive_claims(
    grounds: Grounds, limit: int, *, said: str = "", words: int | None = None
) -> list[CitedClaim]:
    """Return the best evidence sentences verbatim, each citing itself; no two alike.

    What `said` tells already is passed over; `words` bounds the two together. A sentence that
    says what another one's "it" means comes before it.
    """
    chosen: list[Evidence] = []
    for one in grounds.ranked[: limit if said else None]:
        if len(chosen) == limit:
            break
        told = " ".join([said, *(other.text for other in chosen)])
        if words is not None and len(f"{told} {one.text}".split()) > words:
            break
        if coverage(one.text, told, grounds.rarity) < SAME_SENTENCE:
            chosen.append(one)
    verbatim = Support(score=1.0, reasons=("word for word",), tier="verbatim")
    return [
        CitedClaim(text=neutral(one.text), supports=((one, verbatim),))
        for one in _context_first(chosen)
    ]


def _context_first(chosen: Sequence[Evidence]) -> list[Evidence]:
    """Return the sentences in their order, but each one's context just before it."""
    ordered = list(chosen)
    for one in chosen:
        before = next((other for other in ordered if other.passage == one.context), None)
        if before is not None and ordered.index(before) > ordered.index(one):
            ordered.remove(before)
            ordered.insert(ordered.index(one), before)
    return ordered
