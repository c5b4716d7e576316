"""Cut a model's reply into claims."""

import re
from dataclasses import dataclass

from assistant.text.sentences import split_sentences

# "[1]", "[1, 3-4]", "[[2]]", "【9†source】", "［3］" and the like.
_OPEN, _CLOSE = r"[\[【［]", r"[\]】］]"
_LIST = r"\d+(?:\s*(?:[,;&–-]|and)\s*\d+)*\s*,?"
_BRACKETED = re.compile(rf"\s*{_OPEN}{{1,2}}\s*\^?({_LIST})\s*(?:†[^\]】］]*)?{_CLOSE}{{1,2}}")
_LEADING = re.compile(rf"(?:{_BRACKETED.pattern})+")
_UNFINISHED = re.compile(rf"\s*{_OPEN}[^\]】］]*$")
DIGITS = 9
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
_LABEL = re.compile(r"^(?:answer|short answer|final answer)\s*:\s*", re.IGNORECASE)
_FURTHER = re.compile(
    r"\s*(?:;\s+|,\s+(?=(?:and|but|while|whereas|which|so|thus|making|allowing|enabling|leading|"
    r"resulting|indicating|suggesting|thereby)\b)|\s+(?=(?:because|whereas|although)\b))"
)
LEAST_WORDS = 4
_MARKUP = re.compile(r"\*\*|__|`|^#+\s*", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class DraftClaim:
    """A sentence of the reply without its citation marks, and the numbers it carried."""

    text: str
    numbers: tuple[int, ...]


def split_claims(reply: str) -> list[DraftClaim]:
    """Return the sentences of `reply` in order, with the evidence numbers each cites."""
    claims: list[DraftClaim] = []
    for line in reply.splitlines():
        plain = _LABEL.sub("", _MARKUP.sub("", _BULLET.sub("", line))).strip()
        for piece in _pieces(plain):
            numbers = cited_numbers(piece)
            text = re.sub(r"\s+([.,;!?])", r"\1", _BRACKETED.sub("", piece)).strip()
            if re.search(r"\w", text):
                claims.append(DraftClaim(text=text, numbers=tuple(numbers)))
            elif numbers and claims:
                # "…on ImageNet. [2]": the mark belongs to the sentence before it.
                last = claims.pop()
                claims.append(DraftClaim(text=last.text, numbers=(*last.numbers, *numbers)))
    return claims


def _pieces(line: str) -> list[str]:
    """Split at sentence ends, also where a citation mark follows the full stop."""
    pieces: list[str] = []
    for start, end in split_sentences(line, lower_case=False):
        piece = line[start:end]
        lead = _LEADING.match(piece)
        if lead and pieces:
            pieces.append(lead.group())
            piece = piece[lead.end() :].strip()
        if piece:
            pieces.append(piece)
    return pieces


def cited_numbers(text: str) -> list[int]:
    """Return the numbers in square brackets, ranges spelled out: "[1, 3-4]" is 1, 3, 4."""
    numbers: list[int] = []
    for match in _BRACKETED.finditer(text):
        for part in re.split(r"\s*(?:,|;|&|and)\s*", match.group(1)):
            ends = [int(end[:DIGITS]) for end in re.split(r"\s*[-–]\s*", part.strip()) if end]
            if not ends:
                continue
            last = min(ends[-1], ends[0] + 20)
            numbers.extend(range(ends[0], last + 1))
    return list(dict.fromkeys(numbers))


def shorter(claim: str) -> list[str]:
    """Return the beginnings of `claim` that can stand alone, the longest first.

    Cut where a further statement begins: after a semicolon, or at ", and", ", while",
    ", which" and the like.
    """
    parts = []
    for match in reversed(list(_FURTHER.finditer(claim))):
        head = claim[: match.start()].strip()
        if len(head.split()) >= LEAST_WORDS:
            parts.append(head.rstrip(".,;:") + ".")
    return parts


def finished_claims(draft: str) -> list[DraftClaim]:
    """Return the claims of a reply that still grows whose text and marks can't change any more.

    The last claim may grow or get a mark, and whether a full stop ends a sentence depends on
    the whole of the next word.
    """
    stable = _UNFINISHED.sub("", re.sub(r"\S+$", "", draft))
    return split_claims(stable)[:-1]
