"""The OpenAI-compatible endpoints: chat completions, embeddings, models."""

import base64
import time
import uuid
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Body, HTTPException, Request
from fastapi.responses import Response

from assistant.app import Assistant
from assistant.bridge import Work, answer_of, run
from assistant.errors import InputError, ModelError
from assistant.http import chat, streams
from assistant.http.openai_schemas import (
    LONGEST_TEXT,
    MOST_TEXTS,
    ChatCompletion,
    ChatRequest,
    Choice,
    Embedding,
    EmbeddingRequest,
    Embeddings,
    EmbeddingUsage,
    ModelList,
    ModelView,
    ReplyMessage,
)
from assistant.http.problems import OpenAIError, responses
from assistant.protocols import Vectors


def router(assistant: Assistant, seconds: float) -> APIRouter:
    """Return the endpoints below /v1; `seconds` is the limit of each request."""
    routes = APIRouter(
        prefix="/v1",
        tags=["OpenAI-compatible"],
        responses=responses(400, 401, 404, 408, 413, 429, 500, 503, 504, model=OpenAIError),
    )

    @routes.post(
        "/chat/completions",
        response_model=ChatCompletion,
        responses={200: {"content": streams.STREAM}},
    )
    async def complete(
        http: Request, request: Annotated[ChatRequest, Body()]
    ) -> ChatCompletion | Response:
        """Answer the last message from the papers; its citations are in `citations` too."""
        _known(request.model, chat.MODEL)
        question, turns = chat.conversation(request.messages)
        work = Work(
            lambda running: assistant.stream(
                question, turns, where=request.where or None, cancellation=running
            ),
            seconds,
        )
        name, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
        if request.stream:
            await work.begin()
            options = request.stream_options
            with_usage = options is not None and options.include_usage
            pieces = streams.completions(work, name, created, with_usage=with_usage)
            return streams.event_stream(pieces)
        answer = await streams.unless_left(http, answer_of(work))
        if answer is None:
            return Response(status_code=streams.CLIENT_LEFT)
        return ChatCompletion(
            id=name,
            created=created,
            model=chat.MODEL,
            choices=[Choice(message=ReplyMessage(content=chat.content(answer)))],
            usage=chat.usage(answer),
            **chat.extension(answer),
        )

    @routes.post("/embeddings", response_model=Embeddings)
    async def embed(request: Annotated[EmbeddingRequest, Body()]) -> Embeddings:
        """Return the vectors of texts, by the embedder of the library."""
        _known(request.model, _embedder_id(assistant))
        texts = _texts(request.input)
        vectors = await run(lambda: _vectors(assistant, texts), seconds)
        width = vectors.shape[1]
        if request.dimensions not in (None, width):
            raise InputError(f"This model's vectors have {width} dimensions; leave dimensions out.")
        data = [
            Embedding(index=index, embedding=_encoded(vector, request.encoding_format))
            for index, vector in enumerate(vectors)
        ]
        return Embeddings(data=data, model=request.model, usage=EmbeddingUsage())

    @routes.get("/models")
    def models() -> ModelList:
        """List what `model` may be: one name that answers, one that embeds."""
        names = (chat.MODEL, _embedder_id(assistant))
        return ModelList(data=[ModelView(id=name) for name in names])

    @routes.get("/models/{model:path}")
    def model(model: str) -> ModelView:
        """Return one of the models."""
        _known(model, chat.MODEL, _embedder_id(assistant))
        return ModelView(id=model)

    return routes


def _known(name: str, *names: str) -> None:
    if name not in names:
        wanted = " or ".join(repr(one) for one in names)
        raise HTTPException(404, f"There is no such model here; set model to {wanted}.")


def _embedder_id(assistant: Assistant) -> str:
    """Return the embedder's name without the folder that it lies in."""
    name = assistant.library.embedder_name
    return f"onnx:{Path(name).name}" if name.startswith("onnx:") else name


def _texts(given: str | list[str]) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not 0 < len(texts) <= MOST_TEXTS:
        raise InputError(f"{len(texts)} texts came; send 1 to {MOST_TEXTS} at a time.")
    if not all(text.strip() for text in texts):
        raise InputError("One of the texts is empty; leave it out.")
    if max(map(len, texts)) > LONGEST_TEXT:
        raise InputError(f"One of the texts has more than {LONGEST_TEXT:,} characters; cut it.")
    return texts


def _vectors(assistant: Assistant, texts: list[str]) -> Vectors:
    embedder = assistant.library.embedder()
    if embedder is None:
        raise ModelError("The embedder can't be had; run 'assistant doctor' on the server.")
    return embedder.embed(texts)


def _encoded(vector: Vectors, form: str) -> list[float] | str:
    if form == "float":
        return [float(value) for value in vector]
    return base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode()
