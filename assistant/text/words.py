"""Words as the lexical index and the verifier see them."""

import re
import threading
from functools import lru_cache
from typing import Any

_WORD = re.compile(r"[^\W_]+(?:[.\-'’/][^\W_]+)*")
_NAME = re.compile(r"\b(?=\w*[A-Z0-9])\w*(?:[A-Z]\w*[A-Z]|[a-z][A-Z]|[A-Za-z]\d|\d[A-Za-z])[\w-]*")
# "-based", "-generated", "-free": not "-slim" or "-large", which tell models apart.
_DESCRIPTION = re.compile(
    r"(?:-(?:[a-z]+(?:ed|ing|en)|free|like|style|level|aware|specific|agnostic|only|wide|type))+$"
)
_SMALL = re.compile(r"[a-z]")
_DIGIT = re.compile(r"\d")
_PIECE = re.compile(r"[^\W_]+")
_STEMMING = threading.Lock()

STOP_WORDS = frozenset(
    """a about above across after again against all along also although always am among an and
    any are as at be because been before being below between both but by can could did do does
    doing done down during each either for from further had has have having he her here hers him
    his how however i if in into is it its itself just many may me might more most much must my
    no nor not of off on once one only or other our ours out over own per same shall she should
    since so some such than that the their theirs them then there these they this those through
    thus to too under until up upon us use used uses using very via was we were what when where
    whether which while who whom whose why will with within without would you your yours""".split()
)


def words(text: str) -> list[str]:
    """Return the words of `text`, lower case; "state-of-the-art" and "3.5" are one each."""
    return [match.group().lower() for match in _WORD.finditer(text)]


def terms(text: str) -> list[str]:
    """Return the stemmed content words of `text`, compound words whole and in parts.

    Stemming is Snowball's English (Porter 2001), which leaves other scripts alone.
    """
    return [term for word in _WORD.findall(text) for term in _terms_of(word)]


def spelled(*texts: str) -> dict[str, str]:
    """Return the terms of the texts, each with the first word, or part of one, that gave it."""
    found: dict[str, str] = {}
    for text in texts:
        for word in _WORD.findall(text):
            for part in _parts(word):
                found.setdefault(_stem(part), part)
    return found


def vocabulary(*texts: str) -> set[str]:
    """Return the different terms of the texts, some times faster than `terms`."""
    every = {word for text in texts for word in _WORD.findall(text)}
    return {term for word in every for term in _terms_of(word)}


def places(wanted: frozenset[str], *texts: str) -> dict[str, list[int]]:
    """Return where each wanted term stands, as `terms` would count through the texts."""
    found: dict[str, list[int]] = {}
    place = 0
    for text in texts:
        for word in _WORD.findall(text):
            own = _terms_of(word)
            if not wanted.isdisjoint(own):
                for offset, term in enumerate(own):
                    if term in wanted:
                        found.setdefault(term, []).append(place + offset)
            place += len(own)
    return found


@lru_cache(maxsize=200_000)
def _terms_of(word: str) -> tuple[str, ...]:
    return tuple(_stem(part) for part in _parts(word))


def _parts(word: str) -> list[str]:
    """Return the content words of a compound one, itself first."""
    word = word.lower()
    pieces = _PIECE.findall(word)
    found = [word] if len(pieces) > 1 else []
    found += [piece for piece in pieces if piece not in STOP_WORDS]
    return [one for one in found if len(one) > 1 or one.isdigit()]


def names(text: str) -> set[str]:
    """Return what looks like a name of a method or dataset (capitals or digits inside).

    Of "NAS-based" the name is "nas". In a text without small letters capitals tell nothing, and
    only what has digits counts.
    """
    told_by_digits = not _SMALL.search(text)
    return {
        _DESCRIPTION.sub("", match.group()).lower().rstrip("-")
        for match in _NAME.finditer(text)
        if not told_by_digits or _DIGIT.search(match.group())
    }


@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    with _STEMMING:  # A stemmer is not to be shared by threads that stem at once.
        return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")
