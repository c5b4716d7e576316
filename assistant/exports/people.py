"""Names in parts, as bibliographies sort them."""

import re
from dataclasses import dataclass

_SUFFIX = re.compile(r"(?:Jr|Sr)\.?|II|III|IV")
# Where these stand, the name is a group's, or would be cut in two by some program.
_GROUP = re.compile(
    r"[,;&|\d]|\b(?:and|for|of|the|association|center|centre|collaboration|committee|consortium"
    r"|council|group|institute|laboratory|network|organization|project|society|study|team|trust"
    r"|university)\b",
    re.IGNORECASE,
)
_MOST_WORDS = 6


@dataclass(frozen=True)
class Name:
    """A person's name in parts; all of it in `family` where it is a group's or one word."""

    family: str
    given: str = ""
    suffix: str = ""

    def __str__(self) -> str:
        """Return the parts in the order in which they are spoken."""
        return " ".join(filter(None, (self.given, self.family, self.suffix)))


def parts(name: str) -> Name:
    """Return the parts of "Given Family"; lower-case particles belong to the family.

    Whatever the parts, their text is `name` again.
    """
    words = name.split(" ")
    if _GROUP.search(name) or not all(words) or len(words) > _MOST_WORDS:
        return Name(name)
    suffix = words.pop() if len(words) > 2 and _SUFFIX.fullmatch(words[-1]) else ""
    first = len(words) - 1
    while first > 1 and words[first - 1].islower():
        first -= 1
    if first < 1 or words[0].islower():
        return Name(name)
    return Name(" ".join(words[first:]), " ".join(words[:first]), suffix)
