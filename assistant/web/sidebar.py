"""The list of conversations at the side; imports Gradio, so import it late."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

DELETE = "Delete"
SURE = "Really delete?"


@dataclass(frozen=True, kw_only=True)
class Sidebar:
    """The components; the chat tab says what they do."""

    clear: gr.Button
    search: gr.Textbox
    listed: gr.Radio
    markdown: gr.Button
    json: gr.Button
    delete: gr.Button
    cases: gr.Button
    file: gr.DownloadButton


def sidebar() -> Sidebar:
    """Lay the list out; on a phone it opens over the page."""
    with gr.Sidebar(label="Conversations", open=True, width=270, elem_id="side"):
        clear = gr.Button("New conversation", elem_id="clear", variant="primary", size="sm")
        search = gr.Textbox(
            elem_id="find", show_label=False, label="Search conversations", max_lines=1,
            container=False, placeholder="Search conversations",
        )  # fmt: skip
        listed = gr.Radio(
            choices=[], label="Conversations", show_label=False, elem_id="conversations",
            container=False,
        )  # fmt: skip
        gr.HTML('<p class="small">The open conversation</p>')
        with gr.Row(elem_id="exports"):
            markdown = gr.Button("Markdown", size="sm", min_width=60, elem_id="as-markdown")
            as_json = gr.Button("JSON", size="sm", min_width=60, elem_id="as-json")
            delete = gr.Button(DELETE, size="sm", min_width=60, elem_id="delete")
        cases = gr.Button("Export feedback", size="sm", elem_id="cases")
        # Filled when an export is asked for, then pressed by the page itself.
        file = gr.DownloadButton("File", visible="hidden", elem_id="file")
    return Sidebar(
        clear=clear, search=search, listed=listed, markdown=markdown, json=as_json, delete=delete,
        cases=cases, file=file,
    )  # fmt: skip


def listing(titles: list[tuple[str, str]], opened: str) -> Any:
    """Return the list with the open conversation chosen."""
    known = any(one == opened for _, one in titles)
    return gr.Radio(choices=titles, value=opened if known else None)
