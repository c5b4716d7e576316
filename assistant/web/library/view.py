"""What a user has chosen to see of the library, and what each click makes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from assistant.types import Paper
from assistant.web.library.facets import Facet

PAGE = 25
MOST_SELECTED = 100_000
SORTS: dict[str, Callable[[Paper], Any]] = {
    "title": lambda paper: paper.title.casefold(),
    "authors": lambda paper: ", ".join(paper.authors).casefold(),
    "year": lambda paper: paper.year,
    "venue": lambda paper: paper.venue.casefold(),
    "source": lambda paper: paper.source.casefold(),
}
"""What the table can be sorted by; by nothing it is by relevance, or the newest first."""


@dataclass(frozen=True, kw_only=True)
class View:
    """Words, filter and facets that choose papers, their order, the page, and what is ticked."""

    words: str = ""
    where: str = ""
    facets: frozenset[tuple[Facet, str]] = frozenset()
    sort: str = ""
    descending: bool = False
    page: int = 1
    selected: frozenset[str] = frozenset()

    @property
    def is_narrowed(self) -> bool:
        """Whether anything keeps papers from being shown."""
        return bool(self.words.strip() or self.where.strip() or self.facets)


def ordered(papers: Sequence[Paper], view: View) -> list[Paper]:
    """Return the papers in the view's order; those without a value come last either way."""
    if view.sort not in SORTS:
        return list(papers) if view.words.strip() else list(reversed(papers))
    key = SORTS[view.sort]
    have = [paper for paper in papers if key(paper) not in ("", None)]
    lack = [paper for paper in papers if key(paper) in ("", None)]
    return sorted(have, key=key, reverse=view.descending) + lack


def page_count(papers: int) -> int:
    """Return how many pages so many papers fill; one at least."""
    return max(1, -(-papers // PAGE))


def asked(view: View, words: str, where: str) -> View:
    """Return the view with other words and another filter, at its first page."""
    changed = (words, where) != (view.words, view.where)
    return replace(view, words=words, where=where, page=1 if changed else view.page)


def acted(view: View, data: Mapping[str, Any]) -> View:
    """Return the view after a click, as the page's script tells it; nonsense changes nothing."""
    value = data.get("value")
    match data.get("act"):
        case "sort" if isinstance(value, str) and value in SORTS:
            return _sorted_by(view, value)
        case "page" if str(value).isdecimal():
            return replace(view, page=max(1, int(str(value)[:9])))
        case "facet" if str(data.get("facet")) in get_args(Facet) and isinstance(value, str):
            return replace(view, facets=view.facets ^ {(data["facet"], value)}, page=1)
        case "facets-off":
            return replace(view, facets=frozenset(), page=1)
        case "select":
            return _ticked(view, data)
        case "select-none":
            return replace(view, selected=frozenset())
    return view


def _sorted_by(view: View, column: str) -> View:
    """Sort by the column, then the other way round, then not at all."""
    if view.sort != column:
        return replace(view, sort=column, descending=False, page=1)
    if not view.descending:
        return replace(view, descending=True, page=1)
    return replace(view, sort="", descending=False, page=1)


def _ticked(view: View, data: Mapping[str, Any]) -> View:
    """Take over the ticks of one page: told whole, so that no order of clicks goes wrong."""
    shown, checked = (
        [one for one in told if isinstance(one, str)][: 10 * PAGE] if isinstance(told, list) else []
        for told in (data.get("shown"), data.get("checked"))
    )
    selected = (view.selected - set(shown)) | set(checked)
    return replace(view, selected=selected) if len(selected) <= MOST_SELECTED else view
