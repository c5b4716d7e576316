"""What can be counted of a claim and its evidence: words, figures, names, directions."""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from assistant.text.words import names, terms

FEATURES = (
    "cosine",
    "covered",
    "pairs",
    "figures_missing",
    "names_missing",
    "negated",
    "opposed",
    "hedged",
)
VERBATIM_WORDS = 4
CLEAR_COSINE = (0.2, 0.9)
_NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)?")
_OF_A_NAME = re.compile(r"(?<=[A-Za-z])[-–]\d[\d.]*")
_COUNTED = re.compile(r"[a-z]+", re.IGNORECASE)
_WORDS_FOR = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
}
_NEGATION = re.compile(
    r"\b(?:no|not|never|neither|nor|without|cannot|lacks?|fails? to|unable|n't)\b|n't\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:may|might|could|possibl\w+|potential\w*|perhaps|likely|suggests?|appears?|seems?|"
    r"hypothesi[sz]\w*|unclear|unknown)\b",
    re.IGNORECASE,
)
_UP = frozenset(
    terms("increase improve higher better gain rise raise outperform exceed faster more")
)
_DOWN = frozenset(terms("decrease reduce lower worse loss drop fall decline slower fewer less"))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Features, each in [0, 1], and in words what speaks against the claim.

    `missing` are the claim's figures that the evidence lacks; `missing_in_names` those of them
    that only stand in names, as in "COVID-19", for which the evidence may have another name.
    """

    verbatim: bool
    features: Mapping[str, float]
    missing: tuple[str, ...] = ()
    missing_in_names: tuple[str, ...] = ()
    reasons: tuple[str, ...] = field(default=())


def compare(claim: str, text: str, cosine: float | None, title: str = "") -> Comparison:
    """Return what a claim shares with the evidence `text`, read with its paper's title.

    `cosine` is that of their sentence vectors; without it the share of words stands for it.
    """
    if len(claim.split()) >= VERBATIM_WORDS and plain(claim) in plain(text):
        features = dict.fromkeys(FEATURES, 0.0) | dict.fromkeys(("cosine", "covered", "pairs"), 1.0)
        return Comparison(verbatim=True, features=features, reasons=("word for word",))
    source = f"{title} {text}"
    wanted, found = terms(claim), terms(source)
    covered = _share(Counter(wanted), found)
    pairs = _share(_pairs(wanted), list(_pairs(found)))
    figures = numbers(claim) - numbers(source) - counted(source)
    unknown = names(claim) - names(source) - set(found)
    low, high = CLEAR_COSINE
    near = covered if cosine is None else min(1.0, max(0.0, (cosine - low) / (high - low)))
    negated = bool(_NEGATION.search(claim)) != bool(_NEGATION.search(text))
    opposed = _opposed(set(wanted), set(found))
    hedged = bool(_HEDGE.search(text)) and not _HEDGE.search(claim)
    reasons = [f"{covered:.0%} of the claim's words are in the sentence"]
    if figures:
        reasons.append(f"number not in the sentence: {', '.join(sorted(figures))}")
    if unknown:
        reasons.append(f"name not in the sentence: {', '.join(sorted(unknown))}")
    reasons += ["one of the two is negated"] * negated + ["the direction differs"] * opposed
    reasons += ["the sentence is less certain"] * hedged
    return Comparison(
        verbatim=False,
        features={
            "cosine": near,
            "covered": covered,
            "pairs": pairs,
            "figures_missing": float(bool(figures)),
            "names_missing": float(bool(unknown)),
            "negated": float(negated),
            "opposed": float(opposed),
            "hedged": float(hedged),
        },
        missing=tuple(sorted(figures)),
        missing_in_names=tuple(sorted(figures - numbers(_OF_A_NAME.sub(" ", claim)))),
        reasons=tuple(reasons),
    )


def coverage(claim: str, text: str, rarity: Callable[[str], float]) -> float:
    """Return the share of the claim's terms, weighted by `rarity`, that `text` has."""
    wanted = {term: rarity(term) for term in terms(claim)}
    total = sum(wanted.values())
    if not total:
        return 0.0
    found = set(terms(text))
    return sum(weight for term, weight in wanted.items() if term in found) / total


def borrowed(claim: str, question: str, text: str, rarity: Callable[[str], float]) -> float:
    """Return the share of the claim's terms, by `rarity`, of the question but not of `text`."""
    wanted = {term: rarity(term) for term in terms(claim)}
    total = sum(wanted.values())
    lacking = set(terms(question)) - set(terms(text))
    return sum(wanted[term] for term in lacking & wanted.keys()) / total if total else 0.0


def numbers(text: str) -> set[str]:
    """Return the figures of `text` in one form: "1,000" is "1000", "3.50" is "3.5"."""
    found = set()
    for match in _NUMBER.finditer(text):
        number = match.group().replace(",", "").replace("−", "-").lstrip("-")
        found.add(number.rstrip("0").rstrip(".") if "." in number else number)
    return found


def counted(text: str) -> set[str]:
    """Return the figures that `text` writes as words, up to twenty."""
    words = {match.group().lower() for match in _COUNTED.finditer(text)}
    return {_WORDS_FOR[word] for word in words & set(_WORDS_FOR)}


def plain(text: str) -> str:
    """Return the words of `text`, lower case, one space apart."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _pairs(found: list[str]) -> "Counter[str]":
    return Counter(f"{one} {two}" for one, two in itertools.pairwise(found))


def _share(wanted: "Counter[str]", found: list[str]) -> float:
    if not wanted:
        return 0.0
    known = set(found)
    return sum(term in known for term in wanted) / len(wanted)


def _opposed(mine: set[str], theirs: set[str]) -> bool:
    up = bool(mine & _UP) and not mine & _DOWN and bool(theirs & _DOWN) and not theirs & _UP
    down = bool(mine & _DOWN) and not mine & _UP and bool(theirs & _UP) and not theirs & _DOWN
    return up or down
