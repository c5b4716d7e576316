"""Put numbered citations into a text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.grounding.claims import Item, Row, Shape
from assistant.text.tables import table_head, table_line
from assistant.types import Citation, Claim, Evidence, Support

_LOOKS_CITED = re.compile(r"[\[【［]{1,2}\s*(\^?\d[^\[\]【】［］]{0,30})[\]】］]{1,2}")
_INTERVAL = re.compile(r"\[(?=[^\]]*\b0\b|[^\]]*\.\d)[\d.]+\s*[,;]\s*[\d.]+\]")
UNSUPPORTED = "?"
_LAST_MARK = re.compile(r"([.!?…]+[\"'”’)]*)$")


@dataclass(frozen=True, kw_only=True)
class CitedClaim:
    """A claim to show, with the evidence that supports it, best first.

    None where it is shown though nothing supports it. `shape` says how it is set; a row's
    text is what its cells say.
    """

    text: str
    supports: tuple[tuple[Evidence, Support], ...]
    shape: Shape = None


class Composer:
    """Builds an answer claim by claim; numbers count by first appearance.

    Lists and tables are Markdown. A table's header comes with its first row, so that there is
    none without rows.
    """

    def __init__(self) -> None:
        """Start with an empty text."""
        self.text = ""
        self.citations: list[Citation] = []
        self.claims: list[Claim] = []
        self._numbers: dict[tuple[str, int, int], int] = {}
        self._last: Shape = None

    def add(self, claim: CitedClaim) -> str:
        """Append the claim with its marks; return what was appended."""
        before = len(self.text)
        numbers = list(dict.fromkeys(self._number(evidence) for evidence, _ in claim.supports))
        lead = self._lead(claim.shape)
        start = before + len(lead)
        shown = _shown(claim, numbers or [UNSUPPORTED])
        span = Claim(text=claim.text, start=start, end=start + len(shown), supported=bool(numbers))
        self.claims.append(span)
        for evidence, support in claim.supports:
            self.citations.append(
                Citation(
                    number=self._number(evidence), claim=span, evidence=evidence, support=support
                )
            )
        self.text += lead + shown
        self._last = claim.shape
        return self.text[before:]

    def _lead(self, shape: Shape) -> str:
        """Return what stands between the text so far and a claim of this shape."""
        last = self._last if self.text else None
        if isinstance(shape, Row):
            if isinstance(last, Row) and last.header == shape.header:
                return "\n"
            return ("\n\n" if self.text else "") + table_head(shape.header) + "\n"
        if isinstance(shape, Item):
            if last == shape:
                return " "
            return ("\n- " if isinstance(last, Item) else "\n\n- ") if self.text else "- "
        if not self.text:
            return ""
        return " " if last is None else "\n\n"

    def _number(self, evidence: Evidence) -> int:
        place = (evidence.paper.id, evidence.passage.start, evidence.passage.end)
        return self._numbers.setdefault(place, len(self._numbers) + 1)


def _shown(claim: CitedClaim, numbers: Sequence[int | str]) -> str:
    """Return the claim as it stands in the answer, with its marks."""
    if not isinstance(claim.shape, Row):
        return marked(claim.text, numbers)
    *cells, last = claim.shape.cells
    return table_line([*cells, f"{last} {_marks(numbers)}"])


def marked(sentence: str, numbers: Sequence[int | str]) -> str:
    """Return the sentence with its marks before the full stop: "It works [1][2]."."""
    marks = _marks(numbers)
    if not marks:
        return sentence
    match = _LAST_MARK.search(sentence)
    if match is None:
        return f"{sentence} {marks}."
    return f"{sentence[: match.start()]} {marks}{match.group(1)}"


def _marks(numbers: Sequence[int | str]) -> str:
    return "".join(f"[{number}]" for number in numbers)


def neutral_brackets(text: str) -> str:
    """Return `text` with its own "[3]" made "(3)", so that it can't pose as a citation.

    An interval as "[0, 1]" stays: no citation looks like that.
    """
    return _LOOKS_CITED.sub(
        lambda match: (
            match.group() if _INTERVAL.fullmatch(match.group()) else f"({match.group(1)})"
        ),
        text,
    )
