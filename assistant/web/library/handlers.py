"""What the tab's controls do; no Exception leaves a handler, what goes wrong is said in words."""

import functools
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.plot import PlotData

from assistant.app import Assistant
from assistant.errors import AssistantError
from assistant.types import Paper
from assistant.web.conversation import SOMETHING_WRONG, Conversation
from assistant.web.library import adding, exporting, table
from assistant.web.library.atlas import Atlas
from assistant.web.library.facets import Facet, counted, kept
from assistant.web.library.figure import figure, legend_html, map_note
from assistant.web.library.paper import NOTHING_OPEN, paper_html
from assistant.web.library.shelf import Shelves
from assistant.web.library.view import View, acted, asked, ordered

logger = logging.getLogger(__name__)

SHOWN = ("view", "table", "facets", "selection", "problem")
"""The components that show a view."""
LOOK_SECONDS = 0.4
MAP_SECONDS = 600
Changes = dict[Any, Any]
_Handler = Callable[..., Changes]
_Streaming = Callable[..., Iterator[Changes]]


def _told(component: str) -> Callable[[_Handler], _Handler]:
    """Show in the component named what goes wrong in a handler."""

    def guard(handler: _Handler) -> _Handler:
        # Gradio reads the signature, to see what a handler is to be given.
        @functools.wraps(handler)
        def guarded(self: "Handlers", *given: Any) -> Changes:
            try:
                return handler(self, *given)
            except AssistantError as error:
                return {self.parts[component]: _problem(str(error))}
            except Exception:
                logger.exception("The library tab failed")
                return {self.parts[component]: _problem(SOMETHING_WRONG)}

        return guarded

    return guard


def _told_along(component: str, *buttons: str) -> Callable[[_Streaming], _Streaming]:
    """Do the same for a handler that yields; `buttons` can be pressed again then."""

    def guard(handler: _Streaming) -> _Streaming:
        @functools.wraps(handler)
        def guarded(self: "Handlers", *given: Any) -> Iterator[Changes]:
            again = {self.parts[name]: gr.Button(interactive=True) for name in buttons}
            try:
                yield from handler(self, *given)
            except AssistantError as error:
                yield {self.parts[component]: _problem(str(error)), **again}
            except Exception:
                logger.exception("The library tab failed")
                yield {self.parts[component]: _problem(SOMETHING_WRONG), **again}

        return guarded

    return guard


def _problem(text: str) -> str:
    return table.note_html(text, "problem")


class Handlers:
    """The handlers over one library; `parts` has the components by name."""

    def __init__(self, assistant: Assistant, parts: dict[str, Any]) -> None:
        """Open nothing yet."""
        self.assistant = assistant
        self.parts = parts
        self.shelves = Shelves(assistant)
        self.atlas = Atlas(assistant)

    # --- the table ---------------------------------------------------------------------

    def _found(self, view: View) -> list[Paper]:
        matching = self.shelves.matching(view.words, view.where)
        shelf = self.shelves.latest()
        return ordered(kept(matching, view.facets, shelf, self.atlas.clusters()), view)

    def _shown(self, view: View) -> Changes:
        shelf = self.shelves.latest()
        matching = self.shelves.matching(view.words, view.where)
        counts = counted(matching, view.facets, shelf, self.atlas.clusters())
        return {
            self.parts["view"]: view,
            self.parts["table"]: table.table_html(self._found(view), view, shelf),
            self.parts["facets"]: table.facets_html(counts),
            self.parts["selection"]: table.selection_html(len(view.selected)),
            self.parts["problem"]: "",
        }

    @_told("problem")
    def show(self, view: View) -> Changes:
        """Show the papers as they are now."""
        return self._shown(view)

    @_told("problem")
    def search(self, view: View, words: str, where: str) -> Changes:
        """Show the papers that have the words and pass the filter."""
        return self._shown(asked(view, words, where))

    @_told("problem")
    def show_all(self, view: View) -> Changes:
        """Show every paper; what is ticked stays so."""
        plain = View(selected=view.selected, sort=view.sort, descending=view.descending)
        return self._shown(plain) | {self.parts["words"]: "", self.parts["where"]: ""}

    @_told("said")
    def act(self, view: View, event: gr.EventData) -> Changes:
        """Do what was clicked in the table, the facets, the map or the selection."""
        data = event._data if isinstance(event._data, dict) else {}
        if data.get("act") == "open":
            return {self.parts["paper"]: self._paper(str(data.get("value", "")))}
        if data.get("act") == "cluster":
            chosen: frozenset[tuple[Facet, str]] = frozenset({("cluster", str(data.get("value")))})
            only = View(selected=view.selected, facets=chosen)
            return self._shown(only) | {self.parts["views"]: gr.Tabs(selected="papers")}
        changed = acted(view, data)
        if data.get("act") == "select":  # The ticks are there already.
            selection = table.selection_html(len(changed.selected))
            return {self.parts["view"]: changed, self.parts["selection"]: selection}
        return self._shown(changed)

    def _paper(self, paper_id: str) -> str:
        paper = self.assistant.paper(paper_id)
        return paper_html(paper, self.assistant.catalog.sources([paper_id]).get(paper_id, ()))

    # --- removing ----------------------------------------------------------------------

    def _ask(self, label: str, said: str) -> Changes:
        return {
            self.parts["sure"]: gr.Row(visible=bool(label)),
            self.parts["yes"]: gr.Button(label or "Remove"),
            self.parts["said"]: said,
        }

    @_told("said")
    def ask_to_remove(self, view: View) -> Changes:
        """Ask before anything goes."""
        if not view.selected:
            return self._ask("", _problem("No paper is selected; tick papers in the table first."))
        count = table.papers_text(len(view.selected))
        question = f"Remove {count} from the library? Your own files stay as they are."
        return self._ask(f"Remove {count}", table.note_html(question, "note"))

    @_told("said")
    def keep(self) -> Changes:
        """Remove nothing."""
        return self._ask("", "")

    @_told("said")
    def remove(self, view: View) -> Changes:
        """Take the ticked papers out of the library."""
        removed = self.assistant.remove(*view.selected)
        said = table.note_html(f"{table.papers_text(removed)} removed.", "done")
        return {
            **self._shown(replace(view, selected=frozenset())),
            **self._ask("", said),
            self.parts["paper"]: table.note_html(NOTHING_OPEN),
            self.parts["generation"]: self.assistant.catalog.generation(),
        }

    # --- exporting ---------------------------------------------------------------------

    @_told("said")
    def export(self, view: View, talk: Conversation, scope: str, kind: str) -> Changes:
        """Make the file that the page then downloads; None where there is none."""
        ids: Sequence[str] = sorted(view.selected)
        if scope == "cited":
            ids = exporting.cited_ids(talk)
        elif scope == "shown":
            ids = [paper.id for paper in self._found(view)]
        path = exporting.export_file(self.assistant, scope, kind, ids)
        said = f"{table.papers_text(len(ids))} exported to {path.name}."
        return {
            self.parts["download"]: str(path),
            self.parts["exported"]: str(path),
            self.parts["said"]: table.note_html(said, "done"),
        }

    def discard(self, path: str) -> Changes:
        """Delete the file that was made: Gradio serves a copy of its own."""
        if path:
            shutil.rmtree(Path(path).parent, ignore_errors=True)
        return {self.parts["exported"]: "", self.parts["download"]: None}

    # --- adding ------------------------------------------------------------------------

    @_told_along("report", "add")
    def add(self, paths: Sequence[str] | None, pasted: str) -> Iterator[Changes]:
        """Add what was uploaded and pasted, and say how far it is, then what became of it."""
        files = adding.given(paths or (), pasted or "")
        addition = adding.Addition(self.assistant, files)
        yield {
            self.parts["report"]: adding.progress_html(addition, 0),
            self.parts["add"]: gr.Button(interactive=False),
            self.parts["files"]: None,
            self.parts["pasted"]: "",
        }
        catalog = self.assistant.catalog
        while addition.is_running(LOOK_SECONDS):
            pending = catalog.todo_count("vectors")
            now = adding.report_html(addition) + adding.progress_html(addition, pending)
            changes: Changes = {self.parts["report"]: now}
            if addition.report is not None:  # Stored: what shows the library shows it now.
                changes[self.parts["generation"]] = catalog.generation()
            yield changes
        yield {
            self.parts["report"]: adding.report_html(addition),
            self.parts["add"]: gr.Button(interactive=True),
            self.parts["generation"]: catalog.generation(),
        }

    # --- the map -----------------------------------------------------------------------

    @_told_along("map_note")
    def draw(self, talk: Conversation, drawn: str) -> Iterator[Changes]:
        """Show the map with the latest answer's sources lit up; say meanwhile that it comes."""
        note = self.parts["map_note"]
        lit = exporting.latest_sources(talk)
        drawing = self.atlas.current()
        key = json.dumps([drawing.fingerprint, lit])
        if key == drawn:
            return
        if not drawing.future.done():
            count = table.papers_text(self.assistant.count())
            yield {note: table.note_html(f"Drawing the map of {count}…", "note")}
        chart = drawing.future.result(timeout=MAP_SECONDS)
        plot = json.dumps(figure(chart, lit))
        yield {
            note: table.note_html(map_note(chart, lit), "note"),
            self.parts["plot"]: PlotData(type="plotly", plot=plot) if chart.dots else None,
            self.parts["legend"]: legend_html(chart),
            self.parts["drawn"]: key,
        }

    def draw_again(self, talk: Conversation, drawn: str) -> Iterator[Changes]:
        """Bring a map that is shown already to the present state."""
        if drawn:
            yield from self.draw(talk, drawn)
