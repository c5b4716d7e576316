"""What an answer may rest on."""

from collections.abc import Callable
from dataclasses import dataclass

from assistant.grounding.citations import CitedClaim
from assistant.grounding.claims import Shape
from assistant.grounding.hostile import harmless, neutral
from assistant.grounding.verifier import Verifier
from assistant.types import Evidence, Support

SAME_SENTENCE = 0.8
"""Share of a sentence's words, by rarity, from which on what is said already says it."""


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """The question, its numbered evidence, and how to compare."""

    question: str
    ranked: tuple[Evidence, ...]
    evidence: tuple[Evidence, ...]
    verifier: Verifier
    rarity: Callable[[str], float]

    def as_prompt(self, *, titles: bool) -> str:
        """Return the evidence as the numbered lines that a model reads.

        `titles` puts each paper's title above its sentences, and marks what is context: worth
        it for a strong model; to a small one titles are a quarter more to read for no better
        answers (measured).
        """
        lines = []
        before = ""
        for one in self.evidence:
            if titles and one.paper.id != before and (title := harmless(one.paper.title)):
                lines.append(f"From “{title}”:")
                before = one.paper.id
            mark = "(context) " if titles and one.is_context else ""
            lines.append(f"[{one.key}] {mark}{neutral(one.text)}")
        return "\n".join(lines)


def quoted(one: Evidence, shape: Shape = None) -> CitedClaim:
    """Return the evidence word for word, as a claim that cites itself."""
    verbatim = Support(score=1.0, reasons=("word for word",), tier="verbatim")
    return CitedClaim(text=neutral(one.text), supports=((one, verbatim),), shape=shape)
