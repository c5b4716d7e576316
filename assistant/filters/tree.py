"""What a filter is made of."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Field = Literal["author", "venue", "topic", "source", "title"]
FIELDS: tuple[Field, ...] = ("author", "venue", "topic", "source", "title")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class YearIs:
    """The year lies between `low` and `high`, both included; None is open."""

    low: int | None
    high: int | None


@dataclass(frozen=True)
class FieldHas:
    """One value of the field has all words of the text."""

    field: Field
    text: str


@dataclass(frozen=True)
class IdIs:
    """Id, DOI, arXiv id or PMID is one of these."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class Not:
    """The part doesn't hold."""

    part: "Filter"


@dataclass(frozen=True)
class And:
    """Every part holds."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True)
class Or:
    """One part holds at least."""

    parts: "tuple[Filter, ...]"


Filter = YearIs | FieldHas | IdIs | Not | And | Or


def words(text: str) -> list[str]:
    """Return the words of a name, without case and accents: "Müller, J." is muller and j."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return _WORD.findall(bare.casefold())
