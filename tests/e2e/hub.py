"""A model hub on this machine that all but stops half-way until it is told to go on."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from assistant.adapters.model_files import ModelFiles

CRUMB = 65_536
"""Bytes a second while it waits."""


class SlowHub(ThreadingHTTPServer):
    """Has the files of one model; sends the first half of each, and the rest after `go_on`."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, model: ModelFiles, models: Path) -> None:
        """Listen on a free port; the files lie below `models`."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {
            f"/{hub['repo']}/resolve/{hub['revision']}/{hub['file']}": (
                model.folder(models) / file["name"],
                file["sha256"],
            )
            for file in model.files
            for hub in [file["hub"]]
        }
        self.go_on = threading.Event()

    @property
    def address(self) -> str:
        """What goes into HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: SlowHub

    def do_HEAD(self) -> None:
        """Describe a file as the hub does."""
        self._describe(0)

    def do_GET(self) -> None:
        """Send a file, or what of it comes after a place where the client was cut off."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        at = int(asked[1]) if asked else 0
        path = self._describe(at)
        if path is None:
            return
        self.wfile.flush()
        half = path.stat().st_size // 2
        with path.open("rb") as file:
            if at < half:
                at += self.connection.sendfile(file, at, half - at)
            # Never quite still: the client gives up a server that is silent for ten seconds.
            while not self.server.go_on.wait(1):
                at += self.connection.sendfile(file, at, CRUMB)
            self.connection.sendfile(file, at)

    def _describe(self, at: int) -> Path | None:
        path, sha256 = self.server.files.get(self.path, (None, ""))
        size = path.stat().st_size if path else 0
        self.send_response(404 if path is None else 206 if at else 200)
        self.send_header("ETag", f'"{sha256}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(size - at))
        if at:
            self.send_header("Content-Range", f"bytes {at}-{size - 1}/{size}")
        self.end_headers()
        return path

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Keep the tests' output quiet."""


@contextmanager
def slow_hub(model: ModelFiles, models: Path) -> Iterator[SlowHub]:
    """Run the hub."""
    hub = SlowHub(model, models)
    threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield hub
    finally:
        hub.go_on.set()
        hub.shutdown()
        hub.server_close()
