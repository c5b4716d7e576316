"""The store of a library's vectors: opened, seen anew, changed for another, done without."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from assistant.adapters.chroma_places import EMBEDDED, Place
from assistant.errors import StoreElsewhereError, StoreUnavailableError

if TYPE_CHECKING:
    from assistant.adapters.chroma_store import ChromaStore
    from assistant.adapters.sqlite_catalog import SqliteCatalog

REOPEN_SECONDS = 2.0
PAUSE_SECONDS = 5.0
"""So long is a server that failed not asked again; questions don't wait for it meanwhile."""


class Stores:
    """Keeps one store open, the one that the catalog and the settings name.

    The catalog notes which store it is in step with: vectors may be in a folder and on servers,
    and what was written to the one is missing in the others until it is copied.
    """

    def __init__(
        self,
        place: Callable[[], Place],
        catalog: Callable[[], "SqliteCatalog"],
        embedder: Callable[[], tuple[str, int]],
        library_id: Callable[[], str],
        lock: threading.RLock,
    ) -> None:
        """Take where the vectors are, and what tells name and width of their embedder."""
        self._place = place
        self._catalog = catalog
        self._embedder = embedder
        self._library_id = library_id
        self._lock = lock
        self._store: ChromaStore | None = None
        self._version = ""
        self._looked = 0.0
        self._writers = 0
        self._failure = ""
        self._failed_until = 0.0
        self.reopen_seconds = REOPEN_SECONDS
        self.pause_seconds = PAUSE_SECONDS

    @property
    def place(self) -> Place:
        """Where the settings say that the vectors are."""
        return self._place()

    @property
    def name(self) -> str:
        """The collection that serves, apart from whose library it is."""
        from assistant.adapters.chroma_store import COLLECTION

        return self._catalog().meta("collection") or COLLECTION

    def full_name(self, name: str, place: Place | None = None) -> str:
        """Return the collection's name where it is."""
        return (place or self.place).collection(name, self._library_id)

    def open(self) -> "ChromaStore":
        """Return the store, with what another process has written by now.

        Raises:
            StoreUnavailableError: its server can't be reached, or couldn't just now.
            StoreElsewhereError: other vectors are the library's present ones.
            LibraryError: it can't be opened.
        """
        with self._lock:
            if self._failure and time.monotonic() < self._failed_until:
                raise StoreUnavailableError(self._failure)
            try:
                return self._opened()
            except StoreUnavailableError as error:
                self.failed(error)
                raise

    def _opened(self) -> "ChromaStore":
        if self._store is not None and self._store.name != self.full_name(self.name):
            self.forget(self._store)
        if self._store is not None and self._failure:
            self._store.ask()  # Sooner than a search would tell that it still fails.
        if self._store is None:
            self._version = self._catalog().meta("vectors")
            store = self.make(*self._embedder(), self.name)
            try:
                self._check(store)
            except StoreElsewhereError:
                store.close()
                raise
            self._store = store
            self._looked = time.monotonic()
        elif not self._writers and time.monotonic() > self._looked + self.reopen_seconds:
            self._see_others(self._store)
        self._failure = ""
        return self._store

    def make(
        self, embedder: str, dimension: int, name: str, *, renewed: bool = False
    ) -> "ChromaStore":
        """Open a collection where the vectors are; `renewed` empties it, whatever its state."""
        from assistant.adapters.chroma_store import ChromaStore

        opening = ChromaStore.renewed if renewed else ChromaStore
        return opening(self.place, embedder, dimension, self.full_name(name))

    def fresh(self, *, renewed: bool = False) -> "ChromaStore":
        """Let the collection serve, whatever is in it: it is about to be filled."""
        store = self.make(*self._embedder(), self.name, renewed=renewed)
        self.claim(store.key)
        self.replace(store)
        return store

    def beside(self, place: Place) -> "ChromaStore":
        """Open this library's collection in another place; the one that serves goes on."""
        from assistant.adapters.chroma_store import ChromaStore

        return ChromaStore(place, *self._embedder(), self.full_name(self.name, place))

    def note_in_step(self, store: "ChromaStore") -> None:
        """Note that the store has what the library has now: it may serve in the other's place."""
        self._catalog().set_meta(f"in step: {store.key}", self._catalog().meta("vectors"))

    def failed(self, error: StoreUnavailableError) -> None:
        """Ask nothing more of the server for some seconds."""
        with self._lock:
            self._failure = str(error)
            self._failed_until = time.monotonic() + self.pause_seconds

    def forget(self, store: "ChromaStore | None") -> None:
        """Close the store, unless another thread has opened a new one by now."""
        with self._lock:
            if self._store is not None and self._store is store:
                self._store.close()
                self._store = None

    def close(self) -> None:
        """Close what was opened."""
        self.forget(self._store)

    def replace(self, store: "ChromaStore") -> None:
        """Let another store serve from now on, whose vectors the catalog knows of."""
        with self._lock:
            self._store = store
            self._failure = ""
            self._version = self._catalog().meta("vectors")
            self._looked = time.monotonic()

    # --- in step with the catalog ------------------------------------------------------

    def _see_others(self, store: "ChromaStore") -> None:
        """Reopen the store where another process has written to it."""
        version = self._catalog().meta("vectors")
        if version != self._version:
            try:
                store.reopen()
                self._check(store)
            except Exception:
                self.forget(store)
                raise
            self._version = version
        self._looked = time.monotonic()

    def begin_writing(self) -> None:
        """See what others wrote: Chroma would write its own old state over that of the others."""
        with self._lock:
            if self._store is not None:
                if self._serving() == self._store.key:
                    self._see_others(self._store)
                else:
                    self.forget(self._store)  # Opened anew where it is needed, and checked.
            self._writers += 1

    def end_writing(self) -> None:
        """Note that what was written since is this process's own."""
        with self._lock:
            self._writers -= 1
            if self._store is not None:
                self._version = self._catalog().meta("vectors")

    def _serving(self) -> str:
        return self._catalog().meta("store") or EMBEDDED

    def _check(self, store: "ChromaStore") -> None:
        """Make sure that the store has the library's present vectors, or that there are none.

        Who writes makes it the one that serves; who reads leaves the catalog as it is.

        Raises:
            StoreElsewhereError: it hasn't.
        """
        catalog = self._catalog()
        serving, version = self._serving(), catalog.meta("vectors")
        if store.key == serving:
            return
        in_step = bool(version) and catalog.meta(f"in step: {store.key}") == version
        if not in_step and catalog.count() > catalog.todo_count("vectors"):
            raise StoreElsewhereError(
                f"The vectors in {self.place} aren't this library's present ones, which are in "
                f"another store ({serving}). Set ASSISTANT_CHROMA_URL as it was, bring them here "
                "with 'assistant copy FROM TO', or make them anew with 'assistant doctor "
                "--rebuild'."
            )
        if self._writers:
            self.claim(store.key)

    def claim(self, key: str) -> None:
        """Note that the store of this key serves; what served until now is in step as yet."""
        catalog = self._catalog()
        catalog.set_meta(f"in step: {self._serving()}", catalog.meta("vectors"))
        catalog.set_meta("store", key)
