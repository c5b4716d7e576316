"""The tab that answers: the conversation at the left, the sources of its answers at the right."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import gradio as gr
from gradio.components.chatbot import ExampleMessage

from assistant.app import Assistant
from assistant.web import render
from assistant.web.conversation import Turns, converse, stopped

STATE_SECONDS = 24 * 60 * 60
# Answered by the bundled library, but for the last, which shows what an abstention looks like.
EXAMPLES = (
    "What do lottery tickets show about pruning networks early in training?",
    "How does MiniLM distill a large transformer into a small one?",
    "How fast is DDRNet on Cityscapes?",
    "Which papers prune networks at initialization?",
    "What dose of ibuprofen is safe for children?",
)
IDLE: dict[str, Any] = {"submit_btn": "Ask", "stop_btn": False}
BUSY: dict[str, Any] = {"submit_btn": False, "stop_btn": "Stop"}


def chat_tab(assistant: Assistant, blocks: gr.Blocks, head: gr.HTML, clear: gr.Button) -> None:
    """Lay out the tab and wire it; `head` is filled and `clear` works for the whole page."""
    turns = gr.State((), time_to_live=STATE_SECONDS)
    with gr.Row(elem_id="columns"):
        with gr.Column(elem_id="talk", scale=3):
            chat = _chatbot()
            box = gr.Textbox(
                elem_id="question",
                label="Your question",
                show_label=False,
                placeholder="Ask about the papers, or follow up",
                max_lines=6,
                **IDLE,
            )
        with gr.Column(elem_id="panel", scale=2):
            sources = gr.HTML(render.panel(()))
    # No named endpoints: the page's handlers are for the page.
    options: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    options["outputs"] = [turns, chat, sources, box]
    # "multiple": of an event that was stopped, Gradio's page thinks that it still runs.
    asking = gr.on(
        [box.submit, chat.example_select],
        _asker(assistant),
        inputs=[box, turns],
        trigger_mode="multiple",
        **options,
    )
    box.stop(_stop, inputs=[turns], cancels=[asking], queue=False, **options)
    clear.click(_start_anew, cancels=[asking], queue=False, **options)
    blocks.load(_opener(assistant), **{**options, "outputs": [head, chat]})


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


def _asker(assistant: Assistant) -> Callable[..., Iterator[tuple[Any, ...]]]:
    """Return what answers a question: typed, or clicked among the examples."""

    def ask(typed: str, earlier: Turns, event: gr.EventData) -> Iterator[tuple[Any, ...]]:
        if earlier and earlier[-1].is_open:  # One question at a time in one conversation.
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        data = event._data or {}
        clicked = data["value"]["text"] if "value" in data else ""
        question = (clicked or typed or "").strip()
        if not question:  # The box is left alone: by now the next question may stand in it.
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        box: Any = gr.Textbox(value="", **BUSY)
        now = earlier
        for now in converse(assistant, question, earlier):
            yield now, render.messages(now), gr.skip(), box
            box = gr.skip()
        yield now, render.messages(now), render.panel(now), gr.Textbox(**IDLE)

    return ask


def _stop(turns: Turns) -> tuple[Any, ...]:
    ended = stopped(turns)
    return ended, render.messages(ended), render.panel(ended), gr.Textbox(**IDLE)


def _start_anew() -> tuple[Any, ...]:
    return (), [], render.panel(()), gr.Textbox(value="", **IDLE)


def _opener(assistant: Assistant) -> Callable[[], tuple[Any, ...]]:
    """Return what fills the header and the examples when a browser opens the page."""

    @lru_cache(maxsize=1)
    def has_summaries(_generation: int) -> bool:
        return any(paper.is_summary for paper in assistant.papers())

    def opened() -> tuple[Any, ...]:
        papers = assistant.count()
        bundled = has_summaries(assistant.catalog.generation())
        model = render.model_name(assistant.settings)
        examples = [ExampleMessage(text=question) for question in EXAMPLES] if bundled else None
        return (
            render.header(render.TITLE, papers, model, has_summaries=bundled),
            gr.Chatbot(examples=examples, placeholder=render.placeholder(papers)),
        )

    return opened
