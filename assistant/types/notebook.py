"""An answer as a notebook shows it; nothing that a paper or model says becomes markup."""

from collections.abc import Sequence

from assistant.text.html import escape, safe_link
from assistant.text.markdown import answer_text, inert, link
from assistant.text.tables import Table, blocks
from assistant.types.answers import Answer, Citation

_STYLE = (
    "max-width:46em;line-height:1.45",
    "color:gray;font-size:90%",
    "margin:.2em 0 .6em 1.2em",
)


def as_markdown(answer: Answer) -> str:
    """Return the text and a list of sources."""
    below = sources_as_markdown(answer)
    return f"{answer_text(answer.text)}\n" + f"\n{below}" * bool(below)


def sources_as_markdown(answer: Answer) -> str:
    """Return what stands below the text: sources, checks and notices."""
    lines = []
    for number, citation in answer.sources().items():
        evidence = citation.evidence
        name, address = inert(evidence.paper.title), link(evidence.paper.link)
        title = f"[{name}]({address})" if address else name
        context = f"(“{inert(evidence.context.text)}”) " if evidence.context else ""
        lines.append(f"{number}. **{title}** — {context}“{inert(evidence.text)}”")
    lines += [f"\n*{inert(str(answer.checks))}*"] * bool(answer.checks.checked)
    lines += [f"\n*Note: {inert(notice)}*" for notice in answer.notices]
    return "\n".join(lines)


def as_html(answer: Answer) -> str:
    """Return the text, its sources to unfold, and what became of its sentences."""
    sources = answer.sources()
    body = "".join(_html_block(block) for block in blocks(answer.text))
    shown = "".join(_source(number, one) for number, one in sources.items())
    facts = [f"{answer.status} · {answer.model} · {answer.seconds.get('total', 0.0):.2f} s"]
    facts += [str(answer.checks)] * bool(answer.checks.checked)
    facts += [f"Note: {notice}" for notice in answer.notices]
    notes = "".join(f'<p style="{_STYLE[1]}">{escape(fact)}</p>' for fact in facts)
    return f'<div style="{_STYLE[0]}">{body}{shown}{notes}</div>'


def _html_block(block: str | Table) -> str:
    if isinstance(block, str):
        return "".join(f"<p>{escape(part)}</p>" for part in block.split("\n") if part.strip())

    def line(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    rows = "".join(line(row, "td") for row in block.rows)
    return f"<table><thead>{line(block.header, 'th')}</thead><tbody>{rows}</tbody></table>"


def _source(number: int, citation: Citation) -> str:
    evidence = citation.evidence
    paper = evidence.paper
    title = escape(paper.title or paper.id) + (f" ({paper.year})" if paper.year else "")
    address = safe_link(paper.link)
    named = (
        f'<a href="{escape(address)}" rel="noopener noreferrer" target="_blank">{title}</a>'
        if address
        else title
    )
    summary = " [summary]" if paper.is_summary else ""
    context = f"(“{escape(evidence.context.text)}”) " if evidence.context else ""
    return (
        f"<details><summary>[{number}] {title}{summary}</summary>"
        f'<p style="{_STYLE[2]}">{context}“{escape(evidence.text)}”<br>{named}</p></details>'
    )
