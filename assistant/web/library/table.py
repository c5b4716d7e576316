"""Table, facets and selection as HTML; pure functions whose every text is escaped."""

from collections.abc import Mapping, Sequence

from assistant.text.html import escape
from assistant.types import Paper
from assistant.web.library.facets import Count, Facet
from assistant.web.library.shelf import MOST_HITS, Shelf
from assistant.web.library.view import PAGE, View, page_count

EMPTY = "The library is empty. Go to “Add papers” above: upload a file, drop one, or paste."
NOTHING_FOUND = "No paper passes. Take out a word, or press “Show all”."
READING = "Reading the library…"
AUTHORS_SHOWN = 3
FACET_VALUES = 8
MOST_FACET_VALUES = 200
_COLUMNS = {
    "title": "Title",
    "authors": "Authors",
    "year": "Year",
    "venue": "Venue",
    "source": "Source",
}
_FACET_NAMES: dict[Facet, str] = {
    "year": "Year",
    "topic": "Topic",
    "source": "Source",
    "cluster": "Cluster on the map",
}


def papers_text(count: int) -> str:
    """Return "1 paper" or "2,000 papers"."""
    return "1 paper" if count == 1 else f"{count:,} papers"


def note_html(text: str, kind: str = "empty") -> str:
    """Return a text for the user in place of content, or beside it; nothing of an empty one."""
    return f'<p class="{kind}">{escape(text)}</p>' if text else ""


def table_html(papers: Sequence[Paper], view: View, shelf: Shelf) -> str:
    """Return the view's page of the papers that were found, in their order."""
    if not shelf.papers:
        return note_html(EMPTY)
    if not papers:
        return note_html(NOTHING_FOUND)
    page = min(view.page, page_count(len(papers)))
    first = (page - 1) * PAGE
    shown = papers[first : first + PAGE]
    columns = _columns(shelf)
    rows = "".join(_row(paper, view, shelf, columns) for paper in shown)
    return (
        f'<p class="found">{_found(len(papers), view, shelf)}</p>'
        f'<table class="papers"><thead><tr>{_head(shown, view, columns)}</tr></thead>'
        f"<tbody>{rows}</tbody></table>{_pager(len(papers), page, len(shown))}"
    )


def _found(count: int, view: View, shelf: Shelf) -> str:
    if not view.is_narrowed:
        return papers_text(count)
    of = f"{papers_text(count)} of {len(shelf.papers):,}"
    best = f", of the best {MOST_HITS:,} by these words" if count >= MOST_HITS else ""
    return of + (best if view.words.strip() else "")


def _columns(shelf: Shelf) -> dict[str, str]:
    """Return the columns that the library has anything for; the title is always one."""
    return {
        column: name
        for column, name in _COLUMNS.items()
        if column == "title" or any(getattr(paper, column) for paper in shelf.papers)
    }


def _head(shown: Sequence[Paper], view: View, columns: Mapping[str, str]) -> str:
    every = all(paper.id in view.selected for paper in shown)
    cells = [
        '<th class="tick" scope="col"><input type="checkbox" aria-label="Select this page"'
        f"{' checked' if every else ''}></th>"
    ]
    for column, name in columns.items():
        sign, state = "", ""
        if view.sort == column:
            sign = " ▼" if view.descending else " ▲"
            state = f' aria-sort="{"descending" if view.descending else "ascending"}"'
        cells.append(
            f'<th class="{column}" scope="col"{state}>'
            f'<button type="button" data-act="sort" data-value="{column}">{name}'
            f'<span aria-hidden="true">{sign}</span></button></th>'
        )
    return "".join(cells)


def _row(paper: Paper, view: View, shelf: Shelf, columns: Mapping[str, str]) -> str:
    title, identity = escape(paper.title or paper.id), escape(paper.id)
    ticked = " checked" if paper.id in view.selected else ""
    cells = {
        "authors": _authors(paper.authors),
        "year": str(paper.year or ""),
        "venue": paper.venue,
        "source": ", ".join(shelf.sources_of(paper)),
    }
    others = "".join(
        f'<td class="{column}">{escape(text)}</td>'
        for column, text in cells.items()
        if column in columns
    )
    return (
        f'<tr><td class="tick"><input type="checkbox" value="{identity}"'
        f' aria-label="Select {title}"{ticked}></td>'
        f'<td class="title"><button type="button" data-act="open" data-value="{identity}">'
        f"{title}</button></td>{others}</tr>"
    )


def _authors(authors: Sequence[str]) -> str:
    more = len(authors) - AUTHORS_SHOWN
    return ", ".join(authors[:AUTHORS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _pager(count: int, page: int, shown: int) -> str:
    last = page_count(count)
    if last == 1:
        return ""
    first = (page - 1) * PAGE + 1

    def button(name: str, to: int) -> str:
        off = " disabled" if not 1 <= to <= last or to == page else ""
        return f'<button type="button" data-act="page" data-value="{to}"{off}>{name}</button>'

    return (
        f'<nav class="pager" aria-label="Pages">{button("« First", 1)}{button("‹ Back", page - 1)}'
        f"<span>{first:,}–{first + shown - 1:,} of {count:,}</span>"
        f"{button('Next ›', page + 1)}{button('Last »', last)}</nav>"
    )


def facets_html(counts: Mapping[Facet, Sequence[Count]]) -> str:
    """Return the counts as buttons; the long tail of each facet is folded."""
    if not counts:
        return ""
    chosen = any(one.chosen for each in counts.values() for one in each)
    off = '<button type="button" class="off" data-act="facets-off">Take all off</button>'
    groups = "".join(_facet(facet, counts[facet]) for facet in counts)
    return f'<div class="facets">{off if chosen else ""}{groups}</div>'


def _facet(facet: Facet, counts: Sequence[Count]) -> str:
    # What is chosen stays in sight, wherever it stands in the order.
    first = [one for place, one in enumerate(counts) if place < FACET_VALUES or one.chosen]
    rest = [one for place, one in enumerate(counts) if place >= FACET_VALUES and not one.chosen]
    more = ""
    if rest:
        cut = rest[:MOST_FACET_VALUES]
        beyond = len(rest) - len(cut)
        note = f"<p>and {beyond:,} more; use the filter for these</p>" if beyond else ""
        buttons = "".join(_value(facet, one) for one in cut)
        more = f"<details><summary>{len(rest):,} more</summary>{buttons}{note}</details>"
    name = _FACET_NAMES[facet]
    shown = "".join(_value(facet, one) for one in first)
    return f'<section class="facet {facet}"><h3>{name}</h3>{shown}{more}</section>'


def _value(facet: Facet, one: Count) -> str:
    value = escape(one.value)
    return (
        f'<button type="button" data-act="facet" data-facet="{facet}" data-value="{value}"'
        f' aria-pressed="{"true" if one.chosen else "false"}"><span class="value">{value}</span>'
        f' <span class="count">{one.papers:,}</span></button>'
    )


def selection_html(selected: int) -> str:
    """Return how many papers are ticked, and what lets go of them."""
    if not selected:
        return '<p class="selected">No paper is selected: tick some in the table.</p>'
    return (
        f'<p class="selected"><b>{papers_text(selected)} selected</b> '
        '<button type="button" data-act="select-none">Clear</button></p>'
    )
