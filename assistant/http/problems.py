"""Errors as clients see them: OpenAI's format below /v1, problem details (RFC 9457) elsewhere.

No traceback and nothing of the request's content is in either.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from assistant.errors import (
    AssistantError,
    EmptyLibraryError,
    InputError,
    LibraryBusyError,
    LibraryError,
    ModelError,
    RequestTimeoutError,
)

logger = logging.getLogger(__name__)

SOMETHING_WRONG = "Something went wrong; the details are in the log of the server."
RETRY_SECONDS = "2"
# The first that fits counts.
_STATUS: tuple[tuple[type[AssistantError], int], ...] = (
    (RequestTimeoutError, 504),
    (InputError, 400),
    (EmptyLibraryError, 404),
    (LibraryBusyError, 503),
    (LibraryError, 500),
    (ModelError, 503),
    (AssistantError, 500),
)
_KIND = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
FIRST_SERVER_ERROR = 500


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What happened, and what to do about it.")


class OpenAIErrorDetail(BaseModel):
    """What went wrong, as the OpenAI API tells it."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class OpenAIError(BaseModel):
    """An error as the OpenAI API wraps it."""

    error: OpenAIErrorDetail


def status_of(error: AssistantError) -> int:
    """Return the HTTP status that says whose fault it is."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def is_openai(path: str) -> bool:
    """Whether the path belongs to the OpenAI-compatible endpoints."""
    return path == "/v1" or path.startswith("/v1/")


def openai_error(
    status: int, message: str, code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    """Return the body of an error below /v1."""
    kind = "server_error" if status >= FIRST_SERVER_ERROR else "invalid_request_error"
    detail = OpenAIErrorDetail(
        message=message, type=_KIND.get(status, kind), param=param, code=code
    )
    return OpenAIError(error=detail).model_dump()


def refusal(
    path: str,
    status: int,
    message: str,
    headers: Mapping[str, str] | None = None,
    code: str | None = None,
    param: str | None = None,
) -> JSONResponse:
    """Return the response that tells the client of `path` what went wrong."""
    if is_openai(path):
        body = openai_error(status, message, code, param)
        return JSONResponse(body, status, headers)
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=message)
    return JSONResponse(problem.model_dump(), status, headers, "application/problem+json")


def responses(*statuses: int, model: type[BaseModel] = Problem) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI page says of the statuses; 422 is FastAPI's own default."""
    kind = "application/json" if model is OpenAIError else "application/problem+json"
    content = {kind: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Answer every error of the application in its client's format."""

    async def known(request: Request, error: Exception) -> JSONResponse:
        status = status_of(error) if isinstance(error, AssistantError) else FIRST_SERVER_ERROR
        if status == FIRST_SERVER_ERROR:
            logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        headers = {"Retry-After": RETRY_SECONDS} if isinstance(error, LibraryBusyError) else None
        code = "library_empty" if isinstance(error, EmptyLibraryError) else None
        return refusal(request.url.path, status, str(error), headers, code)

    async def http(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            return await unknown(request, error)
        code = "model_not_found" if _names_model(error) else None
        return refusal(request.url.path, error.status_code, error.detail, error.headers, code)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        message = "; ".join(_said(one) for one in found[:3])
        param = _place(found[0]) if found else None
        status = 400 if is_openai(request.url.path) else 422
        return refusal(
            request.url.path, status, f"{message}; see /docs.", param=param, code="invalid"
        )

    async def unknown(request: Request, _: Exception) -> JSONResponse:
        return refusal(request.url.path, FIRST_SERVER_ERROR, SOMETHING_WRONG)

    app.add_exception_handler(AssistantError, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, unknown)


def _names_model(error: HTTPException) -> bool:
    return error.status_code == HTTPStatus.NOT_FOUND and "model" in error.detail


def _place(found: Mapping[str, Any]) -> str:
    """Return where in the request it is, as "messages.0.role"."""
    place = [str(part) for part in found["loc"]]
    return ".".join(place[1:] or place)


def _said(found: Mapping[str, Any]) -> str:
    return f"{_place(found)}: {found['msg']}"
