"""Answers as JSON that gives the same objects again, for the cache."""

import json
from collections.abc import Mapping
from typing import Any

from assistant.types import (
    Answer,
    Checks,
    Citation,
    Claim,
    Evidence,
    Flagged,
    Message,
    Paper,
    Passage,
    Support,
    Trace,
)

_KINDS = {
    kind.__name__: kind
    for kind in (
        Answer, Checks, Citation, Claim, Evidence, Flagged, Message, Paper, Passage, Support,
        Trace,
    )
}  # fmt: skip
_KIND = "$"
_TUPLE = "tuple"


def encoded(answer: Answer) -> str:
    """Return the answer as one line."""
    return json.dumps(_plain(answer), ensure_ascii=False)


def decoded(text: str) -> Answer:
    """Return the answer of such a line.

    Raises:
        ValueError: it is none, or of another version of the assistant.
    """
    try:
        found = json.loads(text, object_hook=_object)
    except (KeyError, TypeError) as error:
        raise ValueError(f"no answer of this version ({error})") from error
    if isinstance(found, Answer):
        return found
    raise ValueError("no answer")


def _plain(value: Any) -> Any:
    name = type(value).__name__
    if _KINDS.get(name) is type(value):
        return {_KIND: name} | {key: _plain(one) for key, one in vars(value).items()}
    if isinstance(value, tuple):
        return {_KIND: _TUPLE, "of": [_plain(one) for one in value]}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return value


def _object(found: dict[str, Any]) -> Any:
    kind = found.pop(_KIND, None)
    if kind is None:
        return found
    return tuple(found["of"]) if kind == _TUPLE else _KINDS[kind](**found)
