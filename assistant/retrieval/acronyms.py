"""Long forms of a query's acronyms, read off the library's own abstracts.

Schwartz & Hearst, PSB 2003: the long form stands before its short form in brackets.
"""

import re
from collections import Counter
from collections.abc import Iterable

from assistant.types import Paper

_ACRONYM = re.compile(r"(?<![\w-])(?=\w*[A-Z]\w*[A-Z])[A-Za-z][A-Za-z0-9]{1,7}s?(?![\w-])")
_MOST_EXTRA_WORDS = 5
_WORD = re.compile(r"\w[\w'’-]*")


def acronyms(query: str) -> list[str]:
    """Return the words of the query that may be acronyms: two capitals at least, nine letters."""
    return list(dict.fromkeys(match.group() for match in _ACRONYM.finditer(query)))


def long_form(acronym: str, papers: Iterable[Paper]) -> str:
    """Return what the papers most often write the acronym out as, or an empty string."""
    short = acronym.removesuffix("s") if not acronym.isupper() else acronym
    marker = re.compile(rf"\(\s*{re.escape(short)}s?\s*\)")
    found: Counter[str] = Counter()
    for paper in papers:
        for text in (paper.title, paper.abstract):
            for match in marker.finditer(text):
                form = _written_out(short, text[: match.start()])
                if form:
                    found[form.lower()] += 1
    return found.most_common(1)[0][0] if found else ""


def _written_out(short: str, before: str) -> str:
    """Return the shortest end of `before` whose letters give the short form, from the right.

    It begins with the short form's first letter, at the beginning of a word, and has no more
    words than twice the letters or five more than there are letters.
    """
    letters = [letter.lower() for letter in short if letter.isalnum()]
    if len(letters) < 2:
        return ""
    most = min(len(letters) + _MOST_EXTRA_WORDS, 2 * len(letters))
    starts = [match.start() for match in _WORD.finditer(before)][-most:]
    if not starts:
        return ""
    text = before[starts[0] :].rstrip()
    place = len(text)
    for count, letter in enumerate(reversed(letters), start=1):
        first = count == len(letters)
        while True:
            place = text.lower().rfind(letter, 0, place)
            if place < 0:
                return ""
            if not first or place == 0 or not text[place - 1].isalnum():
                break
    form = text[place:].strip()
    return "" if "." in form or ";" in form or len(form.split()) < 2 else form
