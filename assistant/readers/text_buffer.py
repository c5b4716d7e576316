"""A window over a text that arrives in chunks, with the line numbers of its places."""

from collections.abc import Iterator


class TextBuffer:
    """Holds a part of the text in `text`; places in it are valid until `more` is called."""

    def __init__(self, chunks: Iterator[str]) -> None:
        """Take the chunks; nothing is held before the first `more`."""
        self.text = ""
        self._chunks = chunks
        self._line = 1
        self._counted = 0

    def more(self, keep_from: int) -> bool:
        """Drop what lies before `keep_from` and append a chunk; False where there is none."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self.line_at(keep_from)
        self.text = self.text[keep_from:] + chunk
        self._counted = 0
        return True

    def line_at(self, place: int) -> int:
        """Return the line number of a place; places must come in order."""
        if place > self._counted:
            self._line += self.text.count("\n", self._counted, place)
            self._counted = place
        return self._line
