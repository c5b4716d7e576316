"""What the indexes are told of a filter: tags that every paper which passes must carry."""

from collections.abc import Sequence, Set

from assistant.filters.meaning import forms_of_id, in_span, own_ids, whole_words
from assistant.filters.tree import And, FieldHas, Filter, IdIs, Not, Or, YearIs, words
from assistant.types import AllOf, AnyOf, HasTag, Paper, Required, YearBetween


def tags(paper: Paper, sources: Sequence[str] = ()) -> list[str]:
    """Return what filters can ask of a paper, as "author:smith", sorted."""
    found = {f"id:{one}" for one in own_ids(paper)}
    for field, values in (
        ("author", paper.authors),
        ("venue", (paper.venue,)),
        ("topic", paper.topics),
        ("source", (*sources, paper.source)),
    ):
        found |= {f"{field}:{word}" for value in values for word in words(value)}
    return sorted(found)


def required(one: Filter) -> Required | None:
    """Return a condition that holds of every paper which passes; None where there is none.

    It may hold of others too: `matches` has the last word.
    """
    match one:
        case YearIs(low, high):
            return YearBetween(low, high)
        case FieldHas("title", _) | Not():
            return None
        case FieldHas("author", text):
            return _author(words(text))
        case FieldHas(field, text):
            return _all([HasTag(f"{field}:{word}") for word in words(text)])
        case IdIs(ids):
            forms = dict.fromkeys(form for given in ids for form in forms_of_id(given))
            return _any([HasTag(f"id:{form}") for form in forms])
        case And(parts):
            return _all([required(part) for part in parts])
        case Or(parts):
            return _any([required(part) for part in parts])


def _author(wanted: Sequence[str]) -> Required | None:
    """One whole word as it is, the others or their initials; an initial asks for nothing."""
    whole = whole_words(wanted)
    if not whole:
        return None
    spelt = _any([HasTag(f"author:{word}") for word in whole])
    if len(set(whole)) == 1:
        return spelt
    return _all(
        [spelt, *(AnyOf((HasTag(f"author:{one}"), HasTag(f"author:{one[0]}"))) for one in whole)]
    )


def _all(parts: Sequence[Required | None]) -> Required | None:
    flat: dict[Required, None] = {}
    for part in parts:
        if isinstance(part, AllOf):
            flat |= dict.fromkeys(part.parts)
        elif part is not None:
            flat[part] = None
    known = tuple(flat)
    return AllOf(known) if len(known) > 1 else (known[0] if known else None)


def _any(parts: Sequence[Required | None]) -> Required | None:
    flat: dict[Required, None] = {}
    for part in parts:
        if part is None:
            return None
        flat |= dict.fromkeys(part.parts if isinstance(part, AnyOf) else (part,))
    known = tuple(flat)
    return AnyOf(known) if len(known) > 1 else (known[0] if known else None)


def satisfied(one: Required | None, carried: Set[str], year: int | None) -> bool:
    """Whether the condition holds of a paper with these tags and this year."""
    match one:
        case None:
            return True
        case HasTag(tag):
            return tag in carried
        case YearBetween(low, high):
            return in_span(year, low, high)
        case AllOf(parts):
            return all(satisfied(part, carried, year) for part in parts)
        case AnyOf(parts):
            return any(satisfied(part, carried, year) for part in parts)
