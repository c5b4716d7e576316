"""The tab's components and what they do; imports Gradio, so import it late."""

from importlib.resources import files
from typing import Any

import gradio as gr

from assistant.app import Assistant
from assistant.web.library import adding, exporting, handlers, table
from assistant.web.library.paper import NOTHING_OPEN
from assistant.web.library.view import View

STATE_SECONDS = 24 * 60 * 60
# Table, facets, legend and selection tell their clicks alike; see `view.acted`.
_CLICKS = files("assistant.web.library").joinpath("clicks.js").read_text(encoding="utf-8")
_DOTS = files("assistant.web.library").joinpath("dots.js").read_text(encoding="utf-8")
_DOWNLOAD = files("assistant.web.library").joinpath("download.js").read_text(encoding="utf-8")
_SHOW_PAPER = files("assistant.web.library").joinpath("paper.js").read_text(encoding="utf-8")
_PASTE_HINT = "@article{key, title = {…}, abstract = {…}}\n\nor any other format, as in a file"


def build(assistant: Assistant, talk: gr.State, tab: gr.Tab) -> gr.State:
    """Make the tab's components within the tab that is open; see `library_tab`."""
    parts: dict[str, Any] = {
        "view": gr.State(View(), time_to_live=STATE_SECONDS),
        "generation": gr.State(assistant.catalog.generation()),
        "drawn": gr.State("", time_to_live=STATE_SECONDS),
        "exported": gr.State("", time_to_live=STATE_SECONDS),
        "talk": talk,
    }
    with gr.Row(elem_id="library"):
        with gr.Column(elem_id="library-main", scale=5), gr.Tabs(elem_id="library-views") as views:
            parts["views"] = views
            with gr.Tab("Papers", id="papers"):
                _papers(parts)
            with gr.Tab("Map", id="map") as map_tab:
                _map(parts)
            with gr.Tab("Add papers", id="add"):
                _add(parts)
        with gr.Column(elem_id="library-side", scale=2, min_width=300):
            _side(parts)
    _connect(handlers.Handlers(assistant, parts), parts, tab, map_tab)
    generation: gr.State = parts["generation"]
    return generation


def _papers(parts: dict[str, Any]) -> None:
    with gr.Row(elem_id="library-search"):
        parts["words"] = gr.Textbox(
            elem_id="library-words",
            label="Search",
            placeholder="Words of title or abstract",
            max_lines=1,
            scale=3,
        )
        parts["where"] = gr.Textbox(
            elem_id="library-where",
            label="Filter",
            placeholder="year>=2020 and author:smith",
            max_lines=1,
            scale=3,
        )
        parts["search"] = gr.Button("Search", elem_id="library-go", variant="primary", scale=1)
        parts["clear"] = gr.Button("Show all", elem_id="library-all", scale=1)
    parts["problem"] = gr.HTML(elem_id="library-problem")
    with gr.Row(elem_id="library-columns"):
        with gr.Column(scale=1, min_width=190):
            parts["facets"] = gr.HTML(elem_id="library-facets", js_on_load=_CLICKS)
        with gr.Column(scale=4, min_width=300):
            parts["table"] = gr.HTML(
                table.note_html(table.READING), elem_id="library-table", js_on_load=_CLICKS
            )


def _map(parts: dict[str, Any]) -> None:
    parts["map_note"] = gr.HTML(elem_id="library-map-note")
    parts["plot"] = gr.Plot(elem_id="library-map", show_label=False, container=False)
    parts["dots"] = gr.HTML(elem_id="library-dots", js_on_load=_DOTS)
    parts["legend"] = gr.HTML(elem_id="library-legend", js_on_load=_CLICKS)


def _add(parts: dict[str, Any]) -> None:
    with gr.Row():
        parts["files"] = gr.File(
            elem_id="library-files",
            label="Files: BibTeX, RIS, PubMed, CSV, JSON, arXiv, OpenAlex and more",
            file_count="multiple",
            file_types=list(adding.SUFFIXES),
            height=190,
        )
        parts["pasted"] = gr.Textbox(
            elem_id="library-pasted",
            label="Or paste records",
            placeholder=_PASTE_HINT,
            lines=7,
            max_lines=14,
        )
    parts["add"] = gr.Button("Add to the library", elem_id="library-add", variant="primary")
    parts["report"] = gr.HTML(elem_id="library-report")


def _side(parts: dict[str, Any]) -> None:
    with gr.Column(elem_id="library-tools"):
        parts["selection"] = gr.HTML(
            table.selection_html(0), elem_id="library-selection", js_on_load=_CLICKS
        )
        with gr.Row():
            parts["scope"] = gr.Dropdown(
                list(exporting.SCOPES.items()),
                value="selected",
                label="Export",
                elem_id="library-scope",
                filterable=False,
                min_width=240,  # Wide enough for "Papers cited in the conversation".
            )
            parts["kind"] = gr.Dropdown(
                list(exporting.KINDS.items()),
                value="bibtex",
                label="as",
                elem_id="library-kind",
                filterable=False,
                min_width=240,
            )
        with gr.Row():
            parts["export"] = gr.Button("Export", elem_id="library-export", size="sm")
            parts["remove"] = gr.Button("Remove selected…", elem_id="library-remove", size="sm")
        with gr.Row(visible=False, elem_id="library-sure") as sure:
            parts["sure"] = sure
            parts["yes"] = gr.Button("Remove", elem_id="library-yes", size="sm", variant="stop")
            parts["no"] = gr.Button("Keep", elem_id="library-no", size="sm")
        parts["said"] = gr.HTML(elem_id="library-said")
        parts["download"] = gr.DownloadButton(
            "Download", elem_id="library-download", visible="hidden"
        )
    parts["paper"] = gr.HTML(
        table.note_html(NOTHING_OPEN), elem_id="library-paper", js_on_load=_SHOW_PAPER
    )


def _connect(do: handlers.Handlers, parts: dict[str, Any], tab: gr.Tab, map_tab: gr.Tab) -> None:
    """Let every control do what it says."""
    view = parts["view"]
    shown = [parts[name] for name in handlers.SHOWN]
    # No named endpoints: the page's handlers are for the page. "multiple": none is to be lost.
    options: dict[str, Any] = {
        "show_progress": "hidden",
        "api_visibility": "private",
        "trigger_mode": "multiple",
    }
    # What changes the view does so one after another, or a quick second click would undo the
    # first: each reads the view when its turn comes.
    turn: dict[str, Any] = {**options, "concurrency_id": "library-view", "concurrency_limit": 1}
    words = [view, parts["words"], parts["where"]]
    tab.select(do.show, [view], shown, **turn)
    gr.on(
        [parts["search"].click, parts["words"].submit, parts["where"].submit],
        do.search,
        words,
        shown,
        **turn,
    )
    parts["clear"].click(do.show_all, [view], [*shown, parts["words"], parts["where"]], **turn)
    for name in ("table", "facets", "selection", "legend", "dots"):
        parts[name].click(
            do.act, [view], [*shown, parts["paper"], parts["views"], parts["said"]], **turn
        )
    asking = [parts[name] for name in ("sure", "yes", "said")]
    parts["remove"].click(do.ask_to_remove, [view], asking, **turn)
    parts["no"].click(do.keep, None, asking, **options)
    parts["yes"].click(
        do.remove, [view], [*shown, *asking, parts["paper"], parts["generation"]], **turn
    )
    parts["export"].click(
        do.export,
        [view, parts["talk"], parts["scope"], parts["kind"]],
        [parts["download"], parts["exported"], parts["said"]],
        **turn,
    ).then(None, [parts["download"]], js=_DOWNLOAD).then(
        do.discard, [parts["exported"]], [parts["exported"], parts["download"]], **options
    )
    mapped = [parts[name] for name in ("map_note", "plot", "legend", "drawn")]
    drawing: dict[str, Any] = {**options, "inputs": [parts["talk"], parts["drawn"]]}
    map_tab.select(do.draw, outputs=mapped, **drawing)
    tab.select(do.draw_again, outputs=mapped, **drawing)
    parts["add"].click(
        do.add,
        [parts["files"], parts["pasted"]],
        [parts[name] for name in ("add", "files", "pasted", "report", "generation")],
        **options,
    )
    # The view as it is by then: a long addition ends when the user looks at something else.
    parts["generation"].change(do.show, [view], shown, **turn)
