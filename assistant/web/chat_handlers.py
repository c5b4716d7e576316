"""What the chat tab does when something is pressed; imports Gradio, so import it late."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.chatbot import ExampleMessage

from assistant.web import filters_box, render, transcripts
from assistant.web.conversation import Conversation, converse, new_id, stopped
from assistant.web.desk import Desk
from assistant.web.sidebar import DELETE, SURE, listing
from assistant.web.sources import panel

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
OUTPUTS = 7
FILTERS = 7
Row = tuple[Any, ...]


def owner_of(request: gr.Request) -> str:
    """Return whose conversations are meant: who logged in, or the one user of this machine."""
    return request.username or ""


def _skip(count: int = OUTPUTS) -> Row:
    return (gr.skip(),) * count


class ChatHandlers:
    """Each returns values for the components that `chat_tab` names as its outputs."""

    def __init__(self, desk: Desk) -> None:
        """Take what keeps conversations and answers."""
        self._desk = desk
        self._files = tempfile.mkdtemp(prefix="assistant-")
        atexit.register(shutil.rmtree, self._files, ignore_errors=True)

    # --- asking ------------------------------------------------------------------------

    def ask(
        self,
        typed: str,
        talk: Conversation,
        low: float | None,
        high: float | None,
        topics: list[str],
        sources: list[str],
        papers: list[str],
        event: gr.EventData,
        request: gr.Request,
    ) -> Iterator[Row]:
        """Answer what was typed, chosen or asked before, and show the answer as it grows."""
        question, base = _asked(typed, talk, event._data or {})
        # One question at a time in one conversation; an empty one leaves the box alone, where
        # by now the next may stand.
        if talk.is_busy or not question:
            yield _skip()
            return
        owner = owner_of(request)
        scope = filters_box.scope_of(low, high, topics, sources, papers)
        now = replace(base, id=base.id or new_id(), scope=scope, editing=None)
        is_first = True
        for turns in converse(self._desk.assistant, question, now.turns, scope):
            now = replace(now, turns=turns)
            if is_first:
                self._desk.save(owner, now, gr.Warning)
                box = gr.Textbox(value="", **BUSY)
                listed = listing(self._desk.titles(owner), now.id)
                yield now, render.messages(turns), gr.skip(), box, "", now.id, listed
                is_first = False
            else:
                yield now, render.messages(turns), *_skip(5)
        self._desk.save(owner, now, gr.Warning)
        yield self._shown(now, owner, box=gr.Textbox(**IDLE))

    def stop(self, talk: Conversation, request: gr.Request) -> Row:
        """End the answer that is on its way; what it had said stays."""
        owner = owner_of(request)
        ended = replace(talk, turns=stopped(talk.turns))
        self._desk.save(owner, ended, gr.Warning)
        return self._shown(ended, owner, box=gr.Textbox(**IDLE))

    # --- conversations -----------------------------------------------------------------

    def load(self, conversation_id: str, request: gr.Request) -> Row:
        """Fill the page as it is opened, with the conversation that this browser had open."""
        assistant = self._desk.assistant
        examples = None
        if self._desk.has_summaries():
            examples = [ExampleMessage(text=question) for question in EXAMPLES]
        talk = self._desk.open(owner_of(request), str(conversation_id or ""), gr.Warning)
        row = list(self._everything(talk, owner_of(request), before=talk))
        row[3] = gr.Textbox(value="", interactive=True, **IDLE)
        row[1] = gr.Chatbot(
            value=row[1], examples=examples, placeholder=render.placeholder(assistant.count())
        )
        return (self._desk.head(), *row)

    def open(self, conversation_id: str, talk: Conversation, request: gr.Request) -> Row:
        """Show another conversation."""
        self._keep(talk, request)
        found = self._desk.open(owner_of(request), conversation_id, gr.Warning)
        return self._everything(found, owner_of(request), before=talk)

    def start_anew(self, talk: Conversation, request: gr.Request) -> Row:
        """Show an empty conversation, of which nothing is kept until something is asked."""
        return self._everything(Conversation(), owner_of(request), before=talk)

    def delete(self, words: str, talk: Conversation, request: gr.Request) -> Row:
        """Ask whether it is meant; pressed again, forget the open conversation."""
        if words != SURE or not talk.id:
            sure = gr.Button(SURE, variant="stop") if talk.id else gr.skip()
            return (*_skip(OUTPUTS + FILTERS), sure)
        self._desk.delete(owner_of(request), talk.id, gr.Warning)
        return self._everything(Conversation(), owner_of(request), before=talk)

    def search(self, words: str, talk: Conversation, request: gr.Request) -> Any:
        """List the conversations that have the words."""
        return listing(self._desk.titles(owner_of(request), words), talk.id)

    # --- presses inside messages and sources -------------------------------------------

    def act(
        self,
        talk: Conversation,
        low: float | None,
        high: float | None,
        topics: list[str],
        sources: list[str],
        papers: list[str],
        event: gr.EventData,
        request: gr.Request,
    ) -> Row:
        """Do what a button in a message or beside a source says."""
        data = event._data or {}
        about = str(data.get("about", ""))
        talk = replace(talk, scope=filters_box.scope_of(low, high, topics, sources, papers))
        acts: dict[str, Callable[[Conversation, str, gr.Request], Row]] = {
            "edit": self._edit,
            "about": self._about,
            "similar": self._similar,
            "sources": self._back,
            "wrong": self._wrong,
            "up": self._rate("up"),
            "down": self._rate("down"),
        }
        chosen = acts.get(str(data.get("does", "")))
        return chosen(talk, about, request) if chosen else _skip(OUTPUTS + FILTERS + 1)

    def _edit(self, talk: Conversation, about: str, _request: gr.Request) -> Row:
        place = _place(about, talk)
        edited = replace(talk, editing=place or None)
        box = gr.Textbox(value=talk.turns[place - 1].question) if place else gr.Textbox(value="")
        note = render.editing(place) if place else ""
        return (edited, gr.skip(), gr.skip(), box, note, *_skip(2 + FILTERS + 1))

    def _about(self, talk: Conversation, about: str, _request: gr.Request) -> Row:
        scope = replace(talk.scope, papers=(about,))
        filled = filters_box.shown(scope, self._desk.choices())
        return (*_skip(), *filled, gr.skip())

    def _similar(self, talk: Conversation, about: str, _request: gr.Request) -> Row:
        similar = self._desk.similar(about, gr.Warning)
        shown = panel(talk.turns, similar) if similar else gr.skip()
        return (gr.skip(), gr.skip(), shown, *_skip(4 + FILTERS + 1))

    def _back(self, talk: Conversation, _about: str, _request: gr.Request) -> Row:
        return (gr.skip(), gr.skip(), panel(talk.turns), *_skip(4 + FILTERS + 1))

    def _wrong(self, talk: Conversation, about: str, request: gr.Request) -> Row:
        place, _, number = about.partition("-")
        if number.isdecimal() and self._desk.judge(
            owner_of(request), talk, _place(place, talk), "wrong citation", int(number), gr.Warning
        ):
            gr.Info(f"Noted that citation [{number}] is wrong. “Export feedback” gives all notes.")
        return _skip(OUTPUTS + FILTERS + 1)

    def _rate(self, verdict: Any) -> Callable[[Conversation, str, gr.Request], Row]:
        def rate(talk: Conversation, about: str, request: gr.Request) -> Row:
            place, owner = _place(about, talk), owner_of(request)
            if not self._desk.judge(owner, talk, place, verdict, None, gr.Warning):
                return _skip(OUTPUTS + FILTERS + 1)
            turns = list(talk.turns)
            turns[place - 1] = replace(turns[place - 1], rating=verdict)
            now = replace(talk, turns=tuple(turns))
            self._desk.save(owner, now, gr.Warning)
            return (now, render.messages(now.turns), *_skip(5 + FILTERS + 1))

        return rate

    # --- filters and files -------------------------------------------------------------

    def say_scope(self, *values: Any) -> list[Any]:
        """Say in words what the filters let through."""
        return filters_box.said(filters_box.scope_of(*values))

    def clear_filters(self) -> list[Any]:
        """Let everything through."""
        return filters_box.nothing()

    def as_markdown(self, talk: Conversation) -> Any:
        """Make a file to read of the open conversation."""
        return self._file("conversation.md", transcripts.as_markdown(talk) if talk.turns else "")

    def as_json(self, talk: Conversation) -> Any:
        """Make a file to go on working with of the open conversation."""
        return self._file("conversation.json", transcripts.as_json(talk) if talk.turns else "")

    def cases(self, request: gr.Request) -> Any:
        """Make a file of evaluation cases of the owner's feedback."""
        text = self._desk.cases(owner_of(request), gr.Warning)
        return self._file(
            "feedback.jsonl", text, "Nothing was rated yet: use Good, Bad or “wrong”."
        )

    # --- helpers -----------------------------------------------------------------------

    def _file(self, name: str, text: str, otherwise: str = "Nothing was asked yet.") -> Any:
        """Write a file for download; Gradio takes it over into its cache, which it clears."""
        if not text:
            raise gr.Error(otherwise, print_exception=False)
        path = Path(tempfile.mkdtemp(dir=self._files)) / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def _keep(self, talk: Conversation, request: gr.Request) -> None:
        if talk.is_busy:
            ended = replace(talk, turns=stopped(talk.turns))
            self._desk.save(owner_of(request), ended, gr.Warning)

    def _shown(self, talk: Conversation, owner: str, box: Any) -> Row:
        listed = listing(self._desk.titles(owner), talk.id)
        return talk, render.messages(talk.turns), panel(talk.turns), box, "", talk.id, listed

    def _everything(self, talk: Conversation, owner: str, before: Conversation) -> Row:
        # What is typed stays, and what a fast hand types meanwhile; not the question that was
        # being edited, as that one belongs to the conversation before.
        box = gr.Textbox(**IDLE) if before.editing is None else gr.Textbox(value="", **IDLE)
        filled = filters_box.shown(talk.scope, self._desk.choices())
        delete = gr.Button(DELETE, variant="secondary")
        return (*self._shown(talk, owner, box), *filled, delete)


def _asked(typed: str, talk: Conversation, data: dict[str, Any]) -> tuple[str, Conversation]:
    """Return the question, and the conversation that it goes on."""
    if data.get("does") == "retry":
        place = _place(str(data.get("about", "")), talk)
        return (talk.turns[place - 1].question, talk.before(place)) if place else ("", talk)
    chosen = data.get("value", "")
    clicked = str(chosen.get("text", "")) if isinstance(chosen, dict) else str(chosen or "")
    base = talk.before(talk.editing) if talk.editing and not clicked else talk
    return (clicked or typed or "").strip(), base


def _place(text: str, talk: Conversation) -> int:
    """Return the number of a turn that has ended, or 0."""
    place = int(text) if text.isdecimal() and len(text) < 9 else 0
    return place if place <= len(talk.turns) and not talk.is_busy else 0
