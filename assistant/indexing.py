"""File → library: place, store, index.

The catalog is written first and is the truth. Each index follows it by a list, kept in the
catalog, of the papers that it must still take in; a paper is struck off after the index holds
it, and taking it in twice changes nothing. So a kill at any instant loses nothing and doubles
nothing (the "transactional outbox" of enterprise messaging).
"""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from assistant.errors import StoreError
from assistant.filters import tags
from assistant.grounding.sentence_vectors import embed_sentences
from assistant.placement import Placement
from assistant.protocols import (
    EmbedBatches,
    Embedder,
    LexicalIndex,
    PaperCatalog,
    PassageRecord,
    PassageStore,
    Progress,
    Splitter,
    Stage,
    Vectors,
    Workers,
)
from assistant.tally import Tally
from assistant.text.words import spelled
from assistant.types import AddReport, Paper, Problem

STORE_BATCH = 500
WORDS_BATCH = 5000
SORT_WINDOW = 1024
EMBED_BATCH = 64
# Workers are handed so many papers at once: some minutes' work for each of a dozen.
WAVE = 8192
WHOLE_CHARACTERS = 900


class Indexing:
    """Adds papers to a library and keeps its indexes in step with its catalog."""

    def __init__(
        self,
        catalog: PaperCatalog,
        store: Callable[[], PassageStore],
        lexical: LexicalIndex,
        embedder: Callable[[], Embedder | None],
        splitter: Callable[[], Splitter],
    ) -> None:
        """Take the parts; those behind a call are loaded only where there is work for them."""
        self._catalog = catalog
        self._store = store
        self._lexical = lexical
        self._embedder = embedder
        self._splitter = splitter

    def add(
        self,
        records: Iterable[Paper | Problem],
        progress: Progress,
        run: int | None = None,
        *,
        vectors: bool = True,
    ) -> AddReport:
        """Store the papers among `records`, then bring the indexes up to date.

        Without `vectors` only the words' index.
        """
        tally = Tally()
        run = self._catalog.begin_run() if run is None else run
        batch: list[Paper] = []
        number = 0
        for number, record in enumerate(records, start=1):
            if isinstance(record, Problem):
                tally.note(record)
                continue
            batch.append(record)
            if len(batch) >= STORE_BATCH:
                self._store_batch(batch, run, tally)
                batch = []
                progress("reading papers", number, 0)
                if self._catalog.todo_count("words") >= WORDS_BATCH:
                    # Searchable while the rest is still being read.
                    self._index_words(_silent)
        self._store_batch(batch, run, tally)
        progress("reading papers", number, number)
        notices: tuple[str, ...] = ()
        try:
            if vectors:
                self.catch_up(progress)
            else:
                self.index_words(progress)
        except StoreError as error:  # The lists keep what is still to be done.
            notices = (f"Not all vectors could be stored: {error}",)
        return replace(tally.report(self._catalog.todo_count("vectors")), notices=notices)

    def _store_batch(self, papers: Sequence[Paper], run: int, tally: Tally) -> None:
        if not papers:
            return
        placement = Placement(self._catalog, run)
        for outcome in placement.place(papers):
            tally.counts[outcome] += 1
        tally.near_duplicates += placement.near_duplicates
        if placement.touched:
            self._catalog.touch(placement.touched, run)
        if placement.entries:
            self._catalog.put(placement.entries, run)

    def catch_up(self, progress: Progress, *, sentences: bool = True) -> int:
        """Bring all indexes to the catalog's state; return how many papers lack vectors."""
        self.index_words(progress)
        self.embed_passages(progress)
        if sentences:
            self.embed_sentences(progress)
        return self._catalog.todo_count("vectors")

    def index_words(self, progress: Progress, *, with_store: bool = True) -> None:
        """Bring words and tags to the catalog's state, so that words find every paper.

        Without the store only those of the words' index.
        """
        self._index_words(progress)
        if not with_store:
            return
        for ids in self._batches("tags", STORE_BATCH, "noting filters", progress):
            papers = self._catalog.get_many(ids)
            found = self._tags(papers.values())
            self._store().retag({key: (papers[key].year, found[key]) for key in papers})
            self._catalog.done("tags", ids)

    def _index_words(self, progress: Progress) -> None:
        for ids in self._batches("words", WORDS_BATCH, "indexing words", progress):
            papers = self._catalog.get_many(ids)
            found = self._tags(papers.values())
            self._lexical.update(
                [(paper, found[key]) for key, paper in papers.items()],
                [key for key in ids if key not in papers],
            )
            self._catalog.done("words", ids)

    def _tags(self, papers: Iterable[Paper]) -> dict[str, list[str]]:
        papers = list(papers)
        sources = self._catalog.sources([paper.id for paper in papers])
        return {paper.id: tags(paper, sources.get(paper.id, ())) for paper in papers}

    def _batches(
        self, stage: Stage, size: int, what: str, progress: Progress
    ) -> Iterator[list[str]]:
        """Yield what the stage must take in, until the list is empty."""
        total = self._catalog.todo_count(stage)
        done = 0
        while ids := self._catalog.todo(stage, size):
            progress(what, done, max(total, done + 1))
            yield ids
            done += len(ids)
        if done:
            progress(what, done, done)

    def embed_passages(self, progress: Progress, limit: int | None = None) -> None:
        """Store vectors for papers that lack them, `limit` at most; none without an embedder."""
        embedder = self._embedder() if self._catalog.todo("vectors", 1) else None
        if embedder is not None:
            self._embed("vectors", self._store, in_turn(embedder), progress, limit)

    def embed_by(self, workers: Workers, progress: Progress) -> None:
        """Store vectors for papers that lack them, computed by many workers at once."""
        self._embed("vectors", self._store, workers.embed, progress, None, WAVE)

    def reembed(
        self, store: Callable[[], PassageStore], embedder: Embedder, progress: Progress
    ) -> None:
        """Fill another store with the vectors of another embedder, while the old one serves."""
        self._embed("reembed", store, in_turn(embedder), progress, None)

    def _embed(
        self,
        stage: Stage,
        store: Callable[[], PassageStore],
        embed: EmbedBatches,
        progress: Progress,
        limit: int | None,
        window: int = SORT_WINDOW,
    ) -> None:
        """Store the vectors of all passages of the papers on the stage's list."""
        total = min(self._catalog.todo_count(stage), limit or sys.maxsize)
        done = 0
        while done < total and (ids := self._catalog.todo(stage, min(window, total - done))):
            papers = self._catalog.get_many(ids)
            gone = [paper_id for paper_id in ids if paper_id not in papers]
            if gone:
                store().remove(gone)
                self._catalog.done(stage, gone)
                done += len(gone)
            # Texts of one length in one batch waste no padding.
            queue = sorted(papers.values(), key=lambda paper: len(paper.abstract))
            batches = [
                queue[start : start + EMBED_BATCH] for start in range(0, len(queue), EMBED_BATCH)
            ]
            cut = [self._passages(batch) for batch in batches]
            progress("embedding papers", done, total)
            for place, vectors in embed([texts for _, texts in cut]):
                self._store_batch_vectors(batches[place], cut[place][0], vectors, store())
                self._catalog.done(stage, [paper.id for paper in batches[place]])
                done += len(batches[place])
                progress("embedding papers", done, max(total, done))

    def _passages(self, papers: Sequence[Paper]) -> tuple[list[PassageRecord], list[str]]:
        """Return the passages of the papers, and the text of each to embed."""
        found = self._tags(papers)
        records, texts = [], []
        for paper in papers:
            for start, end in self.split(paper.abstract):
                text = paper.abstract[start:end]
                texts.append(f"{paper.title}. {text}" if paper.title else text)
                records.append(
                    PassageRecord(
                        paper_id=paper.id,
                        start=start,
                        end=end,
                        content_hash=paper.content_hash,
                        year=paper.year,
                        tags=tuple(found[paper.id]),
                    )
                )
        return records, texts

    @staticmethod
    def _store_batch_vectors(
        papers: Sequence[Paper],
        records: Sequence[PassageRecord],
        vectors: Vectors,
        store: PassageStore,
    ) -> None:
        """Store the new passages, then delete those of an earlier text."""
        store.upsert(records, vectors)
        store.remove_stale({paper.id: paper.content_hash for paper in papers})

    def embed_sentences(self, progress: Progress, limit: int | None = None) -> None:
        """Store vectors of sentences and words, of `limit` papers at most; for the ranking."""
        embedder = self._embedder() if self._catalog.todo("sentences", 1) else None
        if embedder is None:
            return
        done = 0
        for ids in self._batches("sentences", EMBED_BATCH, "embedding sentences", progress):
            papers = list(self._catalog.get_many(ids).values())
            known = self._catalog.sentence_vectors(papers)
            missing = [paper for paper in papers if paper.id not in known]
            if missing:
                self._catalog.put_sentence_vectors(embed_sentences(missing, embedder))
            self._copy_passage_vectors(papers)
            self._embed_words(papers, embedder)
            self._catalog.done("sentences", ids)
            done += len(ids)
            if limit is not None and done >= limit:
                break

    def _copy_passage_vectors(self, papers: Sequence[Paper]) -> None:
        """Put the passages' vectors where a search reads those of its fifty best in a moment."""
        current = {paper.id: paper.content_hash for paper in papers}
        rows = self._store().vectors(current)
        self._catalog.put_passage_vectors({key: (current[key], rows[key]) for key in rows})

    def _embed_words(self, papers: Sequence[Paper], embedder: Embedder) -> None:
        """Store vectors of the papers' words that have none, if two papers have them.

        A word of one paper is kindred to few others, and most of a library's words are such.
        """
        found = spelled(*(text for paper in papers for text in (paper.title, paper.abstract)))
        known = self._catalog.known_words(list(found))
        new = [term for term in found if term not in known and self._lexical.knows(term, 2)]
        if new:
            rows = embedder.embed([found[term] for term in new])
            self._catalog.put_word_vectors(dict(zip(new, rows, strict=True)))

    def split(self, abstract: str) -> list[tuple[int, int]]:
        """Cut an abstract into passages; one that fits needs no splitter, which is slow to load."""
        if len(abstract) <= WHOLE_CHARACTERS:
            return [(0, len(abstract))]
        return self._splitter().split(abstract)

    def remove(self, paper_ids: Sequence[str], progress: Progress) -> int:
        """Take papers out of the library and its indexes; return how many there were."""
        removed = self._catalog.remove(paper_ids)
        # Where the store can't be reached, the lists keep what it must still forget; until then
        # the catalog keeps it from being found.
        with contextlib.suppress(StoreError):
            self.index_words(progress)
            kept = self._catalog.get_many(paper_ids)
            gone = [paper_id for paper_id in paper_ids if paper_id not in kept]
            self._store().remove(gone)
            self._catalog.done("vectors", gone)
        return removed


def in_turn(embedder: Embedder) -> EmbedBatches:
    """Return what embeds one batch after the other, here."""

    def embed(batches: Sequence[Sequence[str]]) -> Iterator[tuple[int, Vectors]]:
        for place, texts in enumerate(batches):
            yield place, embedder.embed(texts)

    return embed


def _silent(what: str, done: int, total: int) -> None:
    """Report no progress."""
