"""The chat page's components and what they do; imports Gradio, so import it late."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio.components.chatbot import ExampleMessage

from assistant.app import Assistant
from assistant.web import render
from assistant.web.conversation import Turns, converse, stopped
from assistant.web.library import library_tab

TITLE = "Abstract Assistant"
QUESTIONS_AT_ONCE = 10
QUESTIONS_WAITING = 100
HOUR = 60 * 60
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
_SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica", "sans-serif")
_FIXED_FONTS = ("ui-monospace", "Menlo", "Consolas", "monospace")
_FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="7" fill="#4f46e5"/>'
    '<text x="16" y="22" font-family="sans-serif" font-size="16" font-weight="700" '
    'text-anchor="middle" fill="#fff">[1]</text></svg>'
)


def look() -> dict[str, Any]:
    """Return theme, style and script, as Gradio takes them when a page is served."""
    icon = f'<link rel="icon" type="image/svg+xml" href="data:image/svg+xml,{quote(_FAVICON)}">'
    return {
        "theme": gr.themes.Base(
            primary_hue="indigo",
            neutral_hue="slate",
            font=[gr.themes.Font(name) for name in _SYSTEM_FONTS],
            font_mono=[gr.themes.Font(name) for name in _FIXED_FONTS],
        ),
        # Not as `css`, whose selectors Gradio rewrites.
        "head": f"{icon}<style>{_packaged('style.css')}{_packaged('library.css')}</style>"
        f"<script>{_packaged('page.js')}</script>",
    }


def _packaged(name: str) -> str:
    return files("assistant.web").joinpath(name).read_text(encoding="utf-8")


def page(assistant: Assistant) -> gr.Blocks:
    """Return the page, to be served with `look()`; the assistant stays the caller's to close."""
    blocks = gr.Blocks(
        title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=(HOUR, HOUR)
    )
    with blocks:
        turns = gr.State((), time_to_live=STATE_SECONDS)
        with gr.Row(elem_id="top"):
            head = gr.HTML(elem_id="head")
            clear = gr.Button("New conversation", elem_id="clear", size="sm")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Chat", id="chat-tab"), gr.Row(elem_id="columns"):
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
            with gr.Tab("Library", id="library-tab") as library:
                changed = library_tab(assistant, turns, library)
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
        opening = {**options, "outputs": [head, chat]}
        blocks.load(_opener(assistant), **opening)
        changed.change(_opener(assistant), **opening)
    blocks.queue(default_concurrency_limit=QUESTIONS_AT_ONCE, max_size=QUESTIONS_WAITING)
    return blocks


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
            render.header(TITLE, papers, model, has_summaries=bundled),
            gr.Chatbot(examples=examples, placeholder=render.placeholder(papers)),
        )

    return opened
