"""Put numbered citations into a text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.types import Citation, Claim, Evidence, Support

_LOOKS_CITED = re.compile(r"[\[【［]{1,2}\s*(\^?\d[^\[\]【】［］]{0,30})[\]】］]{1,2}")
UNSUPPORTED = "?"
_LAST_MARK = re.compile(r"([.!?…]+[\"'”’)]*)$")


@dataclass(frozen=True, kw_only=True)
class CitedClaim:
    """A sentence to show, with the evidence that supports it, best first.

    None where it is shown though nothing supports it.
    """

    text: str
    supports: tuple[tuple[Evidence, Support], ...]


class Composer:
    """Builds an answer sentence by sentence; numbers count by first appearance."""

    def __init__(self) -> None:
        """Start with an empty text."""
        self.text = ""
        self.citations: list[Citation] = []
        self.claims: list[Claim] = []
        self._numbers: dict[tuple[str, int, int], int] = {}

    def add(self, claim: CitedClaim) -> str:
        """Append the claim with its marks; return what was appended."""
        before = len(self.text)
        gap = " " if self.text else ""
        start = before + len(gap)
        numbers = list(dict.fromkeys(self._number(evidence) for evidence, _ in claim.supports))
        shown = marked(claim.text, numbers or [UNSUPPORTED])
        span = Claim(text=claim.text, start=start, end=start + len(shown), supported=bool(numbers))
        self.claims.append(span)
        for evidence, support in claim.supports:
            self.citations.append(
                Citation(
                    number=self._number(evidence), claim=span, evidence=evidence, support=support
                )
            )
        self.text += gap + shown
        return self.text[before:]

    def _number(self, evidence: Evidence) -> int:
        place = (evidence.paper.id, evidence.passage.start, evidence.passage.end)
        return self._numbers.setdefault(place, len(self._numbers) + 1)


def marked(sentence: str, numbers: Sequence[int | str]) -> str:
    """Return the sentence with its marks before the full stop: "It works [1][2]."."""
    marks = "".join(f"[{number}]" for number in numbers)
    if not marks:
        return sentence
    match = _LAST_MARK.search(sentence)
    if match is None:
        return f"{sentence} {marks}."
    return f"{sentence[: match.start()]} {marks}{match.group(1)}"


def neutral_brackets(text: str) -> str:
    """Return `text` with its own "[3]" made "(3)", so that it can't pose as a citation."""
    return _LOOKS_CITED.sub(r"(\1)", text)
