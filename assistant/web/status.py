"""What the page says while the chat model is still on its way; imports Gradio, import it late."""

from typing import Any

import gradio as gr

from assistant.web import render
from assistant.web.desk import Desk

EVERY_SECONDS = 2.0


def status_line(desk: Desk, blocks: gr.Blocks, head: gr.HTML) -> None:
    """Add the line, filled until the model is ready or has failed; then `head` names it."""
    line = gr.HTML(elem_id="status")
    timer = gr.Timer(EVERY_SECONDS, active=False)
    was_waiting = gr.State(value=False)

    def told(waited: bool) -> tuple[Any, ...]:
        chat = desk.assistant.chat  # Another one once the settings name another model.
        now = chat.preparation
        if now.is_under_way:
            return render.status(now), gr.Timer(active=True), gr.skip(), True
        if waited and now.state == "ready":
            gr.Info(f"The chat model {now.name} is ready: it writes the answers from now on.")
        failures = chat.notices() if now.state == "failed" else []
        shown = render.status(now, failures)
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
