"""Turns and the header as HTML; pure functions. All text goes through `escape`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from assistant.app.chat_models import Preparation
from assistant.settings import Settings
from assistant.text.html import escape
from assistant.text.tables import Table, blocks
from assistant.types import Answer, Citation
from assistant.web.conversation import Turn, Turns
from assistant.web.suggestions import suggestions

TITLE = "Abstract Assistant"
SUMMARY_NOTE = (
    "The bundled library holds summaries written for this project, not the authors' abstracts; "
    "look the papers up by title."
)
_RATINGS = (
    ("up", "Good", "A good answer: keep it as an example"),
    ("down", "Bad", "A bad answer: keep it for review"),
)
_STATUS = {
    "answered": "answered",
    "partial": "answered in part",
    "abstained": "not answered by these papers",
}
_MARK = re.compile(r"\[([0-9]+)\]")


# --- the conversation --------------------------------------------------------------------


def messages(turns: Turns) -> list[dict[str, Any]]:
    """Return the conversation as role and HTML content, the form the chat component takes.

    What could be asked next goes along with the last answer.
    """
    shown: list[dict[str, Any]] = []
    for place, turn in enumerate(turns, start=1):
        shown.append(
            {"role": "user", "content": f'<p class="question">{escape(turn.question)}</p>'}
        )
        shown.append({"role": "assistant", "content": reply(turn, place)})
    if turns and turns[-1].answer is not None:
        asked = [turn.question for turn in turns]
        further = suggestions(turns[-1].answer, asked)
        shown[-1]["options"] = [{"value": question} for question in further]
    return shown


def reply(turn: Turn, place: int) -> str:
    """Return what is shown under the turn's question; `place` counts turns from 1."""
    parts = []
    if turn.answer is not None:
        parts += _answer_parts(turn.answer, place)
    elif turn.text:
        parts.append(_answer_text(turn.text, {}, place))
    if turn.stage:
        parts.append(f'<p class="stage">{escape(turn.stage)}…</p>')
    if turn.problem:
        parts.append(f'<p class="problem">{escape(turn.problem)}</p>')
    if not turn.is_open:
        parts.append(_actions(turn, place))
    return "".join(parts)


def action(words: str, does: str, about: str | int, *, kind: str = "do", title: str = "") -> str:
    """Return a button whose press the page's script hands on, as `does` with `about`.

    `kind` is "ask" where a question is asked by it, else "do".
    """
    tip = f' title="{escape(title)}"' if title else ""
    value = escape(f"{does}:{about}")
    return f'<button type="button" class="act {kind}" value="{value}"{tip}>{words}</button>'


def _actions(turn: Turn, place: int) -> str:
    """Return what can be done with a turn that has ended.

    Gradio's own buttons would copy and edit the markup, not the text.
    """
    parts = [action("Copy", "copy", place, title="Copy the answer with its sources")]
    parts.append(action("Edit", "edit", place, title="Change the question and ask again"))
    parts.append(action("Retry", "retry", place, kind="ask", title="Ask the same again"))
    if turn.answer is not None:
        for rating, words, title in _RATINGS:
            mark = "✓ " if turn.rating == rating else ""
            parts.append(action(mark + words, rating, place, title=title))
    return f'<p class="acts">{"".join(parts)}</p>'


def _answer_parts(answer: Answer, place: int) -> list[str]:
    parts = [_answer_text(answer.text, answer.sources(), place, answer.status)]
    notices = list(answer.notices)
    parts += [f'<p class="notice">{escape(notice)}</p>' for notice in notices]
    facts = (_STATUS[answer.status], answer.model, f"{answer.seconds.get('total', 0.0):.2f} s")
    line = " · ".join(escape(fact) for fact in facts)
    parts.append(f'<p class="facts">{line}</p>')
    if answer.checks.checked:
        parts.append(f'<p class="facts checks">{escape(str(answer.checks))}</p>')
    return parts


def _answer_text(text: str, sources: dict[int, Citation], place: int, status: str = "open") -> str:
    """Return the answer's text as paragraphs and tables."""
    return "".join(
        _table(block, sources, place)
        if isinstance(block, Table)
        else f'<p class="answer {status}">{_with_chips(block, sources, place)}</p>'
        for block in blocks(text)
    )


def _table(table: Table, sources: dict[int, Citation], place: int) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        shown = "".join(f"<{tag}>{_with_chips(cell, sources, place)}</{tag}>" for cell in cells)
        return f"<tr>{shown}</tr>"

    rows = "".join(line(row, "td") for row in table.rows)
    return (
        f'<table class="answer"><thead>{line(table.header, "th")}</thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _with_chips(text: str, sources: dict[int, Citation], place: int) -> str:
    """Escape the text; marks of known sources become links to them, others stay plain.

    While an answer streams its sources aren't known yet, so that marks are not links.
    """
    shown, at = [], 0
    for mark in _MARK.finditer(text):
        shown.append(escape(text[at : mark.start()]))
        shown.append(_chip(int(mark[1]), sources, place))
        at = mark.end()
    return "".join([*shown, escape(text[at:])])


def _chip(number: int, sources: dict[int, Citation], place: int) -> str:
    source = sources.get(number)
    if source is None:
        return f"[{number}]"
    return f'<a class="cite" href="#source-{place}-{number}">[{number}]</a>'


def editing(place: int) -> str:
    """Return the line above the box while the question of a turn is being changed."""
    what = escape(f"Asking question {place} anew replaces what follows it.")
    return f'<p class="editing" role="status">{what} {action("Cancel", "edit", 0)}</p>'


# --- the header --------------------------------------------------------------------------


def header(title: str, papers: int, model: str, *, has_summaries: bool) -> str:
    """Return the page's head: how many papers, which model, and what the papers are."""
    what = "1 paper" if papers == 1 else f"{papers:,} papers"
    note = f'<p class="summary-note">{escape(SUMMARY_NOTE)}</p>' if has_summaries else ""
    return f'<h1>{escape(title)}</h1><p class="library">{what} · model: {escape(model)}</p>{note}'


def status(now: Preparation, failures: Sequence[str] = (), *, waited: bool = False) -> str:
    """Return the line that says how far the chat model is, or why there is none.

    That it is ready is told to who has waited for it only.
    """
    if now.is_under_way:
        share = f' value="{now.done}" max="{now.total}"' if now.total else ""
        words = f"{escape(str(now))}. Until it is ready, answers quote the papers."
        return (
            f'<p class="status" role="status"><progress aria-label="Fetched"{share}></progress> '
            f"{words}</p>"
        )
    ready = f"The chat model {now.name} is ready: it writes the answers from now on."
    lines = [ready] if waited and now.state == "ready" else failures
    return "".join(f'<p class="status" role="status">{escape(one)}</p>' for one in lines)


def told(words: str) -> str:
    """Return what came of a press, for all to notice."""
    return f'<p class="told" role="status">{escape(words)}</p>'


def placeholder(papers: int) -> str:
    """Return what an empty conversation says."""
    if papers:
        return "Ask a question; every sentence of the answer names the sentence it rests on."
    return (
        "The library is empty. Add papers in the Library tab, or with “assistant add FILE…”; "
        "“assistant add --bundled” adds a sample to try. Then ask here."
    )


def model_name(settings: Settings) -> str:
    """Return the model that the settings name, and where questions are sent if they are."""
    if settings.chat_model == "openai":
        host = urlsplit(settings.openai_base_url).hostname or "api.openai.com"
        return f"{settings.openai_model}, which reads your questions at {host}"
    if settings.chat_model == "extractive":
        return "extractive (quotes the papers' own sentences)"
    if settings.local_model_path:
        return Path(settings.local_model_path).stem
    from assistant.adapters.model_files import known_model

    return known_model("chat").name
