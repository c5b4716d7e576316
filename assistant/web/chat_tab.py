"""The tab that answers: the conversation at the left, the sources of its answers at the right."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from assistant.web.chat_handlers import BUSY, IDLE, ChatHandlers
from assistant.web.conversation import Conversation
from assistant.web.desk import Desk
from assistant.web.filters_box import filters_box
from assistant.web.sidebar import Sidebar
from assistant.web.sources import panel

__all__ = ["BUSY", "ChatTab", "chat_tab"]

STATE_SECONDS = 24 * 60 * 60
# No secret, as every browser gets it: a constant, so that a restart forgets nothing.
BROWSER_KEY = "open"
# The page's script hands presses on to these; see page.js.
_BRIDGE = "window.addEventListener('act:{kind}', event => trigger('click', event.detail));"
_PRESS_DOWNLOAD = "() => setTimeout(() => document.querySelector('#file')?.click(), 300)"


@dataclass(frozen=True, kw_only=True)
class ChatTab:
    """What other parts of the page may read: the state that holds a `Conversation`."""

    talk: gr.State


def chat_tab(desk: Desk, blocks: gr.Blocks, head: gr.HTML, side: Sidebar) -> ChatTab:
    """Lay the tab out and wire it; `head` is filled whenever the page is opened."""
    do = ChatHandlers(desk)
    talk = gr.State(Conversation(), time_to_live=STATE_SECONDS)
    opened = gr.BrowserState("", storage_key="abstract-assistant", secret=BROWSER_KEY)
    with gr.Row(elem_id="columns"):
        with gr.Column(elem_id="talk", scale=3):
            chat = _chatbot()
            editing = gr.HTML(elem_id="editing")
            filters = filters_box()
            box = gr.Textbox(
                elem_id="question",
                label="Your question",
                show_label=False,
                placeholder="Ask about the papers, or follow up",
                max_lines=6,
                interactive=False,  # Until the page is filled: that would undo what was asked.
                **IDLE,
            )
        with gr.Column(elem_id="panel", scale=2):
            sources = gr.HTML(panel(()))
    asks, acts = _bridge("ask"), _bridge("do")
    # No named endpoints: the page's handlers are for the page.
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    outputs = [talk, chat, sources, box, editing, opened, side.listed]
    everything = [*outputs, *filters.shown, side.delete]
    # "multiple": of an event that was stopped, Gradio's page thinks that it still runs.
    asking = gr.on(
        [box.submit, chat.example_select, chat.option_select, asks.click],
        do.ask,
        inputs=[box, talk, *filters.inputs],
        outputs=outputs,
        trigger_mode="multiple",
        **quiet,
    )
    # They wait for nobody's answer; past the queue, what they warn of would not be shown.
    ends: dict[str, Any] = {"cancels": [asking], "concurrency_limit": None, **quiet}
    box.stop(do.stop, inputs=[talk], outputs=outputs, **ends)
    side.clear.click(do.start_anew, inputs=[talk], outputs=everything, **ends)
    side.listed.input(do.open, inputs=[side.listed, talk], outputs=everything, **ends)
    side.delete.click(do.delete, inputs=[side.delete, talk], outputs=everything, **ends)
    side.search.change(
        do.search, inputs=[side.search, talk], outputs=[side.listed], trigger_mode="always_last",
        **quiet,
    )  # fmt: skip
    acts.click(
        do.act, inputs=[talk, *filters.inputs], outputs=everything, trigger_mode="multiple", **quiet
    )
    for button, make in ((side.markdown, do.as_markdown), (side.json, do.as_json)):
        button.click(make, inputs=[talk], outputs=[side.file], **quiet).success(
            None, js=_PRESS_DOWNLOAD
        )
    side.cases.click(do.cases, outputs=[side.file], **quiet).success(None, js=_PRESS_DOWNLOAD)
    for part in filters.inputs:
        part.change(
            do.say_scope, inputs=filters.inputs, outputs=filters.shown[-2:], queue=False, **quiet
        )
    filters.clear.click(do.clear_filters, outputs=filters.shown, queue=False, **quiet)
    blocks.load(do.load, inputs=[opened], outputs=[head, *everything], **quiet)
    return ChatTab(talk=talk)


def _bridge(kind: str) -> gr.HTML:
    return gr.HTML("", js_on_load=_BRIDGE.format(kind=kind), elem_id=f"bridge-{kind}")


def _chatbot() -> gr.Chatbot:
    # Messages are HTML made by `render`: no Markdown, no LaTeX; Gradio's sanitizer on top.
    return gr.Chatbot(
        elem_id="chat",
        label="Conversation",
        show_label=False,
        height="100%",
        layout="bubble",
        render_markdown=False,
        sanitize_html=True,
        latex_delimiters=[],
        feedback_options=None,
        group_consecutive_messages=False,
        buttons=[],
    )
