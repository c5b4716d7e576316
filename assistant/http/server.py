"""Serve the endpoints and the page at one address until the process is told to end."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from assistant.app import Assistant
from assistant.errors import SettingsError
from assistant.web.server import LOOPBACK, PageServer

GRACE_SECONDS = 20


def serve(
    assistant: Assistant,
    *,
    host: str = LOOPBACK[0],
    port: int = 7860,
    with_page: bool = True,
    on_ready: Callable[[str], object] | None = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM; requests in flight then have 20 seconds to end.

    `on_ready` is called with the address as soon as it answers.

    Raises:
        SettingsError: the address is taken or not to be had, or others could reach it and no
            token is set.
    """
    if host not in LOOPBACK and not assistant.settings.token:
        raise SettingsError(
            f"{host} can be reached from other machines, and ASSISTANT_TOKEN is not set; set it to "
            "a long random word that clients send as 'Authorization: Bearer …', "
            "or pass --host 127.0.0.1."
        )

    def build(assistant: Assistant, host: str, port: int) -> Callable[..., object]:
        from assistant.http.application import application

        return application(assistant, host, port, with_page=with_page)

    server = PageServer(
        assistant, host=host, port=port, application=build, grace_seconds=GRACE_SECONDS
    ).start()
    try:
        with _ended_by_signals():
            if on_ready:
                on_ready(server.address)
            server.wait()
    finally:
        server.stop()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM, which service managers send, end the service as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
