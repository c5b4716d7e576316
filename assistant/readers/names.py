"""Names of people as exports write them, turned into "Given Family"."""

import ast
import json
import re
from collections.abc import Iterable
from typing import Any

_SUFFIXES = frozenset("jr sr ii iii iv 2nd 3rd".split())
_DEGREES = frozenset("md phd msc ma ba dr prof mph frcp dds do rn".split())
_INITIALS = re.compile(r"(?:[^\W\d_a-z]\.?[\s-]?){1,4}")
_FAMILY_INITIALS = re.compile(r"(.*[^\W\d_]{2}\S*) ((?:[^\W\d_]{1,2}\.-?)+)")
_FAMILY_BARE_INITIALS = re.compile(r"(.*[^\W\d_]{2}\S*) ([A-Z]{1,3}(?:-[A-Z])?)((?: \S+)?)")
_AND = re.compile(r"\band\b|&", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_LONGEST_GIVEN = 6
_AROUND = " ;,*"
# No name is longer, and the patterns would take long over what isn't one.
_LONGEST_NAME = 200


def given_first(name: str) -> str:
    """Turn "Family, Given" round; leave every other form as it is."""
    if "," not in name or len(name) > _LONGEST_NAME:
        return name
    family, *rest = (part.strip() for part in name.split(","))
    words = [part for part in rest if part]
    suffixes = [part for part in words if _bare(part) in _SUFFIXES]
    given = [part for part in words if _bare(part) not in _SUFFIXES | _DEGREES]
    if len(given) > 1 or len(" ".join(given).split()) > _LONGEST_GIVEN:
        return name
    if given and not suffixes:
        before, _, last = given[0].rpartition(" ")
        if before and _bare(last) in _SUFFIXES:
            given, suffixes = [before], [last]
    return " ".join([*given, family, *suffixes]).strip()


def initials_first(name: str) -> str:
    """Turn "Family A.B." round, as Scopus and Embase write names."""
    match = _FAMILY_INITIALS.fullmatch(name) if len(name) < _LONGEST_NAME else None
    return f"{match.group(2)} {match.group(1)}" if match else name


def bare_initials_first(name: str) -> str:
    """Turn "Family AB" round, as PubMed writes names; a suffix (Jr, 2nd) stays last."""
    match = _FAMILY_BARE_INITIALS.fullmatch(name) if len(name) < _LONGEST_NAME else None
    if not match or (match.group(3) and _bare(match.group(3)) not in _SUFFIXES):
        return name
    return f"{match.group(2)} {match.group(1)}{match.group(3)}"


def families_last(names: Iterable[str]) -> list[str]:
    """Turn "Family A.B." round, and "Family AB" where every name is of that form.

    "Birch AJ" is told from "Malcolm X" by the company it keeps.
    """
    given = [name.strip() for name in names]
    turned = [bare_initials_first(name) for name in given]
    bare = all(name != other for name, other in zip(given, turned, strict=True))
    return turned if bare else [initials_first(name) for name in given]


def clean_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names given first, without what is no name ("et al.", a lone colon)."""
    turned = (given_first(name.strip(_AROUND)).strip(_AROUND) for name in names)
    return tuple(
        name
        for name in turned
        if _LETTER.search(name) and _bare(name) not in ("et al", "others", "and others")
    )


def _bare(word: str) -> str:
    return word.strip().replace(".", "").casefold()


def split_list(text: str) -> list[str] | None:
    """Return the items of a list that a data frame wrote into one cell, or None."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    value: Any = None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return [str(item) for item in value] if isinstance(value, list) else None


def split_people(text: str) -> list[str]:
    """Split several people's names in one string, whichever way it separates them."""
    items = split_list(text)
    if items is not None:
        return items
    for separator in (";", "|", "\n"):
        if separator in text:
            return text.split(separator)
    return _split_at_and(text) if _AND.search(text) else _split_at_commas(text)


def _split_at_and(text: str) -> list[str]:
    parts = [part for part in _AND.split(text) if part.strip()]
    # "Family, Given and Family, Given" has one comma in each part; "A, B and C" has not.
    if all(part.count(",") == 1 for part in parts):
        return parts
    return [name for part in parts for name in _split_at_commas(part)]


def _split_at_commas(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) == 2 and (_INITIALS.fullmatch(parts[1]) or not any(" " in p for p in parts)):
        return [text]
    # "Family, A., Family, B."
    if len(parts) % 2 == 0 and all(_INITIALS.fullmatch(part) for part in parts[1::2]):
        return [f"{family}, {given}" for family, given in zip(parts[::2], parts[1::2], strict=True)]
    return parts
