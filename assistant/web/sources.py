"""The panel beside the chat as HTML: papers behind an answer, their sentences marked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.text.html import escape, safe_link
from assistant.types import Citation, Evidence, Paper
from assistant.web.conversation import Turn, Turns
from assistant.web.evidence_view import evidence_view
from assistant.web.render import action

THIS_IS_A_SUMMARY = "A summary written for this project, not the authors' abstract."
CONTEXT = "What the marked sentence refers to"
NO_SOURCES = "Ask something: the sentences behind each answer appear here."
LONGEST_ABSTRACT = 6_000


@dataclass(frozen=True, kw_only=True)
class Similar:
    """A paper and those that are like it, the most alike first."""

    paper: Paper
    papers: tuple[Paper, ...]


def panel(turns: Turns, similar: Similar | None = None) -> str:
    """Return the sources of every answer; only those of the latest, or `similar`, are visible.

    The page's script shows an earlier section when one of its marks is clicked.
    """
    answered = [(place, turn) for place, turn in enumerate(turns, start=1) if turn.answer]
    if not answered:
        return f'<p class="empty">{escape(NO_SOURCES)}</p>'
    last = 0 if similar else answered[-1][0]
    sections = [_section(turn, place, hidden=place != last) for place, turn in answered]
    return "".join([*sections, *([_similar(similar)] if similar else [])])


def _similar(similar: Similar) -> str:
    cards = [_card(paper, "", _abstract(paper, None) + _further(paper)) for paper in similar.papers]
    title = escape(similar.paper.title or similar.paper.id)
    return (
        '<section class="sources" id="similar"><h2>Similar papers</h2>'
        f'<p class="asked">to {title}</p>'
        f"{''.join(cards) or '<p>There is no other paper like it in the library.</p>'}"
        f"{action('Back to the sources', 'sources', '')}</section>"
    )


def _further(paper: Paper, wrong: str = "") -> str:
    """Return what can be done with a paper; `wrong` names the citation to complain of."""
    parts = [
        action("Ask about this paper", "about", paper.id),
        action("Similar papers", "similar", paper.id),
    ]
    if wrong:
        title = "Its sentence doesn't say what the answer says"
        parts.append(action("This citation is wrong", "wrong", wrong, title=title))
    return f'<p class="acts">{"".join(parts)}</p>'


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
        cards = [
            _card(paper, "", _abstract(paper, None) + _further(paper)) for paper in answer.nearest
        ]
    return (
        f'<section class="sources" id="sources-{place}"{" hidden" if hidden else ""}>'
        f'<h2>{heading}</h2><p class="asked">{escape(turn.question)}</p>'
        f"{''.join(cards)}{evidence_view(answer)}"
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
    body += _further(evidence.paper, f"{place}-{number}")
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
