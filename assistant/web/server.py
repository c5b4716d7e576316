"""Serves the page on one address, to this machine unless told otherwise."""

import errno
import logging
import math
import os
import socket
import threading
import time
import webbrowser
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from assistant.app import Assistant
from assistant.errors import AssistantError, SettingsError
from assistant.web.access import Brake, Gate, demanded, operators

if TYPE_CHECKING:
    from fastapi import FastAPI

logger = logging.getLogger(__name__)

START_SECONDS = 60
STOP_SECONDS = 10
HIGHEST_PORT = 65_535
BAD_REQUEST = 400
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Whatever got into the page, the browser would load it from this server only.
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Message, _Receive, _Send], Awaitable[None]]


class PageServer:
    """The page at an address, from `start` to `stop` or in a `with`; the assistant isn't closed."""

    def __init__(
        self,
        assistant: Assistant,
        *,
        host: str,
        port: int,
        application: "Callable[[Assistant, str, int], Any] | None" = None,
        grace_seconds: int = 3,
    ) -> None:
        """Take the address at once, so that a taken one is known early; port 0 means any.

        `application` makes what is served in place of the page alone; at the end, requests in
        flight have `grace_seconds`.

        Raises:
            SettingsError: the address is taken or not to be had, or it can be reached from
                other machines and no password is set.
        """
        if application is None:
            settings = assistant.settings
            users = demanded(host, LOOPBACK, settings.user, settings.password)
            application = partial(_application, users=users)
        self._socket = _listener(host, port)
        self._host = host
        self._port = int(self._socket.getsockname()[1])
        self._assistant = assistant
        self._application = application
        self._grace_seconds = grace_seconds
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{self._port}"

    def start(self) -> Self:
        """Build the page and serve it in a thread, while the chat model is fetched beside.

        Raises:
            AssistantError: the server doesn't start.
        """
        import uvicorn

        self._assistant.prepare_beside()
        app = self._application(self._assistant, self._host, self._port)
        config = uvicorn.Config(
            app,
            log_level="warning",
            ws="none",
            timeout_graceful_shutdown=self._grace_seconds,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()
        until = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                self.stop()
                raise AssistantError(
                    f"The page at {self.address} didn't start; run 'assistant doctor'."
                )
            time.sleep(0.05)
        threading.Thread(target=_warm_up, args=[self._assistant], daemon=True).start()
        return self

    def wait(self) -> None:
        """Block until the server ends or the user interrupts."""
        try:
            while self._thread.is_alive():
                self._thread.join(timeout=1)
        except KeyboardInterrupt:
            logger.debug("interrupted")

    def stop(self) -> None:
        """End the server and free the address."""
        self._server.should_exit = True
        self._thread.join(timeout=STOP_SECONDS + self._grace_seconds)
        self._socket.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()


def serve(
    assistant: Assistant,
    *,
    host: str = LOOPBACK[0],
    port: int = 7860,
    open_browser: bool = False,
    block: bool = True,
    on_ready: Callable[[str], object] | None = None,
) -> str:
    """Serve the page and return its address: at the end, or at once where not `block`.

    `on_ready` is called with the address as soon as the page can be opened.

    Raises:
        SettingsError: the address is taken or not to be had, or needs a password.
    """
    server = PageServer(assistant, host=host, port=port).start()
    try:
        if on_ready:
            on_ready(server.address)
        if open_browser:
            webbrowser.open(server.address)
        if block:
            server.wait()
    finally:
        if block:
            server.stop()
    return server.address


def _listener(host: str, port: int) -> socket.socket:
    """Return a socket that holds the address."""
    if not 0 <= port <= HIGHEST_PORT:  # Look-ups take such a number and wrap it around.
        raise SettingsError(f"{port} is no port; pass --port with a number up to {HIGHEST_PORT}.")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            f"{host!r} is no address of this machine ({error}); pass --host 127.0.0.1."
        ) from error
    if os.name == "posix":  # Elsewhere this option would let two servers share a port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(place)
    except OSError as error:
        listener.close()
        raise SettingsError(_why(error, host, port)) from error
    return listener


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use; pass --port with another number, such as 0."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than you have; pass --port 1024 or above."
    return f"{host}, port {port} can't be served ({error}); pass --host or --port."


def _application(assistant: Assistant, host: str, port: int, users: dict[str, str]) -> _App:
    """Return the page as an ASGI application."""
    from fastapi import FastAPI
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    bare = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    if host in LOOPBACK:
        # A name that some website points at 127.0.0.1 must not read a private library.
        # "[" is what the middleware, which splits at colons, sees of "[::1]".
        bare.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "["])
    mounted = mount_page(bare, assistant, host, port, users)
    return with_headers(_with_brake(mounted, Brake()) if users else mounted)


def mount_page(
    app: "FastAPI", assistant: Assistant, host: str, port: int, users: dict[str, str] | None = None
) -> _App:
    """Put the page below the paths that the application has already; `users` must log in."""
    import gradio as gr

    from assistant.web.library.adding import MOST_MEGABYTES
    from assistant.web.page import look, page

    who = operators(host, LOOPBACK, users or (), assistant.settings.token)
    mounted: _App = gr.mount_gradio_app(
        app,
        page(assistant, who),
        path="/",
        server_name=host,
        server_port=port,
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=f"{MOST_MEGABYTES}mb",
        auth=Gate(users) if users else None,
        auth_message="This library is private." if users else None,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        **look(),
    )
    return mounted


def _with_brake(app: _App, brake: Brake) -> _App:
    """Refuse logins from an address that failed too often, before passwords are compared."""

    async def answer(scope: _Message, receive: _Receive, send: _Send) -> None:
        is_login = scope["type"] == "http" and scope["method"] == "POST"
        if not is_login or scope["path"].rstrip("/") != "/login":
            await app(scope, receive, send)
            return
        address = (scope.get("client") or ("",))[0]
        seconds = brake.wait(address)
        if seconds:
            await _refused(send, seconds)
            return

        async def noted(message: _Message) -> None:
            if message["type"] == "http.response.start":
                (brake.passed if message["status"] < BAD_REQUEST else brake.failed)(address)
            await send(message)

        await app(scope, receive, noted)

    return answer


async def _refused(send: _Send, seconds: float) -> None:
    wait = str(math.ceil(seconds))
    headers = [(b"content-type", b"application/json"), (b"retry-after", wait.encode())]
    body = f'{{"detail": "Too many failed logins; try again in {wait} seconds."}}'.encode()
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def with_headers(app: _App) -> _App:
    """Add what keeps a browser from loading or sending anything elsewhere."""

    async def answer(scope: _Message, receive: _Receive, send: _Send) -> None:
        async def guarded(message: _Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await app(scope, receive, guarded)

    return answer


def _warm_up(assistant: Assistant) -> None:
    """Load the models before the first question, which shows what fails here.

    Then finish the vectors that papers still lack.
    """
    try:
        assistant.warm_up()
        assistant.index_beside()
    except Exception:
        logger.debug("warming up failed", exc_info=True)
