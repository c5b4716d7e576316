"""Puts the page together from its parts; imports Gradio, so import it late."""

from typing import Any

import gradio as gr

from assistant.app import Assistant
from assistant.web.access import Operators
from assistant.web.chat_tab import chat_tab
from assistant.web.desk import open_desk
from assistant.web.library import library_tab
from assistant.web.look import look
from assistant.web.render import TITLE
from assistant.web.settings_tab import settings_tab
from assistant.web.sidebar import sidebar
from assistant.web.status import status_line

__all__ = ["look", "page"]

# No named endpoints: the page's handlers are for the page.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
QUESTIONS_AT_ONCE = 10
QUESTIONS_WAITING = 100
CACHE_SECONDS = (3600, 3600)
"""How often files for download are looked for, and the age at which they are deleted."""


def page(assistant: Assistant, who: Operators | None = None) -> gr.Blocks:
    """Return the page, to be served with `look()`; the assistant stays the caller's to close.

    `who` may change its settings: by default everyone who opens it.
    """
    desk = open_desk(assistant)
    blocks = gr.Blocks(
        title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=CACHE_SECONDS
    )
    with blocks:
        side = sidebar()
        head = gr.HTML(elem_id="head")
        status_line(desk, blocks, head)
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Chat", id="chat", elem_id="chat-tab"):
                talk = chat_tab(desk, blocks, head, side).talk
            with gr.Tab("Library", id="library-tab") as library:
                changed = library_tab(assistant, talk, library)
                changed.change(desk.head, outputs=[head], **QUIET)
            with gr.Tab("Settings", id="settings", elem_id="settings-tab"):
                settings_tab(desk, blocks, head, who or Operators(everyone=True))
    blocks.queue(default_concurrency_limit=QUESTIONS_AT_ONCE, max_size=QUESTIONS_WAITING)
    return blocks
