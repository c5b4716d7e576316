"""The parts of a library, each made at its first use."""

import contextlib
import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from assistant.errors import (
    LibraryBusyError,
    LibraryError,
    ModelError,
    StoreError,
    StoreUnavailableError,
)
from assistant.lazy import Once
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.adapters.chroma_store import ChromaStore
    from assistant.adapters.llama_index_retrieval import HybridRetriever
    from assistant.adapters.sqlite_catalog import SqliteCatalog
    from assistant.adapters.tantivy_index import TantivyIndex
    from assistant.indexing import Indexing
    from assistant.library.stores import Stores
    from assistant.protocols import (
        Embedder,
        PassageRecord,
        Progress,
        Reranker,
        Splitter,
        Vectors,
    )
    from assistant.retrieval.search import HybridSearch
    from assistant.types import Required

KNOWN_DIMENSIONS = {"all-MiniLM-L6-v2": 384}
PATIENCE_SECONDS = 20.0
ATTEMPTS = 3
JUDGED = 8


class Parts:
    """The catalog, the indexes and what fills and searches them.

    One process writes at a time; any number read meanwhile, and see what is there.
    """

    def __init__(
        self,
        settings: Settings,
        progress: "Progress",
        reranker: "Reranker | None" = None,
        embedder: "Embedder | None" = None,
    ) -> None:
        """Take the library below `settings.home`; `reranker` judges where the settings say so.

        `embedder` goes before the one that the settings name.
        """
        self._reranker = reranker
        self._given = embedder
        self.settings = settings
        self.folder = settings.home / "library"
        self.patience = PATIENCE_SECONDS
        self._told: dict[str, str] = {}
        self._progress = progress
        self._lock = threading.RLock()
        self._embedder_is = ""

    def close(self) -> None:
        """Close what was opened."""
        if "stores" in vars(self):
            self.stores.close()
        close = getattr(vars(self).pop("_embedder", None), "close", None)
        if close:
            close()
        if "catalog" in vars(self):
            self.catalog.close()

    def leave_thread(self) -> None:
        """Close what this thread alone has open; for threads that won't come back."""
        if "catalog" in vars(self):
            self.catalog.close()

    # --- notices -----------------------------------------------------------------------

    @property
    def notices(self) -> list[str]:
        """What the reader of an answer must know of the library's state."""
        return list(dict.fromkeys(self._told.copy().values()))

    def tell(self, about: str, text: str) -> None:
        """Keep a notice, in place of an earlier one about the same, until it holds no more."""
        self._told[about] = text

    def untell(self, about: str) -> None:
        """Drop the notice: it holds no more."""
        self._told.pop(about, None)

    # --- what is opened ----------------------------------------------------------------

    @Once
    def catalog(self) -> "SqliteCatalog":
        """The record of all papers."""
        from assistant.adapters.sqlite_catalog import SqliteCatalog

        return SqliteCatalog(self.folder / "papers.sqlite")

    @Once
    def lexical(self) -> "TantivyIndex":
        """The index of words."""
        from assistant.adapters.tantivy_index import TantivyIndex

        lexical = TantivyIndex(self.catalog.folder / "words")
        if lexical.count() < self.catalog.count() - self.catalog.todo_count("words"):
            # Its folder was deleted or damaged.
            self.catalog.redo("words")
        return lexical

    @property
    def embedder_name(self) -> str:
        """The embedder that made the vectors, or that will make the first."""
        return self.catalog.meta("embedder") or self._wanted

    @property
    def _wanted(self) -> str:
        """The name of the embedder that was given, or that the settings name."""
        from assistant.adapters.embedders import embedder_name

        return self._given.name if self._given else embedder_name(self.settings.embedder)

    def _open_embedder(self, name: str) -> "Embedder":
        from assistant.adapters.embedders import open_embedder, spec_of

        if self._given and self._given.name == name:
            return self._given
        return open_embedder(spec_of(name), self.settings, self._progress)

    def fingerprint(self) -> list[str | int]:
        """Return what tells this state of this library from any other.

        Raises:
            LibraryBusyError: it has no name yet, and another process is writing.
        """
        name = self.library_id()
        left = (self.catalog.todo_count("words"), self.catalog.todo_count("vectors"))
        embedder = self.embedder()
        found = embedder.name if embedder else ""
        return [name, self.catalog.generation(), self.catalog.count(), *left, found]

    def library_id(self) -> str:
        """Return the library's own name, given once.

        Raises:
            LibraryBusyError: it has none yet, and another process is writing.
        """
        name = self.catalog.meta("id")
        if not name:
            name = secrets.token_hex(8)
            self.catalog.set_meta("id", name)
        return name

    def embedder(self) -> "Embedder | None":
        """Return the embedder of the library's vectors; without it words alone decide."""
        with self._lock:
            name = self.embedder_name
            if name != self._embedder_is:  # Another process may have reembedded the library.
                vars(self).pop("_embedder", None)
                self._embedder_is = name
            return self._embedder

    @Once
    def _embedder(self) -> "Embedder | None":
        name = self.embedder_name
        if name != self._wanted:
            self.tell(
                "reembed",
                f"The library's vectors are of {name}, and serve until 'assistant reembed' has "
                f"made those of {self._wanted}.",
            )
        try:
            return self._open_embedder(name)
        except ModelError as error:
            self.tell("embedder", f"Searching by words only: {error}")
            return None

    @Once
    def stores(self) -> "Stores":
        """What keeps the store of vectors open."""
        from assistant.adapters.chroma_places import place_of
        from assistant.library.stores import Stores

        return Stores(
            lambda: place_of(self.settings),
            lambda: self.catalog,
            lambda: (self.embedder_name, self._dimension(self.embedder_name)),
            self.library_id,
            self._lock,
        )

    def store(self) -> "ChromaStore":
        """Return the passages' vectors, with what another process has added by now."""
        return self.stores.open()

    def _dimension(self, name: str) -> int:
        """Return the width of an embedder's vectors, and note whose they are."""
        stored = self.catalog.meta("dimension")
        if stored and self.catalog.meta("embedder") == name:
            return int(stored)
        dimension = KNOWN_DIMENSIONS.get(name)
        if dimension is None:
            embedder = self.embedder()
            if embedder is None:
                raise ModelError(f"The embedder {name} can't be had; see 'assistant doctor'.")
            dimension = embedder.dimension
        with contextlib.suppress(LibraryBusyError):
            self.catalog.set_meta("embedder", name)
            self.catalog.set_meta("dimension", str(dimension))
        return dimension

    @Once
    def _splitter(self) -> "Splitter":
        from assistant.adapters.llama_index_retrieval import LlamaIndexSplitter

        return LlamaIndexSplitter(self.settings.passage_tokens)

    @Once
    def _indexing(self) -> "Indexing":
        from assistant.indexing import Indexing

        return Indexing(
            self.catalog, self.store, self.lexical, self.embedder, lambda: self._splitter
        )

    @Once
    def retriever(self) -> "HybridRetriever":
        """The hybrid retriever, also usable in llama-index's own query engines."""
        from assistant.adapters.llama_index_retrieval import HybridRetriever

        return HybridRetriever(self.hybrid)

    @Once
    def hybrid(self) -> "HybridSearch":
        """The search over both indexes."""
        from assistant.retrieval.kindred import Kindred
        from assistant.retrieval.plan import DEFAULT
        from assistant.retrieval.relevance import load_relevance
        from assistant.retrieval.search import HybridSearch

        plan = replace(DEFAULT, judged=JUDGED) if self.settings.reranker == "chat" else DEFAULT
        return HybridSearch(
            self.catalog,
            self.lexical,
            self.nearest,
            load_relevance(),
            plan,
            self._reranker,
            Kindred(self.catalog),
        )

    def nearest(
        self, query: str, limit: int, required: "Required | None" = None
    ) -> "tuple[Vectors | None, list[tuple[PassageRecord, float]]]":
        """Return the query's vector and the passages nearest to it, with their cosines.

        None and no passage without an embedder; no passage where their server fails.

        What keeps the vectors from being read becomes a notice.
        """
        for attempt in range(ATTEMPTS):
            embedder = self.embedder()
            if embedder is None:
                return None, []
            store = vector = None
            try:
                vector = embedder.embed_query(query)
                store = self.store()
                found = store.search(vector, limit, required)
            except StoreError as error:
                # What words find is ranked by the vectors that the catalog keeps.
                self.tell("vectors", f"Papers are found by their words only: {error}")
                if store is not None and isinstance(error, StoreUnavailableError):
                    self.stores.failed(error)
                return vector, []
            except (LibraryError, ModelError) as error:
                if attempt == ATTEMPTS - 1:
                    self.tell("vectors", f"Searching by words only: {error}")
                # Another process may have replaced the vectors just now.
                self.stores.forget(store)
            else:
                self.untell("vectors")
                return vector, found
        return None, []

    @contextlib.contextmanager
    def writing(self, patience: float | None = None) -> Iterator[None]:
        """Hold the library's write lock; see first what others wrote before."""
        from assistant.adapters.file_lock import FileLock

        # The catalog first: it says in plain words when the folder can't be written.
        path = self.catalog.folder / "write.lock"
        with FileLock(path, self.patience if patience is None else patience)():
            self.stores.begin_writing()
            try:
                yield
            finally:
                self.stores.end_writing()
