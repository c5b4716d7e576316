"""What an answer depends on, and how it is given a second time."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from assistant import __version__
from assistant.filters import Filter, to_text
from assistant.library import Library
from assistant.settings import Settings
from assistant.types import Answer, AnswerEvent, Event, Message, StageEvent, TextEvent

# What changes how an answer comes, but not the answer.
_APART = frozenset(
    "home models host port threads offline start_timeout answer_timeout answers_kept cache_mb "
    "otel_endpoint openai_api_key_set chroma_url chroma_tenant chroma_database chroma_timeout "
    "chroma_token_set".split()
)


def depends_on(
    question: str,
    history: Sequence[Message],
    only: Filter | None,
    settings: Settings,
    library: Library,
    model: str,
    prompts: dict[str, str],
) -> dict[str, Any]:
    """Return all that an answer depends on: equal ones have the same answer.

    Raises:
        LibraryBusyError: another process is writing, so that the library can't be named yet.
    """
    return {
        "question": " ".join(question.split()),
        "history": [[turn.role, turn.content] for turn in history],
        "where": to_text(only) if only is not None else "",
        "settings": {key: one for key, one in settings.public().items() if key not in _APART},
        "library": library.fingerprint(),
        "model": model,
        "prompts": prompts,
        "version": __version__,
    }


def again(answer: Answer, began: float) -> Iterator[Event]:
    """Yield the events of an answer that was given before; it cost no token this time."""
    yield StageEvent(name="cache", detail="answered before")
    yield TextEvent(text=answer.text)
    took = time.perf_counter() - began
    trace = replace(answer.trace, cached_from=answer.id or "cache", tokens={}, usd=None, paid="")
    yield AnswerEvent(
        answer=replace(answer, id="", seconds={"total": took, "first_text": took}, trace=trace)
    )
