"""Does a sentence support a claim? Features of both, combined; no model call."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from assistant.protocols import Vectors
from assistant.text.words import names, terms
from assistant.types import Evidence, Support

SUPPORTED_AT = 0.5
ECHO_WEIGHT = 0.35
VERBATIM_WORDS = 4
_NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)?")
_NEGATION = re.compile(
    r"\b(?:no|not|never|neither|nor|without|cannot|lacks?|fails? to|unable|n't)\b|n't\b",
    re.IGNORECASE,
)
_UP = frozenset(
    terms("increase improve higher better gain rise raise outperform exceed faster more")
)
_DOWN = frozenset(terms("decrease reduce lower worse loss drop fall decline slower fewer less"))


def support(
    claim: str,
    evidence: Evidence,
    cosine: float | None,
    rarity: Callable[[str], float],
    question: str = "",
) -> Support:
    """Return how well the evidence sentence, read with its paper's title, supports the claim.

    Words that the claim takes from the `question` count less: an answer repeats what was
    asked in the asker's words, and is right or wrong by the rest.

    Score: 0.6 * the share of the claim's words found (by `rarity`, an idf) + 0.4 * cosine
    scaled from [0.2, 0.9]; divided down where a number or a name is missing or the
    direction or the negation differs. A verbatim sentence scores 1.
    """
    if len(claim.split()) >= VERBATIM_WORDS and _plain(claim) in _plain(evidence.text):
        return Support(score=1.0, supported=True, reasons=("word for word",))
    reasons = []
    echoed = set(terms(question))

    def weight(term: str) -> float:
        return rarity(term) * (ECHO_WEIGHT if term in echoed else 1.0)

    covered = coverage(claim, f"{evidence.paper.title} {evidence.text}", weight)
    near = covered if cosine is None else float(np.clip((cosine - 0.2) / 0.7, 0, 1))
    score = 0.6 * covered + 0.4 * near
    for name, factor, missing in (
        ("number", 0.3, numbers(claim) - numbers(f"{evidence.paper.title} {evidence.text}")),
        ("name", 0.5, names(claim) - names(f"{evidence.paper.title} {evidence.text}")),
    ):
        if missing:
            score *= factor
            reasons.append(f"{name} not in the sentence: {', '.join(sorted(missing))}")
    if bool(_NEGATION.search(claim)) != bool(_NEGATION.search(evidence.text)):
        score *= 0.8
        reasons.append("one of the two is negated")
    if _opposed(claim, evidence.text):
        score *= 0.6
        reasons.append("the direction differs")
    reasons.append(f"{covered:.0%} of the claim's words are in the sentence")
    return Support(score=score, supported=score >= SUPPORTED_AT, reasons=tuple(reasons))


def coverage(claim: str, text: str, rarity: Callable[[str], float]) -> float:
    """Return the share of the claim's terms, weighted by `rarity`, that `text` has."""
    wanted = {term: rarity(term) for term in terms(claim)}
    total = sum(wanted.values())
    if not total:
        return 0.0
    found = set(terms(text))
    return sum(weight for term, weight in wanted.items() if term in found) / total


def numbers(text: str) -> set[str]:
    """Return the figures of `text` in one form: "1,000" is "1000", "3.50" is "3.5"."""
    found = set()
    for match in _NUMBER.finditer(text):
        plain = match.group().replace(",", "").replace("−", "-").lstrip("-")
        found.add(plain.rstrip("0").rstrip(".") if "." in plain else plain)
    return found


def best_support(
    claim: str,
    evidence: Sequence[Evidence],
    claim_vector: Vectors | None,
    evidence_vectors: Vectors | None,
    rarity: Callable[[str], float],
    question: str = "",
) -> list[tuple[Evidence, Support]]:
    """Return every evidence sentence with its support for the claim, best first."""
    rated = []
    for place, one in enumerate(evidence):
        cosine = None
        if claim_vector is not None and evidence_vectors is not None:
            cosine = float(evidence_vectors[place] @ claim_vector)
        rated.append((one, support(claim, one, cosine, rarity, question)))
    return sorted(rated, key=lambda pair: -pair[1].score)


def _opposed(claim: str, text: str) -> bool:
    mine, theirs = set(terms(claim)), set(terms(text))
    up = bool(mine & _UP) and not mine & _DOWN and bool(theirs & _DOWN) and not theirs & _UP
    down = bool(mine & _DOWN) and not mine & _UP and bool(theirs & _UP) and not theirs & _DOWN
    return up or down


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
