"""The library of one home: what adds, finds, filters and removes its papers."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import (
    LibraryBusyError,
    LibraryError,
    ModelError,
    StoreError,
    StoreUnavailableError,
    UnreadableFileError,
)
from assistant.filters import Filter, matches
from assistant.library.parts import Parts
from assistant.types import BUNDLED_SOURCE, AddReport, Hit, Paper, Problem, SyncReport

if TYPE_CHECKING:
    from assistant.protocols import Embedder, Workers
    from assistant.retrieval.plan import Plan

# What a question may take in before it is answered, some seconds' work; more goes on beside it.
AT_ONCE = 128
_SECOND = "-second"


class Library(Parts):
    """Papers, their words and their vectors."""

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
        with self.writing():
            report = self._indexing.add(records, self._progress, vectors=False)
            if vectors:
                self._catch_up()
            pending = self.catalog.todo_count("vectors")
        notices = dict.fromkeys([*report.notices, *self.notices])
        return replace(report, pending=pending, notices=tuple(notices))

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
        with self.writing():
            self.store()  # Vectors of another embedder are told before the work, not after it.
            report = add_by(workers, files, self._indexing, self._progress)
            pending = self.catalog.todo_count("vectors")
        notices = dict.fromkeys([*report.notices, *self.notices])
        return replace(report, pending=pending, notices=tuple(notices))

    def _catch_up(self) -> None:
        """Compute what vectors are missing; what fails leaves the papers to their words."""
        try:
            self._indexing.catch_up(self._progress)
        except ModelError as error:
            self.tell("indexing", f"Not all vectors could be computed: {error}")
        except StoreError as error:
            self.tell("indexing", f"Not all vectors could be stored: {error}")
        else:
            self.untell("indexing")

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

        with self.writing():
            return sync(folder, self.catalog, self._indexing, self._progress, remove=remove)

    def split(self, abstract: str) -> list[tuple[int, int]]:
        """Return (start, end) of the passages that an abstract is indexed by."""
        return self._indexing.split(abstract)

    def remove(self, paper_ids: Sequence[str]) -> int:
        """Take papers out of the library; return how many there were."""
        with self.writing():
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
            self.untell("papers")
            if not vectors:
                self.untell("indexing")
            return
        try:
            with self.writing(patience=0):
                indexing.index_words(self._progress)
                if vectors <= AT_ONCE:
                    indexing.embed_passages(self._progress)
        except LibraryBusyError:
            return  # The other process does it.
        except (LibraryError, ModelError) as error:
            self.tell("papers", f"Not all papers can be found: {error}")
        else:
            self.untell("papers")

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
        with self.writing():
            self._check_vectors()
            return self._indexing.catch_up(self._progress, sentences=sentences)

    def index_words(self) -> None:
        """Bring words and tags to the catalog's state; for who is writing already."""
        self._indexing.index_words(self._progress)

    def index_some(self, limit: int) -> bool:
        """Index `limit` papers more at most; return whether anything is left to do."""
        with self.writing():
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

        Raises:
            StoreUnavailableError: the server that has the vectors fails.
        """
        with self.writing():
            damaged = self._is_damaged()
            self.catalog.redo("words", "sentences")
            try:
                self._indexing.index_words(self._progress, with_store=False)
            except LibraryError:
                self.lexical.renew()
                self._indexing.index_words(self._progress, with_store=False)
            name = self.embedder_name
            if damaged:
                dimension = self._dimension(name)
                store = self.stores.make(name, dimension, self.stores.name, renewed=True)
                self.catalog.redo("vectors")
                self.stores.claim(store.key)
                self.stores.replace(store)
                return self._indexing.catch_up(self._progress)
            embedder = self.embedder()
            if embedder is not None:
                self._replace_vectors(name, embedder, _other_name(self.stores.name))
            return self.catalog.todo_count("vectors")

    def _is_damaged(self) -> bool:
        """Whether the store can't be opened; one whose server fails is none of ours to mend."""
        try:
            self.store()
        except StoreUnavailableError:
            raise
        except LibraryError:
            return True
        return False

    def reembed(self) -> int:
        """Compute all vectors with the embedder of the settings, the old ones serving meanwhile.

        Interrupted, it goes on where it was. Returns the number of papers that were embedded.

        Raises:
            ModelError: the new embedder can't be had.
        """
        target = self._wanted
        with self.writing():
            if target == self.embedder_name:
                self._indexing.catch_up(self._progress)
                return 0
            embedder = self._open_embedder(target)
            digest = hashlib.sha256(target.encode()).hexdigest()[:12]
            return self._replace_vectors(target, embedder, f"passages-{digest}")

    def _replace_vectors(self, name: str, embedder: "Embedder", collection: str) -> int:
        """Fill another collection, then let it serve; return how many papers went in."""
        fresh = self.catalog.begin_reembed(f"{self.stores.place.key}/{collection}")
        store = self.stores.make(name, embedder.dimension, collection, renewed=fresh)
        count = self.catalog.todo_count("reembed")
        self._indexing.index_words(self._progress)
        self._indexing.reembed(lambda: store, embedder, self._progress)
        with self._lock:
            old = self.store()
            self.catalog.end_reembed(name, embedder.dimension, collection, store.key)
            self.stores.replace(store)
            vars(self)["_embedder"] = embedder
            self._embedder_is = name
            self.untell("reembed")
        old.drop()
        old.close()
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
