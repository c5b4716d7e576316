"""Conversations as JSON and back: all that the page needs to show them again."""

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from assistant.errors import LibraryError
from assistant.protocols import StoredConversation
from assistant.types import Paper
from assistant.web.conversation import Conversation, stopped

FORMAT = 1


def stored(conversation: Conversation) -> StoredConversation:
    """Return the conversation as it is kept; each paper stands there once."""
    papers: dict[str, Any] = {}
    content = {
        "format": FORMAT,
        "conversation": _plain(conversation, papers),
        "papers": papers,
    }
    text = json.dumps(content, ensure_ascii=False)
    return StoredConversation(id=conversation.id, title=conversation.title, content=text)


def restored(record: StoredConversation) -> Conversation:
    """Rebuild a conversation.

    Raises:
        LibraryError: it was stored by another version of the program.
    """
    try:
        content = json.loads(record.content)
        if content["format"] != FORMAT:
            raise ValueError(content["format"])
        papers = {key: Paper.from_dict(value) for key, value in content["papers"].items()}
        conversation: Conversation = _rebuilt(Conversation, content["conversation"], papers)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LibraryError(
            f"The conversation “{record.title}” can't be shown again, as another version of this "
            "program stored it; delete it, or run that version."
        ) from error
    return replace(conversation, turns=stopped(conversation.turns))


def words(conversation: Conversation) -> str:
    """Return what a search among conversations reads: titles, questions and answers."""
    said = (f"{turn.question}\n{turn.text}" for turn in conversation.turns)
    return "\n".join([conversation.title, *said])


def _plain(value: Any, papers: dict[str, Any]) -> Any:
    """Return lists, mappings and scalars; of a paper its place in `papers`."""
    if isinstance(value, Paper):
        key = f"{value.id}#{value.content_hash}"
        # The raw text is for the library; no part of the page shows it.
        papers[key] = {
            name: part for name, part in value.to_dict().items() if name != "raw_abstract"
        }
        return key
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name), papers) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(part, papers) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, papers) for part in value]
    return value


def _rebuilt(kind: Any, value: Any, papers: Mapping[str, Paper]) -> Any:
    """Return what `_plain` made `value` of, by the type that was annotated."""
    if value is None or kind is Any:
        return value
    if kind is Paper:
        return papers[value]
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        named = {name: _rebuilt(hints[name], part, papers) for name, part in value.items()}
        make: Any = kind
        return make(**named)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _rebuilt(next(part for part in parts if part is not type(None)), value, papers)
    if origin is tuple:
        return tuple(_rebuilt(parts[0], part, papers) for part in value)
    if origin is not None and origin is not Literal and issubclass(origin, Mapping):
        return {name: _rebuilt(parts[1], part, papers) for name, part in value.items()}
    if origin is not None and origin is not Literal and issubclass(origin, Sequence):
        return [_rebuilt(parts[0], part, papers) for part in value]
    return value
