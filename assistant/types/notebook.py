"""An answer as a notebook shows it; nothing that a paper or model says becomes markup."""

import re
from collections.abc import Sequence

from assistant.text.html import escape, safe_link
from assistant.text.tables import Table, blocks, table_head, table_line
from assistant.types.answers import Answer, Citation

_MARK = re.compile(r"(\[[0-9]+\])")
_STYLE = (
    "max-width:46em;line-height:1.45",
    "color:gray;font-size:90%",
    "margin:.2em 0 .6em 1.2em",
)


def as_markdown(answer: Answer) -> str:
    """Return the text and a list of sources."""
    lines = ["\n\n".join(map(_markdown_block, blocks(answer.text))), ""]
    for number, citation in answer.sources().items():
        evidence = citation.evidence
        name, link = _inert(evidence.paper.title), _markdown_link(evidence.paper.link)
        title = f"[{name}]({link})" if link else name
        context = f"(“{_inert(evidence.context.text)}”) " if evidence.context else ""
        lines.append(f"{number}. **{title}** — {context}“{_inert(evidence.text)}”")
    lines += [f"\n*{_inert(str(answer.checks))}*"] * bool(answer.checks.checked)
    lines += [f"\n*Note: {_inert(notice)}*" for notice in answer.notices]
    return "\n".join(lines)


def _markdown_block(block: str | Table) -> str:
    if isinstance(block, str):
        return _marked(block)
    rows = [table_line([_marked(cell) for cell in row]) for row in block.rows]
    return "\n".join([table_head([_marked(cell) for cell in block.header]), *rows])


def _marked(text: str) -> str:
    """Make the text inert but for its citation marks, which no link can be made of."""
    parts = _MARK.split(text)
    return _blockless("".join(p if _MARK.fullmatch(p) else _escaped(p) for p in parts))


def _inert(text: str) -> str:
    """Return text so that Markdown shows its characters and makes no link or block of them."""
    return _blockless(_escaped(text))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]()<>#!|~$&])", r"\\\1", text).replace("://", ":&#47;/")


def _blockless(text: str) -> str:
    """Keep the beginnings of lines from being items of a list or lines under a heading."""
    return re.sub(r"^(\s*\d*)([-+=.)])", r"\1\\\2", text, flags=re.MULTILINE)


def _markdown_link(address: str) -> str:
    """Return the address if it can stand between the brackets of a link, else nothing."""
    return re.sub(r"[\s<>()\\]", lambda mark: f"%{ord(mark[0]):02X}", safe_link(address))


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
    link = safe_link(paper.link)
    named = (
        f'<a href="{escape(link)}" rel="noopener noreferrer" target="_blank">{title}</a>'
        if link
        else title
    )
    summary = " [summary]" if paper.is_summary else ""
    context = f"(“{escape(evidence.context.text)}”) " if evidence.context else ""
    return (
        f"<details><summary>[{number}] {title}{summary}</summary>"
        f'<p style="{_STYLE[2]}">{context}“{escape(evidence.text)}”<br>{named}</p></details>'
    )
