"""A model's words as an answer, once verified."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.grounding.citations import CitedClaim
from assistant.grounding.claims import DraftClaim, Row, Shape, finished_claims, split_claims
from assistant.grounding.comparison import borrowed, coverage
from assistant.grounding.hostile import neutral
from assistant.grounding.judges import Judge
from assistant.grounding.shortening import shorter
from assistant.grounding.verifier import Verifier
from assistant.prompts import Prompt
from assistant.protocols import ChatModel
from assistant.text.tables import is_plain
from assistant.text.words import terms
from assistant.types import Checks, Evidence, Message, Support
from assistant.writers.grounds import SAME_SENTENCE, Grounds, quoted

_DECLINES = re.compile(r"\W*(?:(?:final )?answer\W+)?UNANSWERABLE\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]】\s\d\[]*$")
MOST_TOKENS_SMALL = 140
MOST_TOKENS = 400
SECOND_CITATION_SHARE = 0.9
MOST_JUDGED = 2
MOST_BORROWED = 0.25
"""Share of a claim's words, by rarity, that may be the question's and not the cited evidence's.

Of 27 restatements by the embedded model four had 0.30 or more, and said of their source what only
the question says; the others had 0.19 at most.
"""


Rated = list[tuple[Evidence, Support]]
"""All evidence with its support for one claim, best first."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A claim that waits until the model has finished: it or one before it is to be judged."""

    claim: DraftClaim
    rated: Rated
    is_asked: bool


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A sentence of the model that no evidence supports."""

    text: str
    reasons: tuple[str, ...]
    score: float


class ModelWriter:
    """Streams a model's reply and lets a sentence out only once evidence supports it."""

    def __init__(
        self,
        model: ChatModel,
        prompt: Prompt,
        judge: Judge | None = None,
        *,
        said: str = "",
        words: int | None = None,
        quotes: bool = False,
        lenient: bool = False,
    ) -> None:
        """Take the model and the prompt that suits it.

        `judge` is asked, after the model has finished, about claims that the verifier's cheaper
        tiers leave open. What only repeats `said` is left out. `quotes` shows the evidence itself
        in place of a claim that is left open, where the two take at most `words` words: the model
        has chosen the sentence, and that can't be wrong about itself; then the judge is asked
        about what would be shown in the model's own words, which give way, too, where it finds
        against them. `lenient` lets unsupported sentences out, marked.
        """
        self._model = model
        self._prompt = prompt
        self._judge = judge
        self._said = said
        self._words = words
        self._quotes = quotes
        self._lenient = lenient
        self.asked: tuple[Message, ...] = ()
        self.draft = ""
        self.unknown: list[str] = []
        self.checks = Checks()
        self.seconds: dict[str, float] = {}
        self.says_unanswerable = False

    def write(self, grounds: Grounds) -> Iterator[CitedClaim | Rejected]:
        """Yield each sentence of the reply, verified or rejected.

        Raises:
            ModelError: the model fails, or takes longer than it may.
        """
        messages = self._prompt.messages(
            evidence=grounds.as_prompt(titles=not self._model.is_small), question=grounds.question
        )
        self.asked = tuple(messages)
        reply = self._model.stream(
            messages, MOST_TOKENS_SMALL if self._model.is_small else MOST_TOKENS
        )
        done = 0
        waiting: list[Waiting] = []
        try:
            while True:
                self.draft += next(reply)
                claims = finished_claims(self.draft)
                for claim in claims[done:]:
                    yield from self._now_or_later(claim, grounds, waiting)
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
            yield from self._now_or_later(claim, grounds, waiting)
        left = MOST_JUDGED
        for one in waiting:
            rated = one.rated
            is_asked = one.is_asked and left > 0
            if is_asked:
                left -= 1
                rated = self._rated(one.claim, grounds, self._judge)
            yield from self._decided(one.claim, rated, grounds, was_asked=is_asked)

    def _now_or_later(
        self, claim: DraftClaim, grounds: Grounds, waiting: list[Waiting]
    ) -> Iterator[CitedClaim | Rejected]:
        """Yield what comes of the claim, unless it has to wait for the judge.

        A small server does one thing at a time: it judges when it has finished writing. What
        follows a claim that waits, waits too, so that the order stays.
        """
        rated = self._rated(claim, grounds, None)
        is_asked = self._is_to_judge(claim, rated, grounds)
        if waiting or is_asked:
            waiting.append(Waiting(claim=claim, rated=rated, is_asked=is_asked))
            return
        yield from self._decided(claim, rated, grounds)

    def _is_to_judge(self, claim: DraftClaim, rated: Rated, grounds: Grounds) -> bool:
        if self._judge is None or not rated:
            return False
        support = rated[0][1]
        if not self._quotes:
            return grounds.verifier.leaves_open(support)
        is_own = support.supported and support.tier != "verbatim"
        return is_own and not self._is_said(claim, grounds) and not _borrows(claim, rated, grounds)

    def _is_said(self, claim: DraftClaim, grounds: Grounds) -> bool:
        """Whether the claim only repeats what has been said."""
        return bool(self._said) and (
            coverage(neutral(claim.text), self._said, grounds.rarity) >= SAME_SENTENCE
        )

    def _rated(self, claim: DraftClaim, grounds: Grounds, judge: Judge | None) -> Rated:
        began = time.perf_counter()
        rated = grounds.verifier.ranked(neutral(claim.text), grounds.evidence, judge)
        stage = "verify" if judge is None else "judge"
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - began
        return rated

    def _decided(
        self, claim: DraftClaim, rated: Rated, grounds: Grounds, *, was_asked: bool = False
    ) -> Iterator[CitedClaim | Rejected]:
        """Yield the claim with its best citations, or what of it is supported, or reject it."""
        known = {one.key for one in grounds.evidence}
        self.unknown += [str(number) for number in claim.numbers if number not in known]
        self.unknown += claim.strange
        text = neutral(claim.text)
        shape = _safe(claim.shape, grounds)
        if self._is_said(claim, grounds):
            self._count(repeated=1)
            return
        if self._quotes and rated and self._is_to_quote(claim, rated, grounds, was_asked):
            yield from self._sentence(rated[0][0], text, rated[0][1], grounds)
            return
        supports = _supports(claim, rated) or _joint(text, rated, grounds.verifier)
        if supports:
            self._count(kept=1)
            yield CitedClaim(text=text, supports=supports, shape=shape)
            return
        for part in () if isinstance(shape, Row) else shorter(text):
            found = grounds.verifier.ranked(part, grounds.evidence)
            if found and found[0][1].supported:
                self._count(kept=1, shortened=1)
                yield CitedClaim(text=part, supports=(found[0],), shape=shape)
                break
        else:
            self._count(**{"marked" if self._lenient else "dropped": 1})
            if self._lenient:
                yield CitedClaim(text=text, supports=(), shape=shape)
        best = rated[0][1] if rated else Support(score=0.0, label="not found")
        yield Rejected(text=text, reasons=best.reasons, score=best.score)

    def _is_to_quote(
        self, claim: DraftClaim, rated: Rated, grounds: Grounds, was_asked: bool
    ) -> bool:
        """Whether the claim is open or the question's own, or the judge has found against it."""
        support = rated[0][1]
        if grounds.verifier.leaves_open(support) or (was_asked and not support.supported):
            return True
        return support.supported and _borrows(claim, rated, grounds)

    def _sentence(
        self, one: Evidence, claim: str, support: Support, grounds: Grounds
    ) -> Iterator[CitedClaim | Rejected]:
        """Yield the evidence in place of a claim about it that is left open."""
        if coverage(one.text, self._said, grounds.rarity) >= SAME_SENTENCE:
            self._count(repeated=1)
        elif self._words and len(f"{self._said} {one.text}".split()) > self._words:
            self._count(dropped=1)
        else:
            self._count(quoted=1)
            quote = quoted(one)
            self._said = f"{self._said} {quote.text}".strip()
            yield quote
        yield Rejected(text=claim, reasons=support.reasons, score=support.score)

    def _count(self, **more: int) -> None:
        grown = {name: getattr(self.checks, name) + count for name, count in more.items()}
        self.checks = replace(self.checks, checked=self.checks.checked + 1, **grown)


def _borrows(claim: DraftClaim, rated: Rated, grounds: Grounds) -> bool:
    """Whether much of the claim is what the question says and its best evidence doesn't."""
    best = rated[0][0]
    known = f"{best.paper.title} {best.text}"
    text = neutral(claim.text)
    return borrowed(text, grounds.question, known, grounds.rarity) > MOST_BORROWED


def _safe(shape: Shape, grounds: Grounds) -> Shape:
    """Return a row as it may be shown.

    A label of its header stays only if it is a plain one ("Method") or made of words of the
    question and the evidence: no verifier sees it alone.
    """
    if not isinstance(shape, Row):
        return shape
    sources = (part for one in grounds.evidence for part in (one.paper.title, one.text))
    known = set(terms(" ".join([grounds.question, *sources])))
    header = tuple(
        neutral(label) if is_plain(label) or known.issuperset(terms(label)) else ""
        for label in shape.header
    )
    return Row(header, tuple(map(neutral, shape.cells)))


def _supports(
    claim: DraftClaim, rated: Sequence[tuple[Evidence, Support]]
) -> tuple[tuple[Evidence, Support], ...]:
    """Return the best evidence, and what the model cited of other papers and is as good."""
    if not rated or not rated[0][1].supported:
        return ()
    best, support = rated[0]
    supports = [(best, support)]
    for one, other in rated[1:]:
        near = other.score >= SECOND_CITATION_SHARE * support.score
        cited = one.key in claim.numbers and other.supported
        if near and cited and one.paper.id != best.paper.id:
            supports.append((one, other))
    return tuple(supports)


def _joint(
    text: str, rated: Sequence[tuple[Evidence, Support]], verifier: Verifier
) -> tuple[tuple[Evidence, Support], ...]:
    """Return the two best sentences where only together they support the claim."""
    if len(rated) < 2:
        return ()
    pair = sorted((one for one, _ in rated[:2]), key=lambda one: one.key)
    title = " ".join(dict.fromkeys(one.paper.title for one in pair))
    support = verifier.support(text, [one.text for one in pair], title=title)
    return tuple((one, support) for one in pair) if support.supported else ()
