"""What a request must pass before it reaches an endpoint: token, size, pace, a free place."""

import asyncio
import base64
import binascii
import hmac
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from assistant.http.problems import RETRY_SECONDS, refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

OPEN = ("/healthz", "/readyz")
# Programs send a bearer token here. Elsewhere a browser may ask for the token as a password; it
# would send that along with what another site's page makes it request, so not here.
API = ("/v1", "/ask", "/search", "/papers", "/mcp")
# These compute; the rest reads a little.
WORK = {
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/embeddings"),
    ("POST", "/ask"),
    ("POST", "/mcp"),
    ("GET", "/search"),
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of the service one moment may take: bytes, seconds, requests."""

    body_bytes: int = 1_048_576
    body_seconds: float = 20.0
    at_once: int = 4
    waiting: int = 64
    seconds: float = 120.0


class Guard:
    """Wraps the application; refuses what must not reach it."""

    def __init__(self, app: App, token: str, limits: Limits) -> None:
        self._app = app
        self._token = token
        self._limits = limits
        self._places = asyncio.Semaphore(limits.at_once)
        self._inside = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        send = _named(send)
        refused = self._refused(scope["path"], headers)
        if refused is not None:
            await refused(scope, receive, send)
        elif (scope["method"], scope["path"]) in WORK:
            await self._work(scope, self._bounded(receive), send)
        else:
            await self._app(scope, self._bounded(receive), send)

    def _refused(self, path: str, headers: dict[bytes, bytes]) -> JSONResponse | None:
        """Return the refusal of a request without the token, or of one that is too large."""
        if self._token and path not in OPEN and not self._admits(path, headers):
            kind = "Bearer" if _within(path, API) else 'Basic realm="assistant", charset="UTF-8"'
            return refusal(
                path,
                401,
                "The token is missing or wrong; send the server's ASSISTANT_TOKEN as "
                "'Authorization: Bearer …' (in a browser: as the password, with any name).",
                {"WWW-Authenticate": kind},
                "invalid_api_key",
            )
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._limits.body_bytes:
            return refusal(path, 413, self._too_large(), {"Connection": "close"})
        return None

    def _admits(self, path: str, headers: dict[bytes, bytes]) -> bool:
        kind, _, given = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() == b"basic" and not _within(path, API):
            try:
                given = base64.b64decode(given, validate=True).partition(b":")[2]
            except binascii.Error:
                return False
        elif kind.lower() != b"bearer":
            return False
        # In a time that tells nothing of how much of it is right.
        return hmac.compare_digest(given.strip(), self._token.encode())

    async def _work(self, scope: Message, receive: Receive, send: Send) -> None:
        """Give the request a place, or refuse it where too many wait."""
        if self._inside >= self._limits.at_once + self._limits.waiting:
            busy = refusal(
                scope["path"],
                429,
                f"{self._limits.waiting} requests wait already; try again in a moment.",
                {"Retry-After": RETRY_SECONDS},
                "too_many_requests",
            )
            await busy(scope, receive, send)
            return
        self._inside += 1
        try:
            async with self._places:
                await self._app(scope, receive, send)
        finally:
            self._inside -= 1

    def _bounded(self, receive: Receive) -> Receive:
        """Refuse a body that is too large or comes too slowly, whatever its head says."""
        taken = 0
        ended = False

        async def bounded() -> Message:
            nonlocal taken, ended
            if ended:  # What comes now is the client's leaving, for which one may wait.
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self._limits.body_seconds)
            except TimeoutError as error:
                raise HTTPException(
                    408, f"The request didn't come within {self._limits.body_seconds:g} seconds."
                ) from error
            taken += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if taken > self._limits.body_bytes:
                raise HTTPException(413, self._too_large(), {"Connection": "close"})
            return message

        return bounded

    def _too_large(self) -> str:
        return f"The request is larger than {self._limits.body_bytes:,} bytes; send less."


def _within(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)


def _named(send: Send) -> Send:
    """Give each response an id, which clients show with an error."""
    name = f"req_{uuid.uuid4().hex}".encode()

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", name)]
        await send(message)

    return named
