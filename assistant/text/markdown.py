"""Text as Markdown that shows its characters, and makes no link, block or markup of them."""

import re

from assistant.text.html import safe_link
from assistant.text.tables import Table, blocks, table_head, table_line

_MARK = re.compile(r"(\[[0-9]+\])")


def answer_text(text: str) -> str:
    """Return an answer's text as Markdown: its tables stay tables, its citation marks marks."""
    return "\n\n".join(map(_block, blocks(text)))


def _block(block: str | Table) -> str:
    if isinstance(block, str):
        return marked(block)
    rows = [table_line([marked(cell) for cell in row]) for row in block.rows]
    return "\n".join([table_head([marked(cell) for cell in block.header]), *rows])


def marked(text: str) -> str:
    """Make the text inert but for its citation marks, which no link can be made of."""
    parts = _MARK.split(text)
    return _blockless("".join(p if _MARK.fullmatch(p) else _escaped(p) for p in parts))


def inert(text: str) -> str:
    """Return text so that Markdown shows its characters and makes no link or block of them."""
    return _blockless(_escaped(text))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]()<>#!|~$&])", r"\\\1", text).replace("://", ":&#47;/")


def _blockless(text: str) -> str:
    """Keep the beginnings of lines from being items of a list or lines under a heading."""
    return re.sub(r"^(\s*\d*)([-+=.)])", r"\1\\\2", text, flags=re.MULTILINE)


def link(address: str) -> str:
    """Return the address if it can stand between the brackets of a link, else nothing."""
    return re.sub(r"[\s<>()\\]", lambda mark: f"%{ord(mark[0]):02X}", safe_link(address))
