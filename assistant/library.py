"""The library of one home: what adds, finds, filters and removes its papers."""

import contextlib
import hashlib
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import LibraryBusyError, LibraryError, ModelError, UnreadableFileError
from assistant.filters import Filter, matches
from assistant.lazy import Once
from assistant.settings import Settings
from assistant.types import BUNDLED_SOURCE, AddReport, Hit, Paper, Problem, SyncReport

if TYPE_CHECKING:
    from assistant.adapters.chroma_store import ChromaStore
    from assistant.adapters.llama_index_retrieval import HybridRetriever
    from assistant.adapters.sqlite_catalog import SqliteCatalog
    from assistant.adapters.tantivy_index import TantivyIndex
    from assistant.indexing import Indexing
    from assistant.protocols import (
        Embedder,
        PassageRecord,
        Progress,
        Reranker,
        Splitter,
        Vectors,
        Workers,
    )
    from assistant.retrieval.plan import Plan
    from assistant.retrieval.search import HybridSearch
    from assistant.types import Required

KNOWN_DIMENSIONS = {"all-MiniLM-L6-v2": 384}
# What a question may take in before it is answered, some seconds' work; more goes on beside it.
AT_ONCE = 128
REOPEN_SECONDS = 2.0
PATIENCE_SECONDS = 20.0
ATTEMPTS = 3
JUDGED = 8
_SECOND = "-second"


class Library:
    """Papers, their words and their vectors; every part is made at its first use.

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
        self.reopen_seconds = REOPEN_SECONDS
        self.notices: list[str] = []
        self._progress = progress
        self._lock = threading.RLock()
        self._writers = 0
        self._version = ""
        self._embedder_is = ""
        self._looked = 0.0

    def close(self) -> None:
        """Close what was opened."""
        if "_opened_store" in vars(self):
            self._opened_store.close()
            del self._opened_store
        close = getattr(vars(self).pop("_embedder", None), "close", None)
        if close:
            close()
        if "catalog" in vars(self):
            self.catalog.close()

    def leave_thread(self) -> None:
        """Close what this thread alone has open; for threads that won't come back."""
        if "catalog" in vars(self):
            self.catalog.close()

    # --- parts -------------------------------------------------------------------------

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
        name = self.catalog.meta("id")
        if not name:
            name = secrets.token_hex(8)
            self.catalog.set_meta("id", name)
        left = (self.catalog.todo_count("words"), self.catalog.todo_count("vectors"))
        embedder = self.embedder()
        found = embedder.name if embedder else ""
        return [name, self.catalog.generation(), self.catalog.count(), *left, found]

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
            self.notices.append(
                f"The library's vectors are of {name}, and serve until 'assistant reembed' has "
                f"made those of {self._wanted}."
            )
        try:
            return self._open_embedder(name)
        except ModelError as error:
            self.notices.append(f"Searching by words only: {error}")
            return None

    def store(self) -> "ChromaStore":
        """Return the passages' vectors, with what another process has added by now."""
        with self._lock:
            if "_opened_store" in vars(self) and self._opened_store.name != self._collection:
                self._opened_store.close()
                del self._opened_store
            store = self._opened_store
            if not self._writers and time.monotonic() > self._looked + self.reopen_seconds:
                self._see_others(store)
            return store

    @property
    def _collection(self) -> str:
        from assistant.adapters.chroma_store import COLLECTION

        return self.catalog.meta("collection") or COLLECTION

    @Once
    def _opened_store(self) -> "ChromaStore":
        from assistant.adapters.chroma_store import ChromaStore

        name = self.embedder_name
        self._version = self.catalog.meta("vectors")
        store = ChromaStore(self.folder / "chroma", name, self._dimension(name), self._collection)
        self._looked = time.monotonic()
        return store

    def _see_others(self, store: "ChromaStore") -> None:
        """Reopen the store where another process has written to it."""
        version = self.catalog.meta("vectors")
        if version != self._version:
            store.reopen()
            self._version = version
        self._looked = time.monotonic()

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

        None and no passage without an embedder.

        What keeps the vectors from being read becomes a notice.
        """
        for attempt in range(ATTEMPTS):
            embedder = self.embedder()
            if embedder is None:
                return None, []
            store = None
            try:
                store = self.store()
                vector = embedder.embed_query(query)
                return vector, store.search(vector, limit, required)
            except (LibraryError, ModelError) as error:
                if attempt == ATTEMPTS - 1:
                    self.notices.append(f"Searching by words only: {error}")
                # Another process may have replaced the vectors just now.
                self._forget(store)
        return None, []

    def _forget(self, store: "ChromaStore | None") -> None:
        """Close the store, unless another thread has opened a new one by now."""
        with self._lock:
            current: ChromaStore | None = vars(self).get("_opened_store")
            if current is not None and current is store:
                current.close()
                del self._opened_store

    @contextlib.contextmanager
    def _writing(self, patience: float | None = None) -> Iterator[None]:
        """Hold the library's write lock; see first what others wrote before."""
        from assistant.adapters.file_lock import FileLock

        # The catalog first: it says in plain words when the folder can't be written.
        path = self.catalog.folder / "write.lock"
        with FileLock(path, self.patience if patience is None else patience)():
            with self._lock:
                self._writers += 1
                if "_opened_store" in vars(self):
                    # Chroma would write its own old state over that of the others.
                    self._see_others(self._opened_store)
            try:
                yield
            finally:
                with self._lock:
                    self._writers -= 1
                    if "_opened_store" in vars(self):
                        self._version = self.catalog.meta("vectors")

    # --- adding ------------------------------------------------------------------------

    def add(self, paths: Sequence[str | Path], *, vectors: bool = True) -> AddReport:
        """Add the papers of files; a file that can't be read is reported, the others go in.

        Raises:
            LibraryError: the library can't be written.
            UnreadableFileError: no file could be read at all.
        """
        return self.add_papers(_read(paths), vectors=vectors)

    def add_papers(self, records: Iterable[Paper | Problem], *, vectors: bool = True) -> AddReport:
        """Add papers that are at hand already; without `vectors` only words find them."""
        with self._writing():
            report = self._indexing.add(records, self._progress, vectors=False)
            if vectors:
                self._catch_up()
            pending = self.catalog.todo_count("vectors")
        return replace(report, pending=pending, notices=tuple(dict.fromkeys(self.notices)))

    def add_by(self, workers: "Workers", paths: Sequence[str | Path]) -> AddReport:
        """Add the papers of files that workers read and embed; this process alone writes.

        Interrupted, the same call goes on where it was. The vectors of sentences, which an
        answer can also make itself, are left to `index`.

        Raises:
            LibraryError: the library can't be written.
            ModelError: the embedder fails; words find the papers all the same.
            WorkersError: the workers are lost; what was stored stays.
        """
        from assistant.bulk import add_by

        files = [Path(path).expanduser() for path in paths]
        with self._writing():
            self.store()  # Vectors of another embedder are told before the work, not after it.
            report = add_by(workers, files, self._indexing, self._progress)
            pending = self.catalog.todo_count("vectors")
        return replace(report, pending=pending, notices=tuple(dict.fromkeys(self.notices)))

    def _catch_up(self) -> None:
        """Compute what vectors are missing; a model that fails leaves the papers to their words."""
        try:
            self._indexing.catch_up(self._progress)
        except ModelError as error:
            self.notices.append(f"Not all vectors could be computed: {error}")

    def add_bundled(self) -> AddReport:
        """Add the bundled sample: summaries of 140 machine-learning papers."""
        from assistant.readers import read_papers

        path = files("assistant").joinpath("data", "library.jsonl")
        return self.add_papers(read_papers(Path(str(path)), source=BUNDLED_SOURCE))

    def sync(self, folder: Path, *, remove: bool) -> SyncReport:
        """Add what a folder holds now; `remove` what came from it and is there no more.

        A paper that another file gave too stays. So does one whose file is there but damaged.

        Raises:
            UnreadableFileError: it is no folder, or has no file that can be read.
            LibraryError: another folder of the same name is in the library.
        """
        from assistant.syncing import sync

        with self._writing():
            return sync(folder, self.catalog, self._indexing, self._progress, remove=remove)

    def split(self, abstract: str) -> list[tuple[int, int]]:
        """Return (start, end) of the passages that an abstract is indexed by."""
        return self._indexing.split(abstract)

    def remove(self, paper_ids: Sequence[str]) -> int:
        """Take papers out of the library; return how many there were."""
        with self._writing():
            return self._indexing.remove(list(paper_ids), self._progress)

    def papers(self, only: Filter | None = None) -> Iterator[Paper]:
        """Yield every paper that passes the filter, in the order added."""
        if only is None:
            yield from self.catalog.papers()
            return
        for paper in self.catalog.papers():
            if matches(only, paper, self.catalog.sources([paper.id]).get(paper.id, ())):
                yield paper

    def search(
        self,
        query: str,
        limit: int,
        only: Filter | None = None,
        plan: "Plan | None" = None,
        seconds: dict[str, float] | None = None,
    ) -> list[Hit]:
        """Return the papers that fit the query and pass the filter, best first.

        `plan` names other stages than the usual ones; `seconds` takes the time of each stage.
        """
        self.refresh()
        return self.hybrid.search(query, limit, only, plan, seconds)

    # --- indexes -----------------------------------------------------------------------

    def refresh(self) -> None:
        """Take in what little is left undone; else what is there serves."""
        indexing = self._indexing  # which sees whether the words were lost
        vectors = self.catalog.todo_count("vectors")
        words = self.catalog.todo("words", 1) or self.catalog.todo("tags", 1)
        if not words and not 0 < vectors <= AT_ONCE:
            return
        try:
            with self._writing(patience=0):
                indexing.index_words(self._progress)
                if vectors <= AT_ONCE:
                    indexing.embed_passages(self._progress)
        except LibraryBusyError:
            return  # The other process does it.
        except (LibraryError, ModelError) as error:
            self.notices.append(f"Not all papers can be found: {error}")

    def pending_notice(self) -> str:
        """Say how many papers only their words find yet; an empty string where none."""
        left = self.catalog.todo_count("vectors")
        if not left or self.embedder() is None:
            return ""
        return (
            f"{left:,} of {self.catalog.count():,} papers are found by their words only as yet; "
            "'assistant index' finishes their vectors."
        )

    def index(self, *, sentences: bool = True) -> int:
        """Finish what an interrupted `add` left; return how many papers still lack vectors.

        Without `sentences`, whose vectors an answer can also make itself, in half the time.
        """
        with self._writing():
            self._check_vectors()
            return self._indexing.catch_up(self._progress, sentences=sentences)

    def index_some(self, limit: int) -> bool:
        """Index `limit` papers more at most; return whether anything is left to do."""
        with self._writing():
            self._indexing.index_words(self._progress)
            self._indexing.embed_passages(self._progress, limit)
            if not self.catalog.todo("vectors", 1):
                self._indexing.embed_sentences(self._progress, limit)
        left = self.catalog.todo("vectors", 1) or self.catalog.todo("sentences", 1)
        return bool(left) and self.embedder() is not None

    def _check_vectors(self) -> None:
        """Make lost vectors anew: every paper has at least one passage."""
        if self.store().count() < self.catalog.count() - self.catalog.todo_count("vectors"):
            self.catalog.redo("vectors")

    def rebuild(self) -> int:
        """Make all indexes anew from the catalog; return how many papers lack vectors.

        What is there serves meanwhile, unless it is too damaged to be opened.
        """
        from assistant.adapters.chroma_store import ChromaStore

        with self._writing():
            self.catalog.redo("words", "sentences")
            try:
                self._indexing.index_words(self._progress)
            except LibraryError:
                self.lexical.renew()
                self._indexing.index_words(self._progress)
            name = self.embedder_name
            try:
                self.store()
            except LibraryError:
                vars(self)["_opened_store"] = ChromaStore.renewed(
                    self.folder / "chroma", name, self._dimension(name), self._collection
                )
                self.catalog.redo("vectors")
                return self._indexing.catch_up(self._progress)
            embedder = self.embedder()
            if embedder is not None:
                self._replace_vectors(name, embedder, _other_name(self._collection))
            return self.catalog.todo_count("vectors")

    def reembed(self) -> int:
        """Compute all vectors with the embedder of the settings, the old ones serving meanwhile.

        Interrupted, it goes on where it was. Returns the number of papers that were embedded.

        Raises:
            ModelError: the new embedder can't be had.
        """
        target = self._wanted
        with self._writing():
            if target == self.embedder_name:
                self._indexing.catch_up(self._progress)
                return 0
            embedder = self._open_embedder(target)
            digest = hashlib.sha256(target.encode()).hexdigest()[:12]
            return self._replace_vectors(target, embedder, f"passages-{digest}")

    def _replace_vectors(self, name: str, embedder: "Embedder", collection: str) -> int:
        """Fill another collection, then let it serve; return how many papers went in."""
        from assistant.adapters.chroma_store import ChromaStore

        fresh = self.catalog.begin_reembed(collection)
        opening = ChromaStore.renewed if fresh else ChromaStore
        store = opening(self.folder / "chroma", name, embedder.dimension, collection)
        count = self.catalog.todo_count("reembed")
        self._indexing.index_words(self._progress)
        self._indexing.reembed(lambda: store, embedder, self._progress)
        with self._lock:
            old = self.store()
            self.catalog.end_reembed(name, embedder.dimension, collection)
            vars(self)["_opened_store"] = store
            vars(self)["_embedder"] = embedder
            self._embedder_is = name
        old.drop()
        self._indexing.embed_sentences(self._progress)
        return count


def _other_name(collection: str) -> str:
    """Return a name beside the present one, and from there back again."""
    return (
        collection.removesuffix(_SECOND) if collection.endswith(_SECOND) else collection + _SECOND
    )


def _read(paths: Sequence[str | Path]) -> Iterator[Paper | Problem]:
    """Yield the records of all files; those that can't be read are problems, unless all."""
    from assistant.readers import read_papers

    failures = []
    for path in paths:
        try:
            yield from read_papers(Path(path).expanduser())
        except UnreadableFileError as error:
            failures.append(error)
            yield Problem(source=str(path), line=0, reason=str(error))
    if failures and len(failures) == len(paths):
        raise (
            failures[0]
            if len(failures) == 1
            else UnreadableFileError("\n".join(str(failure) for failure in failures))
        )
