"""Run the HTTP service in a thread, on a free port of this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from assistant.app import Assistant
from assistant.http.application import application
from assistant.http.guards import Limits
from assistant.web.server import PageServer


@contextmanager
def serving(
    assistant: Assistant, limits: Limits | None = None, *, grace_seconds: int = 3
) -> Iterator[str]:
    """Serve the endpoints; yield their address."""

    def build(assistant: Assistant, host: str, port: int) -> Any:
        return application(assistant, host, port, with_page=False, limits=limits)

    with PageServer(
        assistant, host="127.0.0.1", port=0, application=build, grace_seconds=grace_seconds
    ) as server:
        yield server.address


def fetch(
    address: str, data: Any = None, *, method: str | None = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    """Return status, headers (names in lower case) and body, read as JSON where it is that."""
    body = data if isinstance(data, bytes) or data is None else json.dumps(data).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(address, body, {"Content-Type": "application/json", **given}, method=method)
    try:
        with urlopen(request, timeout=200) as response:
            status, told, text = response.status, response.headers, response.read()
    except HTTPError as error:
        with error:
            status, told, text = error.code, error.headers, error.read()
    kind = told.get_content_type()
    content = json.loads(text) if kind.endswith("json") and text else text.decode()
    return status, {name.lower(): value for name, value in told.items()}, content
