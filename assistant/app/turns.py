"""What callers give beside a question: earlier turns, and which papers count."""

from collections.abc import Mapping
from typing import get_args

from assistant.errors import SettingsError
from assistant.filters import Filter, parse_filter
from assistant.types import Message, Role

Turn = Message | Mapping[str, str]
Where = Filter | str | None


def as_filter(where: Where) -> Filter | None:
    """Return the filter that the words mean; None where all papers count.

    Raises:
        FilterError: the filter can't be read.
    """
    return parse_filter(where) if isinstance(where, str) else where


def as_message(turn: Turn) -> Message:
    """Return a turn of the history as a message.

    Raises:
        SettingsError: it is no turn.
    """
    if isinstance(turn, Message):
        return turn
    content = turn.get("content")
    for role in get_args(Role):
        if role == turn.get("role") and isinstance(content, str):
            return Message(role=role, content=content)
    raise SettingsError(
        'A turn of the history is {"role": "user" or "assistant", "content": "…"}; '
        f"got {dict(turn)!r:.80}."
    )
