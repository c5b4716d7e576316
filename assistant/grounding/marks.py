"""Citation marks as models write them, told from what only looks like one.

Marks are "[1]", "[1, 3-4]", "[[2]]", "[Source 2]", "【9†source】", "(1)" at the end of a sentence,
and "[Smith et al., 2020]", which names no evidence; but not "[CLS]", "[0, 1]", "the interval
[1, 2]" or "Eq. (1)".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_DIGITS = 9
LONGEST_RANGE = 20

_OPEN, _CLOSE = r"[\[【［]", r"[\]】］]"
_LIST = r"\d+(?:\s*(?:[,;&–-]|and)\s*\d+)*\s*,?"
_KIND = r"(?:evidence|source|sentence|reference|ref|citation|paper|document|doc)s?[\s:.#]*"
_SQUARE = rf"{_OPEN}{{1,2}}\s*\^?(?:{_KIND})?(?P<square>{_LIST})\s*(?:†[^\]】］]*)?{_CLOSE}{{1,2}}"
_ROUND = rf"\((?:(?P<round>{_LIST})|{_KIND}(?P<kind>{_LIST}))\)"
_NAME = r"[A-Z][\w'’-]+"
_OTHERS = rf"\s+(?:et\s+al\.?|(?:and|&)\s+{_NAME})"
_YEAR = r",?\s*(?:19|20)\d\d[a-z]?"
_MORE = rf"(?:\s*;\s*{_NAME}(?:{_OTHERS})?{_YEAR})*\s*"
_FOREIGN = (
    rf"{_OPEN}\s*{_NAME}(?:{_OTHERS})?{_YEAR}{_MORE}{_CLOSE}|\(\s*{_NAME}{_OTHERS}{_YEAR}{_MORE}\)"
)
_CANDIDATE = re.compile(rf"\s*(?:{_SQUARE}|{_ROUND}|(?P<foreign>{_FOREIGN}))", re.IGNORECASE)
_FOREIGN_ONLY = re.compile(_FOREIGN)
_RANGE_BEFORE = re.compile(r"(?:\b(?:intervals?|ranges?|within|between)|∈)\s*$", re.IGNORECASE)
_NUMBERED_BEFORE = re.compile(
    r"\b(?:eqs?|equations?|figs?|figures?|tables?|sections?|sec|steps?|cases?|theorem|lemma|"
    r"algorithm|phase|stage|group|class|type|of)\.?\s*$",
    re.IGNORECASE,
)
_ENDS = re.compile(r"\s*(?:[.!?…][\"'”’)\]]*)?\s*")
_MOST_ROUND = 20


@dataclass(frozen=True)
class Mark:
    """Where a mark stands, with the space before it, and the numbers it names, if any."""

    start: int
    end: int
    numbers: tuple[int, ...]
    text: str


def marks(text: str) -> Iterator[Mark]:
    """Yield the citation marks of a sentence, in order."""
    for match in _CANDIDATE.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        listed = match["square"] or match["round"] or match["kind"] or ""
        numbers = _numbers(listed)
        if match["square"]:
            fits = not _is_interval(numbers, before)
        elif match["round"]:
            fits = _closes(numbers, before, after)
        else:
            fits = bool(listed) or _FOREIGN_ONLY.fullmatch(match["foreign"]) is not None
        if fits:
            yield Mark(match.start(), match.end(), numbers, match.group().strip())


def without_marks(text: str) -> str:
    """Return the sentence without its citation marks: "It works [1]." is "It works."."""
    kept, at = [], 0
    for mark in marks(text):
        kept.append(text[at : mark.start])
        at = mark.end
    return re.sub(r"\s+([.,;!?])", r"\1", "".join([*kept, text[at:]])).strip()


def cited_numbers(text: str) -> list[int]:
    """Return the numbers that the marks name, ranges spelled out: "[1, 3-4]" is 1, 3, 4."""
    return list(dict.fromkeys(number for mark in marks(text) for number in mark.numbers))


def leading_marks(text: str) -> int:
    """Return where the square marks at the beginning of the text end; 0 where there are none."""
    at = 0
    for mark in marks(text):
        if mark.start != at or text[mark.start : mark.end].lstrip().startswith("("):
            break
        at = mark.end
    return at


def _numbers(listed: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in re.split(r"\s*(?:,|;|&|and)\s*", listed):
        ends = [int(end[:MOST_DIGITS]) for end in re.split(r"\s*[-–]\s*", part.strip()) if end]
        if ends:
            found.extend(range(ends[0], min(ends[-1], ends[0] + LONGEST_RANGE) + 1))
    return tuple(found)


def _is_interval(numbers: tuple[int, ...], before: str) -> bool:
    """Whether it is an interval as "[0, 1]": no evidence has the number 0."""
    return len(numbers) > 1 and (0 in numbers or bool(_RANGE_BEFORE.search(before)))


def _closes(numbers: tuple[int, ...], before: str, after: str) -> bool:
    """Whether numbers in round brackets are meant as a mark: small, at the end, of nothing."""
    return (
        _ENDS.fullmatch(after) is not None
        and all(0 < number <= _MOST_ROUND for number in numbers)
        and not _NUMBERED_BEFORE.search(before)
    )
