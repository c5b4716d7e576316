"""How an answer came about, as HTML: scores, what was dropped, timings and the prompt."""

from collections.abc import Sequence

from assistant.text.html import escape
from assistant.types import Answer

NO_MODEL = "No model was asked for this answer: its sentences are the papers' own."


def evidence_view(answer: Answer) -> str:
    """Return a part to unfold: nothing of it is needed to read the answer."""
    parts = [_scores(answer), _dropped(answer), _seconds(answer), _prompt(answer)]
    return (
        '<details class="evidence"><summary>How this answer was made</summary>'
        f"{''.join(parts)}</details>"
    )


def _scores(answer: Answer) -> str:
    """Return, for each sentence that was read, its retrieval score and its support as bars.

    Retrieval scores have no fixed scale: the best of this answer fills its bar.
    """
    if not answer.evidence:
        return "<p>No sentence of the papers bears on the question.</p>"
    highest = max((one.score for one in answer.evidence), default=0.0) or 1.0
    best: dict[tuple[str, int], tuple[int, float]] = {}
    for citation in answer.citations:
        place = (citation.evidence.paper.id, citation.evidence.passage.start)
        known = best.get(place, (0, 0.0))
        best[place] = max(known, (citation.number, citation.support.score), key=lambda it: it[1])
    rows = []
    for one in answer.evidence:
        number, support = best.get((one.paper.id, one.passage.start), (0, 0.0))
        mark = f"[{number}] " if number else ""
        supported = _bar(support, support) if number else "not cited"
        rows.append(
            f"<tr><td>{mark}{escape(one.text)} <small>{escape(one.paper.title)}</small></td>"
            f"<td>{_bar(one.score / highest, one.score)}</td><td>{supported}</td></tr>"
        )
    return (
        '<h3>Sentences that were read</h3><table class="scores"><thead><tr><th>Sentence</th>'
        f"<th>Retrieval</th><th>Support</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _bar(share: float, value: float) -> str:
    """Return a bar of the share (0 to 1) of its width, and the value as a number."""
    within = min(1.0, max(0.0, share))
    return f'<meter min="0" max="1" value="{within:.3f}"></meter> {value:.2f}'


def _dropped(answer: Answer) -> str:
    rows = [
        f"<li><q>{escape(str(one.get('text', '')))}</q> "
        f"{escape('; '.join(map(str, one.get('reasons', ()))) or 'no sentence supports it')}</li>"
        for one in answer.trace.rejected
    ]
    unknown = answer.trace.unknown_numbers
    if unknown:
        rows.append(f"<li>Citations of nothing: {escape(', '.join(unknown))}</li>")
    aside = [
        f"<li><q>{escape(one.text)}</q> {escape('; '.join(one.reasons))}</li>"
        for one in answer.trace.flagged
    ]
    kept_out = f"<h3>Kept out of the evidence</h3>{_listed(aside)}" if aside else ""
    dropped = _listed(rows) if rows else "<p>Nothing was dropped.</p>"
    return f"<h3>Dropped from the answer</h3>{dropped}{kept_out}"


def _seconds(answer: Answer) -> str:
    rows = [f"<li>{escape(name)}: {spent:.2f} s</li>" for name, spent in answer.seconds.items()]
    tokens = answer.trace.tokens
    if tokens.get("requests"):
        read, written = tokens.get("prompt", 0), tokens.get("completion", 0)
        rows.append(f"<li>tokens: {read} read, {written} written</li>")
    return f"<h3>Timings</h3>{_listed(rows)}"


def _prompt(answer: Answer) -> str:
    if not answer.trace.asked:
        return f"<h3>Prompt</h3><p>{escape(NO_MODEL)}</p>"
    asked = "".join(
        f"<h4>{escape(message.role)}</h4><pre>{escape(message.content)}</pre>"
        for message in answer.trace.asked
    )
    return f"<details><summary>The exact prompt</summary>{asked}</details>"


def _listed(rows: Sequence[str]) -> str:
    return f"<ul>{''.join(rows)}</ul>"
