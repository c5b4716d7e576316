"""Whether a phrase stands in a text: the one rule by which facts are counted."""

import re
import unicodedata

_DASHES = re.compile("[\u2010-\u2015\u2212]")
_MARKS = re.compile(r"\s*\[\d+\]")


def without_marks(text: str) -> str:
    """Return an answer's text without its citation marks: "It is 5 [1][2]." → "It is 5."."""
    return _MARKS.sub("", text)


def folded(text: str) -> str:
    """Return the text as compared: no case, compatibility forms, one kind of dash and space."""
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", text))
    return " ".join(plain.casefold().split())


def contains(text: str, phrase: str) -> bool:
    """Whether `phrase` stands in `text`, a number at either end of it as a whole number.

    "5" stands in "5 layers" and "5%", but not in "15", "0.5" or "5.1".
    """
    wanted = folded(phrase)
    before = r"(?<!\d)(?<!\d[.,])" if wanted[:1].isdigit() else ""
    after = r"(?!\d)(?![.,]\d)" if wanted[-1:].isdigit() else ""
    return bool(wanted) and bool(re.search(before + re.escape(wanted) + after, folded(text)))
