"""Turns, sources and the header as HTML; pure functions, and the only place that makes markup."""

import re
import string
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from assistant.settings import Settings
from assistant.text.tables import Table, blocks
from assistant.types import Answer, Citation, Evidence, Paper
from assistant.web.conversation import Turn, Turns

TITLE = "Abstract Assistant"
SUMMARY_NOTE = (
    "The bundled library holds summaries written for this project, not the authors' abstracts; "
    "look the papers up by title."
)
THIS_IS_A_SUMMARY = "A summary written for this project, not the authors' abstract."
CONTEXT = "What the marked sentence refers to"
NO_SOURCES = "Ask something: the sentences behind each answer appear here."
LONGEST_ABSTRACT = 6_000
_STATUS = {
    "answered": "answered",
    "partial": "answered in part",
    "abstained": "not answered by these papers",
}
_MARK = re.compile(r"\[([0-9]+)\]")
# All punctuation, not only <>&"': then the text is inert in Markdown and templates too.
_REFERENCES = {ord(mark): f"&#{ord(mark)};" for mark in string.punctuation if mark not in ".,"}
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), " ")
_ESCAPES = _REFERENCES | _CONTROLS


def escape(text: str) -> str:
    """Return the text so that a browser shows just its characters, whatever they are."""
    return text.encode(errors="replace").decode().translate(_ESCAPES)


def safe_link(address: str) -> str:
    """Return the address if it is a web address that can be linked to, else an empty string."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    return address.strip() if parts.scheme in ("http", "https") and parts.netloc else ""


# --- the conversation --------------------------------------------------------------------


def messages(turns: Turns) -> list[dict[str, str]]:
    """Return the conversation as role and HTML content, the form the chat component takes."""
    shown = []
    for place, turn in enumerate(turns, start=1):
        shown.append(
            {"role": "user", "content": f'<p class="question">{escape(turn.question)}</p>'}
        )
        shown.append({"role": "assistant", "content": reply(turn, place)})
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
    return "".join(parts)


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
    title = escape(source.evidence.paper.title)
    return f'<a class="cite" href="#source-{place}-{number}" title="{title}">[{number}]</a>'


# --- the sources -------------------------------------------------------------------------


def panel(turns: Turns) -> str:
    """Return the sources of every answer; only those of the latest are visible.

    The page's script shows an earlier section when one of its marks is clicked.
    """
    answered = [(place, turn) for place, turn in enumerate(turns, start=1) if turn.answer]
    if not answered:
        return f'<p class="empty">{escape(NO_SOURCES)}</p>'
    last = answered[-1][0]
    return "".join(_section(turn, place, hidden=place != last) for place, turn in answered)


def _section(turn: Turn, place: int, *, hidden: bool) -> str:
    answer = turn.answer
    if answer is None:
        return ""
    if answer.citations:
        heading = "Sources"
        cards = [
            _source(answer.citations, number, place, is_open=number == 1)
            for number in answer.sources()
        ]
    else:
        heading = "Nearest papers" if answer.nearest else "No sources"
        cards = [_card(paper, "", _abstract(paper, None)) for paper in answer.nearest]
    return (
        f'<section class="sources" id="sources-{place}"{" hidden" if hidden else ""}>'
        f'<h2>{heading}</h2><p class="asked">{escape(turn.question)}</p>'
        f"{''.join(cards)}"
        '<a class="back" href="#talk">Back to the conversation</a></section>'
    )


def _source(citations: Sequence[Citation], number: int, place: int, *, is_open: bool) -> str:
    """Return one numbered source with every claim that cites it."""
    mine = [citation for citation in citations if citation.number == number]
    evidence = mine[0].evidence
    supported = all(citation.support.supported for citation in mine)
    badge = _badge(supported=supported)
    label = f'<span class="number">{number}</span>'
    body = _abstract(evidence.paper, evidence) + _support(mine)
    return _card(
        evidence.paper, label, body, badge=badge, at=f"source-{place}-{number}", is_open=is_open
    )


def _card(
    paper: Paper, label: str, body: str, *, badge: str = "", at: str = "", is_open: bool = False
) -> str:
    title = escape(paper.title or paper.id)
    link = escape(safe_link(paper.link))
    if link:
        heading = f'<a href="{link}" target="_blank" rel="noopener noreferrer">{title}</a>'
    else:
        heading = title
    facts = (", ".join(paper.authors), str(paper.year or ""), paper.venue)
    about = " · ".join(escape(fact) for fact in facts if fact)
    note = f'<p class="summary-note">{escape(THIS_IS_A_SUMMARY)}</p>' if paper.is_summary else ""
    identity = f' id="{at}"' if at else ""
    return (
        f'<details class="source"{identity}{" open" if is_open else ""}>'
        f'<summary>{label}<span class="short">{title}</span>{badge}</summary>'
        f"<h3>{heading}</h3>"
        + (f'<p class="about">{about}</p>' if about else "")
        + f"{body}{note}</details>"
    )


def _badge(*, supported: bool) -> str:
    word = "supported" if supported else "weak"
    return f'<span class="badge {word}">{word}</span>'


def _abstract(paper: Paper, evidence: Evidence | None) -> str:
    """Return the abstract, the evidence marked, and the sentence that says what it refers to.

    A huge one is cut around the evidence.
    """
    text = paper.abstract
    start, end = (evidence.passage.start, evidence.passage.end) if evidence else (0, 0)
    first = max(0, start - LONGEST_ABSTRACT // 2)
    last = max(end, min(len(text), first + LONGEST_ABSTRACT))
    before = escape(text[first:start])
    context = evidence.context if evidence else None
    if context is not None and first <= context.start < context.end <= start:
        before = (
            f"{escape(text[first : context.start])}"
            f'<mark class="context" title="{escape(CONTEXT)}">{escape(context.text)}</mark>'
            f"{escape(text[context.end : start])}"
        )
    marked = f"<mark>{escape(text[start:end])}</mark>" if end > start else ""
    return (
        f'<p class="abstract">{"… " if first else ""}{before}{marked}'
        f"{escape(text[end:last])}{' …' if last < len(text) else ''}</p>"
    )


def _support(citations: Iterable[Citation]) -> str:
    """Return, for each claim that rests on a sentence, how well it does and why."""
    several = list(citations)
    rows = []
    for citation in several:
        support = citation.support
        claim = f"<q>{escape(citation.claim.text)}</q> " if len(several) > 1 else ""
        why = escape("; ".join(support.reasons))
        word = "Supported" if support.supported else "Weak"
        rows.append(f"<li>{claim}<b>{word} {support.score:.2f}</b>{': ' if why else ''}{why}</li>")
    return f'<ul class="support">{"".join(rows)}</ul>'


# --- the header --------------------------------------------------------------------------


def header(title: str, papers: int, model: str, *, has_summaries: bool) -> str:
    """Return the page's head: how many papers, which model, and what the papers are."""
    what = "1 paper" if papers == 1 else f"{papers:,} papers"
    note = f'<p class="summary-note">{escape(SUMMARY_NOTE)}</p>' if has_summaries else ""
    return f'<h1>{escape(title)}</h1><p class="library">{what} · model: {escape(model)}</p>{note}'


def placeholder(papers: int) -> str:
    """Return what an empty conversation says."""
    if papers:
        return "Ask a question; every sentence of the answer names the sentence it rests on."
    return (
        "The library is empty. Add papers with “assistant add FILE…”, or the bundled sample "
        "with “assistant add --bundled”, and reload this page."
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
