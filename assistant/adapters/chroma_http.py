"""Chroma's HTTP client with a time limit; imported only where a server is set.

Chroma's own waits for ever, already while it is made.
"""

import time
import urllib.parse
from typing import Any

import chromadb.errors
import httpx
import orjson
from chromadb.api.fastapi import FastAPI
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings, System
from overrides import override

WRITES = ("upsert", "update", "delete", "add")
WRITE_SHARE = 6
"""To index a batch takes so much longer than to read one."""
ASK_SECONDS = 5.0
"""So long is a server given to say its version, before anything else is asked of it."""
BATCH = 500
NOT_FOUND = 404


class StatusError(Exception):
    """The server refused or failed; what it said is kept apart, since it may repeat a token."""

    def __init__(self, status: int, said: str) -> None:
        """Take the HTTP status and the server's words."""
        super().__init__(f"status {status}")
        self.status = status
        self.said = said


class TooSlowError(Exception):
    """The whole reply wasn't there in time."""


class BoundedApi(FastAPI):
    """Chroma's API over HTTP: each request is given up after `seconds`, all of it counted."""

    def __init__(self, system: System, seconds: float) -> None:
        """Take the limit for a request that reads."""
        super().__init__(system)
        self.seconds = seconds

    @override
    def _make_request(self, method: str, path: str, **kwargs: Any) -> Any:
        if "json" in kwargs:
            content = orjson.dumps(kwargs.pop("json"), option=orjson.OPT_SERIALIZE_NUMPY)
            kwargs["content"] = content
        url = self.get_api_url() + urllib.parse.quote(path, safe="/")
        seconds = self._limit(path.rpartition("/")[2])
        try:
            return self._request(method, url, seconds, kwargs)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            # A restarted server has dropped the connections that were kept open. What is asked of
            # it may be asked twice: nothing here is done twice by that.
            return self._request(method, url, seconds, kwargs)

    def _limit(self, what: str) -> float:
        if what == "version":
            return min(ASK_SECONDS, self.seconds)
        return self.seconds * (WRITE_SHARE if what in WRITES else 1)

    def _request(self, method: str, url: str, seconds: float, kwargs: Any) -> Any:
        until = time.monotonic() + seconds
        body = bytearray()
        with self._session.stream(method, url, timeout=seconds, **kwargs) as response:
            for piece in response.iter_bytes():
                body += piece
                if time.monotonic() > until:
                    raise TooSlowError
        if response.is_error:
            raise _error(response.status_code, bytes(body))
        return orjson.loads(body)


def _error(status: int, body: bytes) -> Exception:
    """Return what Chroma says is missing as its own error, and all else with its status."""
    try:
        told = orjson.loads(body)
        name, said = str(told.get("error", "")), str(told.get("message", ""))
    except (ValueError, AttributeError):
        name, said = "", body[:200].decode("utf-8", "replace")
    if status == NOT_FOUND and name == chromadb.errors.NotFoundError.name():
        return chromadb.errors.NotFoundError(said)
    return StatusError(status, said)


class ServerClient:
    """What a store needs of a Chroma server, as Chroma's own client offers it."""

    def __init__(self, url: str, tenant: str, database: str, token: str, seconds: float) -> None:
        """Take the address; nothing is asked of the server yet."""
        parts = urllib.parse.urlsplit(url)
        # Chroma Cloud takes the one header, the proxies before servers of one's own the other.
        headers = {"X-Chroma-Token": token, "Authorization": f"Bearer {token}"} if token else {}
        secure = parts.scheme == "https"
        self._system = System(
            Settings(
                anonymized_telemetry=False,
                chroma_api_impl="chromadb.api.fastapi.FastAPI",
                chroma_server_host=parts.hostname,
                chroma_server_http_port=parts.port or (443 if secure else 80),
                chroma_server_ssl_enabled=secure,
                chroma_server_headers=headers,
            )
        )
        self._api = BoundedApi(self._system, seconds)
        self._where: dict[str, Any] = {"tenant": tenant, "database": database}

    def version(self) -> str:
        """Return what the server says its version is, sooner than it answers other things."""
        return str(self._api.get_version())

    def get_or_create_collection(self, name: str, **options: Any) -> Collection:
        """Return the collection, made where there is none."""
        embedding_function = options.pop("embedding_function", None)
        model = self._api.get_or_create_collection(name, **options, **self._where)
        return Collection(self._api, model, embedding_function)

    def delete_collection(self, name: str) -> None:
        """Delete the collection."""
        self._api.delete_collection(name, **self._where)

    def get_collection(self, name: str) -> Collection:
        """Return the collection.

        Raises:
            NotFoundError: there is none.
        """
        return Collection(self._api, self._api.get_collection(name, **self._where), None)

    def get_max_batch_size(self) -> int:
        """Return how many passages go at once: few enough for the time limit."""
        most = self._api.get_max_batch_size()
        return min(BATCH, most) if most > 0 else BATCH

    def close(self) -> None:
        """End the connections."""
        # Chroma leaves that to the collector of garbage.
        self._api._session.close()
        self._system.stop()
