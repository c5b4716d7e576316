"""Keys by which a bibliography cites its entries."""

import re
import unicodedata

from assistant.exports.people import parts
from assistant.types import Paper

_USABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:./+-]{0,99}")
_WORD = re.compile(r"[a-z0-9]{2,30}")
_FILLERS = frozenset("a an and are as at by can do does for from how in is of on or the to".split())


class Keys:
    """Gives each paper a key of its own, in ASCII."""

    def __init__(self) -> None:
        """Begin with no key taken."""
        self._taken: dict[str, int] = {}

    def key(self, paper: Paper) -> str:
        """Return the record's own key where it is usable and free, else birch2021twignet."""
        own = paper.record_id if _USABLE.fullmatch(paper.record_id) else ""
        if not own or own.lower() in self._taken:
            own = self._free(_describing(paper))
        self._taken[own.lower()] = 1
        return own

    def _free(self, wanted: str) -> str:
        key, number = wanted, self._taken.get(wanted, 0)
        while key in self._taken:
            number += 1
            key = f"{wanted}-{number}"
        if number:
            # Where many papers want one key, none has to try all the numbers again.
            self._taken[wanted] = number
        return key


def _describing(paper: Paper) -> str:
    author = "".join(_words(parts(paper.authors[0]).family)) if paper.authors else ""
    title = next((word for word in _words(paper.title) if word not in _FILLERS), "")
    return f"{author[:40] or 'anonymous'}{paper.year or ''}{title}"


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", text).casefold()
    return _WORD.findall("".join(filter(str.isascii, folded)))
