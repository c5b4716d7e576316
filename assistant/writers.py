"""Two ways to write an answer: sentences verbatim, or a model's words once verified."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from assistant.grounding.citations import CitedClaim
from assistant.grounding.claims import DraftClaim, finished_claims, split_claims
from assistant.grounding.hostile import harmless, neutral
from assistant.grounding.verifier import best_support, coverage
from assistant.prompts import Prompt
from assistant.protocols import ChatModel, Vectors
from assistant.types import Evidence, Support

_DECLINES = re.compile(r"\W*(?:(?:final )?answer\W+)?UNANSWERABLE\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]】\s\d\[]*$")
MOST_TOKENS_SMALL = 140
MOST_TOKENS = 400
SAME_SENTENCE = 0.8
SECOND_CITATION_SHARE = 0.9


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """What an answer may rest on: the question, its numbered evidence, and how to compare."""

    question: str
    ranked: tuple[Evidence, ...]
    evidence: tuple[Evidence, ...]
    embed: Callable[[Sequence[str]], Vectors | None]
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


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A sentence of the model that no evidence supports."""

    text: str
    reasons: tuple[str, ...]
    score: float


def extractive_claims(
    grounds: Grounds, limit: int, *, said: str = "", words: int | None = None
) -> list[CitedClaim]:
    """Return the best evidence sentences verbatim, each citing itself; no two alike.

    What `said` tells already is passed over; `words` bounds the two together.
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
    verbatim = Support(score=1.0, supported=True, reasons=("word for word",), verifier="verbatim")
    return [CitedClaim(text=neutral(one.text), supports=((one, verbatim),)) for one in chosen]


class ModelWriter:
    """Streams a model's reply and lets a sentence out only once evidence supports it."""

    def __init__(self, model: ChatModel, prompt: Prompt) -> None:
        """Take the model and the prompt that suits it."""
        self._model = model
        self._prompt = prompt
        self.draft = ""
        self.unknown: list[str] = []
        self.says_unanswerable = False

    def write(self, grounds: Grounds) -> Iterator[CitedClaim | Rejected]:
        """Yield each sentence of the reply, verified or rejected.

        Raises:
            ModelError: the model fails, or takes longer than it may.
        """
        messages = self._prompt.messages(
            evidence=grounds.as_prompt(titles=not self._model.is_small), question=grounds.question
        )
        reply = self._model.stream(
            messages, MOST_TOKENS_SMALL if self._model.is_small else MOST_TOKENS
        )
        done = 0
        try:
            while True:
                self.draft += next(reply)
                claims = finished_claims(self.draft)
                for claim in claims[done:]:
                    yield self._verified(claim, grounds)
                done = max(done, len(claims))
        except StopIteration as stop:
            was_cut = stop.value == "length"
        if _DECLINES.match(self.draft):
            self.says_unanswerable = True
            return
        claims = split_claims(self.draft)
        if was_cut and not _SENTENCE_END.search(self.draft):
            claims = claims[:-1]
        for claim in claims[done:]:
            yield self._verified(claim, grounds)

    def _verified(self, claim: DraftClaim, grounds: Grounds) -> CitedClaim | Rejected:
        """Give the claim its best citations, whatever numbers the model wrote."""
        known = {one.key for one in grounds.evidence}
        self.unknown += [str(number) for number in claim.numbers if number not in known]
        text = neutral(claim.text)
        vectors = grounds.embed([text, *(one.text for one in grounds.evidence)])
        rated = best_support(
            text,
            grounds.evidence,
            None if vectors is None else vectors[0],
            None if vectors is None else vectors[1:],
            grounds.rarity,
            grounds.question,
        )
        best, support = rated[0]
        if not support.supported:
            return Rejected(text=text, reasons=support.reasons, score=support.score)
        supports = [(best, support)]
        for one, other in rated[1:]:
            near = other.score >= SECOND_CITATION_SHARE * support.score
            cited = one.key in claim.numbers and other.supported
            if other.supported and near and cited and one.paper.id != best.paper.id:
                supports.append((one, other))
        return CitedClaim(text=text, supports=tuple(supports))
