"""A model hub on this machine that stops half-way until it is told to go on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from assistant.adapters.model_files import ModelFiles

PATIENCE = 600


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
        path, sha256 = self.server.files.get(self.path, (None, ""))
        self.send_response(200 if path else 404)
        self.send_header("ETag", f'"{sha256}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(path.stat().st_size if path else 0))
        self.end_headers()

    def do_GET(self) -> None:
        """Send a file in two halves."""
        self.do_HEAD()
        path, _ = self.server.files[self.path]
        half = path.stat().st_size // 2
        self.wfile.flush()
        with path.open("rb") as file:
            self.connection.sendfile(file, 0, half)
            self.server.go_on.wait(PATIENCE)
            self.connection.sendfile(file, half)

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
