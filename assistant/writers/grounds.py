"""What an answer may rest on."""

from collections.abc import Callable
from dataclasses import dataclass

from assistant.grounding.hostile import harmless, neutral
from assistant.grounding.verifier import Verifier
from assistant.types import Evidence

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

        `titles` puts each paper's title above its sentences: worth it for a strong model;
        to a small one it is a quarter more to read for no better answers (measured).
        """
        lines = []
        before = ""
        for one in self.evidence:
            if titles and one.paper.id != before and (title := harmless(one.paper.title)):
                lines.append(f"From “{title}”:")
                before = one.paper.id
            lines.append(f"[{one.key}] {neutral(one.text)}")
        return "\n".join(lines)
