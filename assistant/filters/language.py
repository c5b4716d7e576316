"""Filters as text: `year>=2020 and (author:smith or topic:cs.LG) and not venue:"Nature"`."""

import re
from collections.abc import Sequence
from typing import cast

from assistant.errors import FilterError
from assistant.filters.tree import (
    FIELDS,
    And,
    Field,
    FieldHas,
    Filter,
    IdIs,
    Not,
    Or,
    YearIs,
    words,
)

LONGEST = 4000
DEEPEST = 50
LAST_YEAR = 9999
EXAMPLE = 'year>=2020 and author:smith and not venue:"Nature Medicine"'
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\()|(?P<close>\))
        |(?P<minus>-)(?=[A-Za-z(])
        |(?P<field>[A-Za-z]+)\s*(?P<sign>>=|<=|=|:|>|<)\s*
            (?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s()"]+))
        |(?P<word>and|or|not)\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_YEARS = re.compile(r"(?P<sign>>=|<=|>|<|=)?\s*(?P<low>\d{1,4})?(?P<dots>\.\.)?(?P<high>\d{1,4})?")


def parse_filter(text: str) -> Filter:
    """Read an expression.

    Raises:
        FilterError: it can't be read; the message says where, and shows one that can.
    """
    if len(text) > LONGEST:
        raise FilterError(f"The filter has {len(text):,} characters; {LONGEST:,} is the most.")
    parser = _Parser(text)
    found = parser.either(0)
    if parser.kind:
        raise parser.error("expected “and”, “or” or the end")
    return found


class _Parser:
    """Recursive descent, one method for each level of binding."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0
        self._advance()

    def _advance(self) -> None:
        self._start = self._end
        self._match = _TOKEN.match(self._text, self._end)
        self.kind = ""
        if self._match:
            self._end = self._match.end()
            found = {name: value for name, value in self._match.groupdict().items() if value}
            first = next(iter(found), "")
            self.kind = found["word"].lower() if first == "word" else first
        elif self._text[self._end :].strip():
            raise self.error("this can't be read")

    def error(self, what: str) -> FilterError:
        rest = self._text[self._start :].strip()[:40]
        where = f"at “{rest}”" if rest else "at the end"
        fields = ", ".join(("year", "id", *FIELDS))
        return FilterError(
            f"The filter “{self._text[:80]}” is wrong {where}: {what}. Fields are {fields}; "
            f"write for example: {EXAMPLE}"
        )

    def either(self, depth: int) -> Filter:
        parts = [self._both(depth)]
        while self.kind == "or":
            self._advance()
            parts.append(self._both(depth))
        if len(parts) == 1:
            return parts[0]
        named = [part for part in parts if isinstance(part, IdIs)]
        if len(named) == len(parts):  # As `combined` has several ids, so that one text is one tree.
            return IdIs(tuple(one for part in named for one in part.ids))
        return Or(tuple(parts))

    def _both(self, depth: int) -> Filter:
        parts = [self._single(depth)]
        while self.kind in ("and", "not", "minus", "open", "field"):
            if self.kind == "and":
                self._advance()
            parts.append(self._single(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _single(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise self.error(f"more than {DEEPEST} levels of “not” and brackets")
        if self.kind in ("not", "minus"):
            self._advance()
            return Not(self._single(depth + 1))
        if self.kind == "open":
            self._advance()
            inner = self.either(depth + 1)
            if self.kind != "close":
                raise self.error("expected “)”")
            self._advance()
            return inner
        if self.kind != "field" or self._match is None:
            raise self.error("expected a field and a value")
        found = self._condition(self._match)
        self._advance()
        return found

    def _condition(self, match: re.Match[str]) -> Filter:
        name = match["field"].lower()
        sign = match["sign"]
        quoted = match["quoted"]
        value = match["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        if name == "year":
            years = _years(value if sign == ":" else sign + value)
            if years is None:
                raise self.error("a year is like 2020, 2018..2021 or >=2020")
            return years
        if sign not in (":", "="):
            raise self.error(f"“{sign}” compares years only")
        if name == "id" and value.strip():
            return IdIs((value.strip(),))
        if name not in FIELDS:
            raise self.error(f"there is no field “{name}”")
        if not words(value):
            raise self.error("the value has no word")
        return FieldHas(cast(Field, name), value)


def _years(text: str) -> YearIs | None:
    match = _YEARS.fullmatch(text.strip())
    if match is None:
        return None
    sign, dots = match["sign"] or "=", match["dots"]
    low, high = (int(match[name]) if match[name] else None for name in ("low", "high"))
    if dots:
        return YearIs(low, high) if sign == "=" and (low, high) != (None, None) else None
    if low is None or high is not None:
        return None
    ends = {">=": (low, None), ">": (low + 1, None), "<=": (None, low), "<": (None, low - 1)}
    first, last = ends.get(sign, (low, low))
    if last == -1 or first == LAST_YEAR + 1:  # Before all years or after them.
        return None
    return YearIs(first, last)


def to_text(one: Filter) -> str:
    """Return the expression; read again it is the same filter."""
    match one:
        case YearIs(low, high):
            if low == high:
                return f"year:{low}"
            if low is None or high is None:
                return f"year<={high}" if low is None else f"year>={low}"
            return f"year:{low}..{high}"
        case FieldHas(field, text):
            return f"{field}:{_quoted(text)}"
        case IdIs(ids):
            each = [f"id:{_quoted(one)}" for one in ids]
            return each[0] if len(each) == 1 else f"({' or '.join(each)})"
        case Not(part):
            return (
                f"not {to_text(part)}"
                if not isinstance(part, And | Or)
                else f"not ({to_text(part)})"
            )
        case And(parts):
            return " and ".join(
                f"({to_text(part)})" if isinstance(part, And | Or) else to_text(part)
                for part in parts
            )
        case Or(parts):
            return " or ".join(
                f"({to_text(part)})" if isinstance(part, Or) else to_text(part) for part in parts
            )


def _quoted(text: str) -> str:
    if re.fullmatch(r"[\w.:/-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def combined(
    *,
    where: str = "",
    year: str = "",
    author: Sequence[str] = (),
    venue: Sequence[str] = (),
    topic: Sequence[str] = (),
    source: Sequence[str] = (),
    ids: Sequence[str] = (),
) -> Filter | None:
    """Return the filter that all of these make together; of several ids, any. None for none.

    Raises:
        FilterError: one of them can't be read.
    """
    parts: list[Filter] = [parse_filter(where)] if where.strip() else []
    if year.strip():
        years = _years(year)
        if years is None:
            raise FilterError(f"{year!r} is no year; write 2020, 2018..2021 or >=2020.")
        parts.append(years)
    given = (("author", author), ("venue", venue), ("topic", topic), ("source", source))
    for field, values in given:
        for value in values:
            if not words(value):
                raise FilterError(f"{value!r} has no word to look for in {field}.")
            parts.append(FieldHas(cast(Field, field), value))
    wanted = tuple(one.strip() for one in ids if one.strip())
    if wanted:
        parts.append(IdIs(wanted))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else And(tuple(parts))
