"""What the page says of a chat model that is on its way; imports Gradio, so import it late."""

from typing import Any

import gradio as gr

from assistant.web import render
from assistant.web.desk import Desk

EVERY_SECONDS = 2.0


def status_line(desk: Desk, blocks: gr.Blocks, head: gr.HTML) -> None:
    """Add the line: how far the model is, then that it is ready, or why not; `head` names it.

    That it is ready stays there, for who reads an answer meanwhile; and a message that goes away
    by itself would need the queue, which these events pass by.
    """
    line = gr.HTML(elem_id="status")
    timer = gr.Timer(EVERY_SECONDS, active=False)
    was_waiting = gr.State(value=False)

    def told(waited: bool) -> tuple[Any, ...]:
        chat = desk.assistant.chat  # Another one once the settings name another model.
        now = chat.preparation
        if now.is_under_way:
            return render.status(now), gr.Timer(active=True), gr.skip(), True
        failures = chat.notices() if now.state == "failed" else []
        shown = render.status(now, failures, waited=waited)
        return shown, gr.Timer(active=False), desk.head(), False

    options: dict[str, Any] = {
        "inputs": [was_waiting],
        "outputs": [line, timer, head, was_waiting],
        "show_progress": "hidden",
        "api_visibility": "private",
        "queue": False,
    }
    timer.tick(told, **options)
    blocks.load(told, **options)
