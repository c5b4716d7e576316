"""Filters by metadata: which papers a search may return.

`language` reads and writes expressions, `meaning` says which papers pass, `pushdown` what the
indexes are told. Types are in `assistant.types`.
"""

from assistant.filters.language import combined, parse_filter, to_text
from assistant.filters.meaning import matches
from assistant.filters.pushdown import required, satisfied, tags
from assistant.filters.tree import And, FieldHas, Filter, IdIs, Not, Or, YearIs

__all__ = [
    "And",
    "FieldHas",
    "Filter",
    "IdIs",
    "Not",
    "Or",
    "YearIs",
    "combined",
    "matches",
    "parse_filter",
    "required",
    "satisfied",
    "tags",
    "to_text",
]
