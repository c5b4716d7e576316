"""Answers as server-sent events; an error once begun is an event too."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi.responses import StreamingResponse

from assistant.bridge import run, stepped
from assistant.errors import AssistantError
from assistant.http import chat
from assistant.http.openai_schemas import chunk, delta
from assistant.http.problems import SOMETHING_WRONG, openai_error, status_of
from assistant.types import Answer, AnswerEvent, Event, StageEvent, TextEvent

logger = logging.getLogger(__name__)


STREAM = {
    "text/event-stream": {
        "schema": {
            "type": "object",
            "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
        }
    }
}


def event_stream(pieces: AsyncIterator[str]) -> StreamingResponse:
    """Return the response that sends the pieces as they come."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(pieces, media_type="text/event-stream", headers=headers)


async def begun(events: Iterator[Event], seconds: float) -> Iterator[Event]:
    """Return the same events once the first is there.

    What is wrong with a question shows there, when an error can still be told by its status.
    """
    first = await run(lambda: next(events), seconds)

    def resumed() -> Iterator[Event]:
        yield first
        yield from events

    return resumed()


async def plain(events: Iterator[Event], seconds: float) -> AsyncIterator[str]:
    """Yield the events `stage`, `text` and `answer`, or `error` as the last."""
    try:
        async with stepped(events, seconds) as coming:
            async for event in coming:
                if isinstance(event, StageEvent):
                    yield _event("stage", {"name": event.name, "detail": event.detail})
                elif isinstance(event, TextEvent):
                    yield _event("text", {"text": event.text})
                else:
                    yield _event("answer", event.answer.to_dict())
    except AssistantError as error:
        yield _event("error", {"detail": str(error)})
    except Exception:
        logger.exception("A stream failed")
        yield _event("error", {"detail": SOMETHING_WRONG})


async def completions(
    events: Iterator[Event], seconds: float, name: str, created: int, *, with_usage: bool
) -> AsyncIterator[str]:
    """Yield the chunks of a chat completion; its last but one carries the citations."""

    def piece(**fields: Any) -> str:
        return f"data: {_json(chunk(name, created, chat.MODEL, **fields))}\n\n"

    try:
        yield piece(choices=delta(role="assistant", content=""))
        async with stepped(events, seconds) as coming:
            async for event in coming:
                if isinstance(event, StageEvent):
                    yield f": {_json(event.detail)}\n\n"  # A comment, which clients pass over.
                elif isinstance(event, TextEvent):
                    yield piece(choices=delta(content=event.text))
                else:
                    answer = event.answer
                    yield piece(choices=delta(content=chat.sources(answer)))
                    yield piece(choices=delta("stop"), **chat.extension(answer))
                    if with_usage:
                        yield piece(usage=chat.usage(answer).model_dump())
        yield "data: [DONE]\n\n"
    except AssistantError as error:
        yield f"data: {_json(openai_error(status_of(error), str(error)))}\n\n"
    except Exception:
        logger.exception("A stream failed")
        yield f"data: {_json(openai_error(500, SOMETHING_WRONG))}\n\n"


async def whole(events: Iterator[Event], seconds: float) -> Answer:
    """Return the answer at the end of the events.

    Raises:
        RequestTimeoutError: it takes longer than `seconds`.
    """
    async with stepped(events, seconds) as coming:
        async for event in coming:
            if isinstance(event, AnswerEvent):
                return event.answer
    raise AssistantError("No answer came; run 'assistant doctor'.")


def _event(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {_json(data)}\n\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
