"""All endpoints and the page as one ASGI application."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Security
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

import assistant as package
from assistant.app import Assistant
from assistant.http import library_api, openai_api, problems
from assistant.http.docs_page import docs_page
from assistant.http.guards import App, Guard, Limits
from assistant.mcp.server import is_installed, tools
from assistant.web.server import LOOPBACK, mount_page, with_headers

if TYPE_CHECKING:
    from mcp.server import MCPServer

_ABOUT = (
    "Questions over paper abstracts; every sentence of an answer carries a citation that was "
    "checked against the cited sentence."
)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}


class _Described(FastAPI):
    """Describes the two forms of errors too, which responses refer to."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description."""
        spec = super().openapi()
        for model in (problems.Problem, problems.OpenAIError):
            made = model.model_json_schema(ref_template="#/components/schemas/{model}")
            spec["components"]["schemas"] |= made.pop("$defs", {}) | {model.__name__: made}
        return spec


def application(
    assistant: Assistant,
    host: str,
    port: int,
    *,
    with_page: bool = True,
    limits: Limits | None = None,
) -> App:
    """Return the service; it needs the settings' token wherever that is set."""
    settings = assistant.settings
    limits = limits or Limits(at_once=settings.requests_at_once, seconds=settings.request_timeout)
    mcp = tools(assistant) if is_installed() else None
    app = _Described(
        lifespan=None if mcp is None else _running(mcp),
        title="Abstract Assistant",
        version=package.__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
    )
    bearer = [Security(HTTPBearer(auto_error=False))] if settings.token else []
    seconds = limits.seconds
    routers = (library_api.router(assistant, seconds), openai_api.router(assistant, seconds))
    for router in routers:
        app.include_router(router, dependencies=bearer)
    health = library_api.health(assistant)
    app.include_router(health)
    _refuse_other_methods(app, (*routers, health))
    if mcp is not None:
        # No sessions: each request stands alone, so that none is open when the service ends.
        app.router.routes += mcp.streamable_http_app(
            host=host,
            stateless_http=True,
            json_response=True,
            max_request_body_size=limits.body_bytes,
        ).routes
    problems.install(app)

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi()))

    if host in LOOPBACK:
        # A name that some website points at 127.0.0.1 must not read a private library.
        # "[" is what the middleware, which splits at colons, sees of "[::1]".
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "["])
    whole: App = mount_page(app, assistant, host, port) if with_page else app
    return with_headers(Guard(whole, settings.token, limits))


def _running(mcp: "MCPServer[Any]") -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return what keeps the tools running as long as the application."""

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with mcp.session_manager.run():
            yield

    return running


def _refuse_other_methods(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Answer 405 where a path has no such method, which the page would take for its own."""
    allowed: dict[str, set[str]] = {}
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                allowed.setdefault(route.path, set()).update(route.methods or ())

    def refuser(methods: str) -> Callable[[Request], Awaitable[Response]]:
        async def refuse(request: Request) -> Response:
            raise HTTPException(
                405, f"{request.method} has no meaning here; use {methods}.", {"Allow": methods}
            )

        return refuse

    for path, methods in allowed.items():
        rest = sorted(_METHODS - methods)
        refuse = refuser(", ".join(sorted(methods)))
        app.add_route(path, refuse, methods=rest, include_in_schema=False)

    async def unknown(_: Request) -> Response:
        raise HTTPException(404, "There is nothing here; see /docs.")

    app.add_route("/v1/{rest:path}", unknown, methods=sorted(_METHODS), include_in_schema=False)
