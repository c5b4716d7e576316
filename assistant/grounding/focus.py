"""The sentences of a long evidence that bear on a claim."""

import math
from collections import Counter
from collections.abc import Sequence

from assistant.text.sentences import split_sentences
from assistant.text.words import terms

FOCUS_WORDS = 110


def focus(claim: str, evidence: Sequence[str], words: int = FOCUS_WORDS) -> str:
    """Return the evidence's sentences that share most with the claim, in order, as one text.

    Evidence of at most `words` words stays whole. Otherwise the sentences are taken by the
    claim's terms that they add, rarer ones (in this evidence) counting more, each with the
    sentence before it where there is room: it says what "it" and "this" are.
    """
    sentences = [part[start:end] for part in evidence for start, end in split_sentences(part)]
    lengths = [len(sentence.split()) for sentence in sentences]
    if sum(lengths) <= words:
        return " ".join(sentences)
    wanted = set(terms(claim))
    found = [wanted.intersection(terms(sentence)) for sentence in sentences]
    spread = Counter(term for terms_found in found for term in terms_found)
    weight = {term: math.log(1 + len(sentences) / count) for term, count in spread.items()}
    order = _by_gain(found, weight)
    chosen: set[int] = set()
    room = words
    for place in [*order, *(place - 1 for place in order if place)]:
        if place not in chosen and (lengths[place] <= room or not chosen):
            chosen.add(place)
            room -= lengths[place]
    return " ".join(_cut(sentences[place], words) for place in sorted(chosen))


def _by_gain(found: Sequence[set[str]], weight: dict[str, float]) -> list[int]:
    """Return the sentences' places: first by what is new in each, then by all it shares."""
    missing = set(weight)
    left = set(range(len(found)))
    order: list[int] = []
    while left:
        best = max(
            sorted(left),
            # Exact, so that the order in which a set is walked can't decide.
            key=lambda place: math.fsum(
                weight[term] * (1.0 if term in missing else 0.3) for term in found[place]
            ),
        )
        order.append(best)
        left.remove(best)
        missing -= found[best]
    return order


def _cut(sentence: str, words: int) -> str:
    pieces = sentence.split()
    return sentence if len(pieces) <= words else " ".join(pieces[:words])
