"""The plain endpoints: ask, search, papers, and whether the service is well."""

from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response

from assistant.app import Assistant
from assistant.bridge import Work, answer_of, run
from assistant.errors import InputError
from assistant.http import streams
from assistant.http.problems import responses
from assistant.http.schemas import (
    LONGEST_FILTER,
    LONGEST_QUESTION,
    MOST_PAPERS,
    MOST_RESULTS,
    WHERE,
    AnswerView,
    Ask,
    Health,
    Papers,
    PaperView,
    Readiness,
    Results,
)
from assistant.types import Message

Where = Annotated[str, Query(max_length=LONGEST_FILTER, description=WHERE)]


def router(assistant: Assistant, seconds: float) -> APIRouter:
    """Return the endpoints of questions and papers; `seconds` is the limit of each request."""
    routes = APIRouter(
        tags=["Papers"], responses=responses(400, 401, 408, 413, 422, 429, 500, 503, 504)
    )

    @routes.post(
        "/ask",
        response_model=AnswerView,
        responses={
            200: {"content": streams.STREAM},
            **responses(404),
        },
    )
    async def ask(http: Request, request: Annotated[Ask, Body()]) -> Response:
        """Answer a question from the papers, with citations, or abstain."""
        turns = [Message(role=turn.role, content=turn.content) for turn in request.history]
        work = Work(
            lambda running: assistant.stream(
                request.question, turns, where=request.where or None, cancellation=running
            ),
            seconds,
        )
        if request.stream:
            await work.begin()
            return streams.event_stream(streams.plain(work))
        answer = await streams.unless_left(http, answer_of(work))
        if answer is None:
            return Response(status_code=streams.CLIENT_LEFT)
        # As it is: what the answer holds is plain data already.
        return JSONResponse(answer.to_dict())

    @routes.get("/search")
    async def search(
        q: Annotated[str, Query(min_length=1, max_length=LONGEST_QUESTION)],
        k: Annotated[int, Query(ge=1, le=MOST_RESULTS)] = 10,
        where: Where = "",
    ) -> Results:
        """Return the papers that fit a query, best first."""
        if not q.strip():
            raise InputError("The query is empty; say what to look for.")
        found = await run(lambda: assistant.search(q, k, where=where or None), seconds)
        rows = [{"rank": rank, **hit.to_dict()} for rank, hit in enumerate(found, start=1)]
        return Results.model_validate({"query": q, "results": rows})

    @routes.get("/papers", response_model=Papers)
    async def papers(
        offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_PAPERS)] = 50,
        where: Where = "",
    ) -> Papers:
        """Return some of the papers that pass the filter, in the order added."""

        def some() -> list[Any]:
            passing = assistant.papers(where or None)
            return [paper.to_dict() for paper in islice(passing, offset, offset + limit + 1)]

        found = await run(some, seconds)
        more = offset + limit if len(found) > limit else None
        shown = [PaperView.model_validate(one) for one in found[:limit]]
        return Papers(papers=shown, next_offset=more)

    @routes.get("/papers/{paper_id:path}", response_model=PaperView, responses=responses(404))
    def paper(paper_id: str) -> PaperView:
        """Return one paper with its abstract; all offsets of sentences refer to that."""
        found = assistant.paper(paper_id)
        if found is None:
            raise HTTPException(404, "No paper has this id; GET /papers lists them.")
        return PaperView.model_validate(found.to_dict())

    return routes


def health(assistant: Assistant) -> APIRouter:
    """Return the endpoints that ask whether the service is well; they need no token."""
    routes = APIRouter(tags=["Health"])

    @routes.get("/healthz")
    async def healthz() -> Health:
        """Say that the process answers."""
        return Health()

    @routes.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
    def readyz() -> JSONResponse:
        """Say whether the models are loaded and the library can be read."""
        ready = assistant.is_warm
        state = Readiness(status="ready" if ready else "starting", papers=assistant.count())
        return JSONResponse(state.model_dump(), 200 if ready else 503)

    return routes
