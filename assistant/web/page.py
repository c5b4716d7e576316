"""Puts the page together from its parts; imports Gradio, so import it late."""

import gradio as gr

from assistant.app import Assistant
from assistant.web.chat_tab import chat_tab
from assistant.web.look import look
from assistant.web.render import TITLE

__all__ = ["look", "page"]

QUESTIONS_AT_ONCE = 10
QUESTIONS_WAITING = 100


def page(assistant: Assistant) -> gr.Blocks:
    """Return the page, to be served with `look()`; the assistant stays the caller's to close."""
    blocks = gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False)
    with blocks:
        with gr.Row(elem_id="top"):
            head = gr.HTML(elem_id="head")
            clear = gr.Button("New conversation", elem_id="clear", size="sm")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Chat", id="chat", elem_id="chat-tab"):
                chat_tab(assistant, blocks, head, clear)
            # The library tab goes here, in a `gr.Tab` of its own.
            with gr.Tab("Settings", id="settings", elem_id="settings-tab"):
                gr.HTML()
    blocks.queue(default_concurrency_limit=QUESTIONS_AT_ONCE, max_size=QUESTIONS_WAITING)
    return blocks
