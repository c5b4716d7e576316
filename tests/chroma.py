"""A real Chroma server in a process of its own, and a proxy before it that can misbehave."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = "ck-a-planted-token-0815"
START_SECONDS = 120.0


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class ChromaProcess:
    """`chroma run` on loopback; stopped and started again it keeps its port and its data."""

    def __init__(self, folder: Path) -> None:
        """Start it, with its data in `folder`."""
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """What goes into ASSISTANT_CHROMA_URL."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process and wait until it answers."""
        command = Path(sys.executable).with_name("chroma")
        arguments = ["run", "--path", self.folder, "--host", "127.0.0.1", "--port", self.port]
        environ = {**os.environ, "ANONYMIZED_TELEMETRY": "False"}
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(one) for one in [command, *arguments]],
                env=environ,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/api/v2/heartbeat", timeout=5):
                    return
            except OSError:
                assert self._process.poll() is None, "chroma run ended"
                assert time.monotonic() < until, "chroma run doesn't answer"
                time.sleep(0.1)

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a Chroma server, or does to them what `fault` says.

    "": pass it on; a number: answer with that status, repeating the token as some servers do;
    "hang": say nothing; "drip": send the answer byte by byte; "drop": close the connection;
    "html": a login page; "version X": tell that version, and pass the rest on.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int) -> None:
        """Listen before the server at `port` of this machine."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = port
        self.fault = ""
        self.tokens: list[str | None] = []
        self.paths: list[str] = []
        self.stopping = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """What goes into ASSISTANT_CHROMA_URL."""
        return f"http://127.0.0.1:{self.server_port}"

    def stop(self) -> None:
        """Free the port and let whatever hangs go."""
        self.stopping.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_GET(self) -> None:
        """Do to a request what is to be done."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.tokens.append(self.headers.get("X-Chroma-Token"))
        self.server.paths.append(self.path)
        fault = self.server.fault
        kind, _, rest = fault.partition(" ")
        if kind == "hang":
            self.server.stopping.wait(30)
            self.close_connection = True
        elif kind == "drop":
            self.close_connection = True
        elif kind == "drip":
            self._drip()
        elif kind == "html":
            self._answer(200, b"<html>Please log in</html>", "text/html")
        elif kind.isdigit():
            said = f"refused {self.headers.get('Authorization')}"
            told = {"error": "InternalError", "message": said}
            self._answer(int(kind), json.dumps(told).encode())
        elif kind == "version" and self.path.endswith("/version"):
            self._answer(200, json.dumps(rest).encode())
        else:
            self._pass_on(body)

    def do_POST(self) -> None:
        """Do the same."""
        self.do_GET()

    def do_DELETE(self) -> None:
        """Do the same."""
        self.do_GET()

    def _pass_on(self, body: bytes) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        try:
            headers = {"Content-Type": "application/json"}
            upstream.request(self.command, self.path, body or None, headers)
            reply = upstream.getresponse()
            self._answer(reply.status, reply.read())
        except OSError:
            self.close_connection = True
        finally:
            upstream.close()

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        until = time.monotonic() + 20
        while time.monotonic() < until and not self.server.stopping.wait(0.1):
            self.wfile.write(b" ")
            self.wfile.flush()
        self.close_connection = True

    def _answer(self, status: int, payload: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def handle(self) -> None:
        """Serve until the client leaves, also where it leaves without a word."""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Keep the tests' output quiet."""
