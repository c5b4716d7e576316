"""Claims made from abstracts by rule: a sentence kept, shortened, or changed in one place.

What a language model gets wrong about a sentence that it was given (a figure, a direction, a
negation, the name of another method, two facts joined) is rare in the collections that people
judged. So it is made here, from abstracts whose licence is free (arXiv metadata, CC0).
"""

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from assistant.text.sentences import split_sentences
from evals.verifier.pairs import Label, Pair, plain

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?=\s?%|x\b|\b)")
_NAME = re.compile(r"\b(?=[\w-]*[A-Z0-9])[A-Z][\w-]*(?:[A-Z]|\d)[\w-]*\b")
_LEAD = re.compile(
    r"^(?:In this (?:paper|work)|However|Moreover|Furthermore|Additionally|Specifically|Finally|"
    r"In addition|To this end|Notably|Therefore|Thus|Here),?\s+"
)
_OPPOSITE = {
    "increases": "decreases", "increase": "decrease", "improves": "worsens",
    "improve": "worsen", "improving": "worsening", "improvement": "decline", "higher": "lower",
    "better": "worse", "faster": "slower", "fewer": "more", "reduces": "increases",
    "reduce": "increase", "reducing": "increasing", "reduction": "increase", "outperforms":
    "underperforms", "outperform": "underperform", "outperforming": "underperforming",
    "lower": "higher", "more": "less", "less": "more", "large": "small", "small": "large",
    "high": "low", "low": "high", "with": "without", "without": "with", "first": "last",
    "significantly": "hardly", "supervised": "unsupervised", "best": "worst", "most": "least",
}  # fmt: skip
_DIRECTION = re.compile(rf"\b(?:{'|'.join(_OPPOSITE)})\b")
_VERB = re.compile(r"\b(is|are|can|does|has been|have been|was|were)\b(?! not)")


def read_abstracts(path: Path, part: int, parts: int = 3) -> list[str]:
    """Return every `parts`-th abstract of a `corpus.jsonl.gz`, beginning with the `part`-th."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [
            plain(json.loads(line)["abstract"])
            for number, line in enumerate(lines)
            if number % parts == part
        ]


def made_pairs(abstracts: Sequence[str], limit: int, seed: int) -> Iterator[Pair]:
    """Yield up to `limit` pairs from `abstracts`; the same ones for the same `seed`."""
    chance = random.Random(seed)  # noqa: S311 - data, no secret
    count = 0
    for number, abstract in enumerate(abstracts):
        sentences = [abstract[start:end] for start, end in split_sentences(abstract)]
        sentences = [one for one in sentences if 8 <= len(one.split()) <= 45]
        if len(sentences) < 4:
            continue
        other = abstracts[(number + 1) % len(abstracts)]
        made = _one(sentences, other, chance)
        if made is None:
            continue
        claim, evidence, label = made
        yield Pair(
            id=f"made-{number}",
            claim=claim,
            evidence=tuple(evidence),
            label=label,
            source="made",
            collection="made by rule",
            two_way=label == "not_found",
        )
        count += 1
        if count == limit:
            return


def _one(sentences: list[str], other: str, chance: Any) -> tuple[str, list[str], Label] | None:
    """Return a claim, its evidence and the label, by a way of making drawn by lot."""
    place = chance.randrange(len(sentences))
    sentence = _LEAD.sub("", sentences[place])
    sentence = sentence[:1].upper() + sentence[1:]
    around = _around(sentences, place, chance)
    without = [one for one in around if one != sentences[place]]
    kind = chance.choice(_KINDS)
    if kind == "kept":
        return _shortened(sentence, chance), around, "supported"
    if kind == "absent" and without:
        return sentence, without, "not_found"
    if kind == "joined":
        far = chance.choice([one for one in sentences if one not in around] or [other[:200]])
        near = sentence.rstrip(".")
        return f"{near}, and {far[:1].lower()}{far[1:]}", around, "not_found"
    changed = {"number": _number, "name": _name, "direction": _direction, "negated": _negated}
    if kind in changed:
        claim = changed[kind](sentence, " ".join([*sentences, other]), chance)
        if claim is None or claim == sentence:
            return None
        label: Label = "refuted" if kind in ("direction", "negated") else "not_found"
        return _shortened(claim, chance) if kind == "negated" else claim, around, label
    return None


_KINDS = ("kept",) * 5 + ("number", "number", "direction", "name", "absent", "joined", "negated")


def _around(sentences: list[str], place: int, chance: Any) -> list[str]:
    start = max(0, place - chance.randrange(3))
    return sentences[start : place + 1 + chance.randrange(2)]


def _shortened(sentence: str, chance: Any) -> str:
    """Return the sentence, or the part of it before or after a comma that can stand alone."""
    if chance.random() < 0.4:
        return sentence
    head, comma, tail = sentence.partition(", ")
    if comma and len(head.split()) >= 7:
        return head.rstrip(".,;") + "."
    if comma and len(tail.split()) >= 7 and re.match(r"(?:we|our|the|it|this)\b", tail):
        return tail[:1].upper() + tail[1:]
    return sentence


def _number(sentence: str, _: str, chance: Any) -> str | None:
    found = list(_NUMBER.finditer(sentence))
    if not found:
        return None
    match = chance.choice(found)
    value = float(match.group())
    changed = value * chance.choice((0.5, 0.8, 1.1, 1.3, 2.0, 10.0)) + chance.choice((0, 1, 3))
    places = len(match.group().partition(".")[2])
    text = f"{changed:.{places}f}"
    if text == match.group():
        return None
    return sentence[: match.start()] + text + sentence[match.end() :]


def _name(sentence: str, pool: str, chance: Any) -> str | None:
    found = list(_NAME.finditer(sentence))
    names = sorted({m.group() for m in _NAME.finditer(pool)} - {m.group() for m in found})
    if not found or not names:
        return None
    match = chance.choice(found)
    other = str(chance.choice(names))
    return f"{sentence[: match.start()]}{other}{sentence[match.end() :]}"


def _direction(sentence: str, _: str, chance: Any) -> str | None:
    found = list(_DIRECTION.finditer(sentence))
    if not found:
        return None
    match = chance.choice(found)
    return sentence[: match.start()] + _OPPOSITE[str(match.group())] + sentence[match.end() :]


def _negated(sentence: str, _: str, __: Any) -> str | None:
    match = _VERB.search(sentence)
    if match is None:
        return None
    return sentence[: match.end(1)] + " not" + sentence[match.end(1) :]
