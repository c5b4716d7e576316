"""Names of clusters: the terms that set each apart, by a class-based tf-idf.

As in BERTopic (Grootendorst 2022, arXiv:2203.05794) a cluster counts as one document. A term
weighs the share s of the cluster's papers that have it, times log(s / r), where r is the share
of all other papers that have it: what every cluster speaks of names none.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from assistant.text.words import STOP_WORDS, words

TERMS = 3
UNNAMED = "various"
_BONUS = (1.0, 1.6, 2.0)  # two or three words say more to a reader than one
_SMOOTHING = 0.02
_FEWEST = 3  # papers that must have a term, and the share that must
_RAREST = 0.08
_SHORTEST = 3
# Said by papers of every field, whatever they are about.
_GENERAL = frozenset(
    """ability able abstract achieve achieved achieves achieving analysis application applications
    approach approaches art author authors available based benchmark benchmarks best better case
    cases challenge challenges code common compare compared comparison comprehensive conclusion
    contribution current dataset datasets demonstrate demonstrates demonstrated design different
    effect effective effectively effects efficient enable enables evaluate evaluated evaluation
    evidence existing experiment experimental experiments extensive fewer find finding findings
    first five four framework full further general good high higher importance important improve
    improved improvement improvements improves improving include including increase introduce
    introduces introduced investigate issue key known large larger latest learn learned learning
    less like low lower main
    make makes many method methods model models multiple need needs new novel number obtain often
    outperform outperforms paper papers perform performance performs possible present presents
    previous prior problem problems process propose proposed proposes provide provides question
    reach reaches recent recently related report reports require required requires research result
    results review second set several show showed shown shows significant significantly simple
    single small solution state state-of-the-art strong studied studies study suggest system
    systems table task tasks technique techniques term test tested thing third three time total
    two type types understanding value values various way ways well work works year years
    """.split()
)
_BREAK = re.compile(r"[.,;:!?()\[\]{}\n]+(?:\s|$)|[()\[\]{}\n;:]")


def cluster_names(texts: Sequence[str], labels: Sequence[int]) -> list[str]:
    """Return a name for each cluster 0…max(labels), such as "pruning · lottery ticket"."""
    counts = [Counter[str]() for _ in range(max(labels, default=-1) + 1)]
    sizes = Counter(labels)
    spellings: dict[str, Counter[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        found = _terms(text)
        counts[label].update(found.keys())
        for key, spelling in found.items():
            spellings.setdefault(key, Counter())[spelling] += 1
    everywhere = sum(counts, Counter[str]())
    names = []
    for label, own in enumerate(counts):
        size, others = sizes[label], len(labels) - sizes[label]
        least = min(size, max(_FEWEST, math.ceil(_RAREST * size)))
        weights = {
            key: _weight(key, many / size, (everywhere[key] - many) / max(others, 1))
            for key, many in own.items()
            if many >= least
        }
        chosen = _distinct(sorted(weights, key=lambda key: (-weights[key], key)))
        names.append(" · ".join(_spelled(spellings[key]) for key in chosen) or UNNAMED)
    return names


def _weight(key: str, share: float, elsewhere: float) -> float:
    """Return how well the term names a cluster, from the shares of papers that have it."""
    contrast = math.log((share + _SMOOTHING) / (elsewhere + _SMOOTHING))
    return share * contrast * _BONUS[key.count(" ")]


def _spelled(spellings: Counter[str]) -> str:
    return min(spellings, key=lambda spelling: (-spellings[spelling], spelling))


def _distinct(ranked: Iterable[str]) -> list[str]:
    """Return the first terms that share no word."""
    chosen: list[str] = []
    taken: set[str] = set()
    for key in ranked:
        parts = set(re.split(r"[ -]", key))
        if not parts & taken:
            chosen.append(key)
            taken |= parts
        if len(chosen) == TERMS:
            break
    return chosen


def _terms(text: str) -> dict[str, str]:
    """Return the text's words, pairs and triples, in the singular, each as the text spells it."""
    found: dict[str, str] = {}
    for part in _BREAK.split(text):
        run: list[str] = []
        for word in words(part):
            run = [*run, word][-len(_BONUS) :] if _says_something(word) else []
            for start in range(len(run)):
                key = " ".join(map(_singular, run[start:]))
                found.setdefault(key, " ".join(run[start:]))
    return found


def _says_something(word: str) -> bool:
    return (
        len(word) >= _SHORTEST
        and any(letter.isalpha() for letter in word)
        and word not in STOP_WORDS
        and word not in _GENERAL
    )


def _singular(word: str) -> str:
    """Return the word without a final s: enough for a key, which nobody reads."""
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
