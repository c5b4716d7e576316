"""Answers as server-sent events, an error once begun being one too, and clients that leave."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse

from assistant.bridge import Work
from assistant.errors import AssistantError
from assistant.http import chat
from assistant.http.openai_schemas import chunk, delta
from assistant.http.problems import SOMETHING_WRONG, openai_error, status_of
from assistant.types import Answer, Event, StageEvent, TextEvent

logger = logging.getLogger(__name__)

CLIENT_LEFT = 499
"""The status of a request whose client didn't wait, which nobody reads (nginx's number)."""
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


async def plain(work: Work[Event]) -> AsyncIterator[str]:
    """Yield the events `stage`, `text` and `answer`, or `error` as the last."""
    try:
        async with work:
            async for event in work:
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
    work: Work[Event], name: str, created: int, *, with_usage: bool
) -> AsyncIterator[str]:
    """Yield the chunks of a chat completion; its last but one carries the citations."""

    def piece(**fields: Any) -> str:
        return f"data: {_json(chunk(name, created, chat.MODEL, **fields))}\n\n"

    try:
        yield piece(choices=delta(role="assistant", content=""))
        async with work:
            async for event in work:
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


async def unless_left(request: Request, answer: Coroutine[Any, Any, Answer]) -> Answer | None:
    """Return the answer; None where the client has left, which cancels what makes it."""

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    leaving, answering = asyncio.create_task(left()), asyncio.create_task(answer)
    try:
        await asyncio.wait((leaving, answering), return_when=asyncio.FIRST_COMPLETED)
        return answering.result() if answering.done() else None
    finally:
        leaving.cancel()
        answering.cancel()


def _event(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {_json(data)}\n\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
