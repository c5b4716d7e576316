"""Where a Chroma store is: in a folder of this machine, or on a server."""

import contextlib
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

from assistant.adapters.chroma_segments import damaged_segments
from assistant.errors import LibraryError, StoreUnavailableError
from assistant.settings import Settings

EMBEDDED = "embedded"
SPOKEN = "1"
"""The major version of the servers whose API this program speaks."""
REFUSED = {401, 403}
NOT_FOUND = 404
TOO_MANY = 429
FAILED = 500
SHOWN = 200
CHECKED_BYTES = 64 * 1024 * 1024
"""The links of larger indexes are checked by `assistant doctor` only, not whenever they open."""


@dataclass(frozen=True, kw_only=True)
class ChromaFolder:
    """A folder that this process opens itself."""

    folder: Path

    def __str__(self) -> str:
        """The folder."""
        return str(self.folder)

    @property
    def key(self) -> str:
        """What tells this place from others, and names it in the catalog."""
        return EMBEDDED

    def collection(self, name: str, owner: Callable[[], str]) -> str:  # noqa: ARG002 - see below
        """Return the collection's name: the folder is the library's own."""
        return name

    def lock(self) -> AbstractContextManager[Any]:
        """Return what keeps a search apart from reopening."""
        return RLock()

    def open(self) -> Any:
        """Return a client.

        Raises:
            LibraryError: Chroma can't open the folder.
        """
        import chromadb
        from chromadb.config import Settings as ChromaSettings

        if wrong := damaged_segments(self.folder, CHECKED_BYTES):
            # Loaded, they would end the process without a word.
            raise LibraryError(
                f"The vectors in {self.folder} are damaged ({', '.join(wrong)}); "
                "'assistant doctor --rebuild' makes them anew."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return chromadb.PersistentClient(
                _own_spelling(self.folder),
                settings=ChromaSettings(anonymized_telemetry=False, allow_reset=False),
            )
        except Exception as error:
            raise self.error(error) from error

    def set_aside(self) -> bool:
        """Make room for a new store, since this one is damaged; return whether that was done."""
        import chromadb.api.shared_system_client as shared

        # Chroma keeps what it once opened; a new folder of the same name needs a new start.
        shared.SharedSystemClient.clear_system_cache()
        aside = self.folder.with_name(f"{self.folder.name}-damaged-{time.time_ns()}")
        self.folder.rename(aside)
        return True

    def error(self, error: Exception) -> LibraryError:
        """Say what Chroma raised, and what to do."""
        if isinstance(error, LibraryError):
            return error
        return LibraryError(
            f"Chroma failed on {self.folder} ({type(error).__name__}: {error}); check free disk "
            "space and that no other program writes there; 'assistant doctor --rebuild' restores "
            "the vectors."
        )


@dataclass(frozen=True, kw_only=True)
class ChromaServer:
    """A server: `chroma run`, Chroma's distributed deployment, or its cloud."""

    url: str
    tenant: str
    database: str
    token: str = field(default="", repr=False)
    seconds: float = 10.0

    def __str__(self) -> str:
        """The address, with tenant and database."""
        return f"{self.url} ({self.tenant}/{self.database})"

    @property
    def key(self) -> str:
        """What tells this place from others."""
        return f"{self.url}/{self.tenant}/{self.database}"

    def collection(self, name: str, owner: Callable[[], str]) -> str:
        """Return the collection's name, with its owner's: many libraries may be on one server."""
        return f"{name}-{owner()}"

    def lock(self) -> AbstractContextManager[Any]:
        """Return nothing that locks: the server takes many searches at once."""
        return contextlib.nullcontext()

    def open(self) -> Any:
        """Return a client of a server that answers and whose API is known.

        Raises:
            StoreUnavailableError: there is none.
        """
        from assistant.adapters.chroma_http import ServerClient

        client = None
        try:
            client = ServerClient(self.url, self.tenant, self.database, self.token, self.seconds)
            self._check_version(client.version())
        except Exception as error:
            if client is not None:
                client.close()
            raise self.error(error) from error
        return client

    def version(self) -> str:
        """Return the version that the server tells, of its API.

        Raises:
            StoreUnavailableError: it can't be reached, or its API isn't known.
        """
        client = self.open()
        try:
            return str(client.version())
        except Exception as error:
            raise self.error(error) from error
        finally:
            client.close()

    def _check_version(self, version: str) -> None:
        if version.partition(".")[0] != SPOKEN:
            raise StoreUnavailableError(
                f"The Chroma server at {self.url} is of version {version[:20]}; this program "
                f"speaks to those of version {SPOKEN}. Run one there: pip install "
                "'chromadb>=1.5,<2', then 'chroma run --path FOLDER'."
            )

    def set_aside(self) -> bool:
        """Leave what is wrong on a server to its keeper."""
        return False

    def error(self, error: Exception) -> LibraryError:
        """Say what the client raised, and what to do; never with the token."""
        if isinstance(error, LibraryError):
            return error
        import httpx

        from assistant.adapters.chroma_http import StatusError, TooSlowError

        where = f"The Chroma server at {self.url}"
        if isinstance(error, StatusError):
            return self._refusal(error.status, error.said)
        if isinstance(error, (httpx.TimeoutException, TooSlowError)):
            return StoreUnavailableError(
                f"{where} took longer than {self.seconds:g} s (six times that to write); see its "
                "load and log, or raise ASSISTANT_CHROMA_TIMEOUT."
            )
        if isinstance(error, httpx.TransportError):
            return StoreUnavailableError(
                f"{where} can't be reached ({self._clean(str(error))}); start it ('chroma run "
                "--path FOLDER'), or correct ASSISTANT_CHROMA_URL."
            )
        if isinstance(error, ValueError | KeyError | TypeError):
            return StoreUnavailableError(
                f"{where} doesn't answer as one does ({type(error).__name__}); check "
                "ASSISTANT_CHROMA_URL and the server's version with 'assistant doctor'."
            )
        return LibraryError(
            f"{where} refused ({type(error).__name__}: {self._clean(str(error))}); run "
            "'assistant doctor', which names the repair."
        )

    def _refusal(self, status: int, said: str) -> LibraryError:
        where = f"The Chroma server at {self.url}"
        told = f": {self._clean(said)}" if said else ""
        if status in REFUSED:
            return StoreUnavailableError(
                f"{where} refused access (status {status}); check ASSISTANT_CHROMA_TOKEN, "
                "ASSISTANT_CHROMA_TENANT and ASSISTANT_CHROMA_DATABASE."
            )
        if status == NOT_FOUND:
            return StoreUnavailableError(
                f"{where} knows no such thing (status 404{told}); check ASSISTANT_CHROMA_URL, "
                f"ASSISTANT_CHROMA_TENANT ({self.tenant}), ASSISTANT_CHROMA_DATABASE "
                f"({self.database}) and the server's version, which must be {SPOKEN}.x."
            )
        if status >= FAILED or status == TOO_MANY:
            return StoreUnavailableError(
                f"{where} failed (status {status}{told}); see its log and disk, and try again "
                "later."
            )
        return LibraryError(
            f"{where} refused what was asked (status {status}{told}); run 'assistant doctor', "
            "which checks its version and the library's collection there."
        )

    def _clean(self, said: str) -> str:
        """Return the server's words, short, in one line and without the token."""
        text = said.replace(self.token, "…") if self.token else said
        return " ".join(text.split())[:SHOWN]


Place = ChromaFolder | ChromaServer


def place_of(settings: Settings) -> Place:
    """Return where the settings say that the vectors are."""
    if not settings.chroma_url:
        return ChromaFolder(folder=settings.home / "library" / "chroma")
    return server_of(settings, settings.chroma_url)


def server_of(settings: Settings, url: str) -> ChromaServer:
    """Return the server at `url`; it gets the token only where the settings name no other."""
    named = settings.chroma_url.rstrip("/")
    url = url.rstrip("/")
    return ChromaServer(
        url=url,
        tenant=settings.chroma_tenant,
        database=settings.chroma_database,
        token=settings.chroma_token if named in ("", url) else "",
        seconds=settings.chroma_timeout,
    )


def _own_spelling(folder: Path) -> str:
    """Return the folder written as no other client writes it.

    Clients that name one folder alike share what they have read of it, and closing one of them
    makes none read it again.
    """
    marks = ("/." if bit == "1" else "/" for bit in f"{secrets.randbits(32):032b}")
    return str(folder) + "".join(marks)
