"""The filters beside the chat; imports Gradio, so import it late."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from assistant.text.html import escape
from assistant.web.scope import EVERYTHING, Choices, Scope

LABEL = "Filters"


@dataclass(frozen=True, kw_only=True)
class FiltersBox:
    """The components; what stands in them is the truth about a conversation's scope."""

    box: gr.Accordion
    words: gr.HTML
    low: gr.Number
    high: gr.Number
    topics: gr.Dropdown
    sources: gr.Dropdown
    papers: gr.Dropdown
    clear: gr.Button

    @property
    def inputs(self) -> list[Any]:
        """What `scope_of` reads, in its order."""
        return [self.low, self.high, self.topics, self.sources, self.papers]

    @property
    def shown(self) -> list[Any]:
        """What `shown` fills, in its order."""
        return [*self.inputs, self.box, self.words]


def filters_box() -> FiltersBox:
    """Lay the filters out, folded."""
    with gr.Accordion(LABEL, open=False, elem_id="filters") as box:
        with gr.Row():
            low = gr.Number(label="From year", precision=0, minimum=0, min_width=90, value=None)
            high = gr.Number(label="To year", precision=0, minimum=0, min_width=90, value=None)
        with gr.Row():
            topics = _many("Topics", "filter-topics")
            sources = _many("Sources", "filter-sources")
        papers = _many("Papers (or an id, DOI, arXiv id)", "filter-papers", custom=True)
        clear = gr.Button("Clear filters", size="sm", elem_id="filters-clear")
    words = gr.HTML(elem_id="scope")
    return FiltersBox(
        box=box, words=words, low=low, high=high, topics=topics, sources=sources, papers=papers,
        clear=clear,
    )  # fmt: skip


def _many(label: str, name: str, *, custom: bool = False) -> gr.Dropdown:
    return gr.Dropdown(
        label=label,
        choices=[],
        value=[],
        multiselect=True,
        allow_custom_value=custom,
        min_width=120,
        elem_id=name,
    )


def scope_of(
    low: float | None,
    high: float | None,
    topics: Sequence[str] | None,
    sources: Sequence[str] | None,
    papers: Sequence[str] | None,
) -> Scope:
    """Return what the components say."""
    return Scope(
        low=None if low is None else int(low),
        high=None if high is None else int(high),
        topics=tuple(topics or ()),
        sources=tuple(sources or ()),
        papers=tuple(one.strip() for one in papers or () if one.strip()),
    )


def shown(scope: Scope, offered: Choices | None = None) -> list[Any]:
    """Return values for `FiltersBox.shown`; where choices are given, they are offered.

    Papers beyond those on offer are shown by their id.
    """
    more: list[dict[str, Any]] = [{}, {}, {}]
    if offered is not None:
        named = {one for _, one in offered.papers}
        others = [(one, one) for one in scope.papers if one not in named]
        more = [
            {"choices": [*dict.fromkeys([*offered.topics, *scope.topics])]},
            {"choices": [*dict.fromkeys([*offered.sources, *scope.sources])]},
            {"choices": [*offered.papers, *others]},
        ]
    return [
        scope.low,
        scope.high,
        gr.Dropdown(value=list(scope.topics), **more[0]),
        gr.Dropdown(value=list(scope.sources), **more[1]),
        gr.Dropdown(value=list(scope.papers), **more[2]),
        *said(scope),
    ]


def said(scope: Scope) -> list[Any]:
    """Return the label of the folded box, and in words what holds."""
    count = scope.count()
    words = f"Only {scope}." if count else ""
    label = f"{LABEL} ({count} in force)" if count else LABEL
    html = f'<p class="scope" role="status">{escape(words)}</p>' if words else ""
    return [gr.Accordion(label=label), html]


def nothing() -> list[Any]:
    """Return the values of no filter at all."""
    return shown(EVERYTHING)
