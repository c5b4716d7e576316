"""Topics in one field, for formats that have no list of them."""

from collections.abc import Iterator, Sequence

_SEPARATORS = (",", ";", "|", "||", "|||", "||||")


def together(topics: Sequence[str]) -> str:
    """Return the topics with a separator that none of them contains."""
    free = (mark for mark in _SEPARATORS if not any(mark in topic for topic in topics))
    mark = next(free, _SEPARATORS[-1])
    # A lone topic with a comma needs the other separator too, to be seen as one.
    closed = len(topics) == 1 and mark != _SEPARATORS[0]
    before = " " if mark[1:] else ""  # so that a topic's own sign isn't taken for a part of it
    return f"{before}{mark} ".join(topics) + (before + mark if closed else "")


def apart(text: str) -> Iterator[tuple[str, ...]]:
    """Yield what `text` may have been, for each separator."""
    yield from dict.fromkeys(
        tuple(filter(None, (topic.strip() for topic in text.split(mark)))) for mark in _SEPARATORS
    )
