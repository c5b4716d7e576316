"""BM25 over whole papers (title and abstract) in a Tantivy index, which grows in place.

Robertson & Zaragoza 2009 with Lucene's idf, k1 1.2 and b 0.75, which are Tantivy's own.
"""

import math
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.errors import LibraryError
from assistant.text.words import terms
from assistant.types import AllOf, AnyOf, HasTag, Paper, Required, YearBetween

WRITER_BYTES = 64_000_000


class TantivyIndex:
    """Stemmed words and tags by paper; readers see the last commit, also of another process."""

    def __init__(self, folder: Path) -> None:
        """Open or create the index in `folder`; a damaged one is set aside.

        Raises:
            LibraryError: the folder can't be written.
        """
        self._folder = folder
        self._lock = threading.Lock()
        self._schema = _schema()
        self._index = self._open()

    def _open(self) -> Any:
        import tantivy

        for _ in range(2):
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                index = tantivy.Index(self._schema, str(self._folder))
                index.config_reader("manual")
            except (ValueError, OSError) as error:
                problem = error
                if not (self._folder / "meta.json").exists():
                    break
                self._set_aside()
            else:
                return index
        raise self._error(problem) from problem

    def _set_aside(self) -> None:
        """Make room for a new index: what is in this one can be made again from the catalog."""
        aside = f"{self._folder.name}-damaged-{time.time_ns()}"
        self._folder.rename(self._folder.with_name(aside))

    def renew(self) -> None:
        """Begin with an empty index, whatever the state of this one."""
        with self._lock:
            self._set_aside()
            self._index = self._open()

    def _error(self, error: Exception) -> LibraryError:
        return LibraryError(
            f"The word index at {self._folder} failed ({error}); free disk space or make the "
            "folder writable, then run 'assistant index'; the papers are stored."
        )

    def _searcher(self) -> Any:
        # Some 30 µs where nothing has changed.
        self._index.reload()
        return self._index.searcher()

    def count(self) -> int:
        """Return the number of papers."""
        return int(self._searcher().num_docs)

    def search(
        self, query: str, limit: int, required: Required | None = None
    ) -> list[tuple[str, float]]:
        """Return paper ids with their BM25 score, best first, none at zero."""
        from tantivy import Occur, Query

        wanted = self._words(query)
        if wanted is None:
            return []
        if required is not None:
            # Only whether it holds counts, not how rare the tag is.
            condition = Query.const_score_query(self._condition(required), 0.0)
            wanted = Query.boolean_query([(Occur.Must, wanted), (Occur.Must, condition)])
        return self._hits(wanted, limit)

    def _words(self, query: str) -> Any:
        """Return the query for its words, or None where it has none."""
        from tantivy import Occur, Query

        words = [
            (Occur.Should, Query.term_query(self._schema, "words", term, "freq"))
            for term in terms(query)
        ]
        return Query.boolean_query(words) if words else None

    def _hits(self, wanted: Any, limit: int) -> list[tuple[str, float]]:
        """Return paper ids with their score, best first."""
        try:
            searcher = self._searcher()
            hits = searcher.search(wanted, limit, count=False).hits
            found = [(str(searcher.doc(address)["id"][0]), float(score)) for score, address in hits]
        except (ValueError, OSError) as error:
            raise self._error(error) from error
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))

    def scores(self, query: str, paper_ids: Sequence[str]) -> dict[str, float]:
        """Return the BM25 scores of the given papers, of those above zero."""
        from tantivy import Occur, Query

        if not paper_ids:
            return {}
        wanted = self._words(query)
        if wanted is None:
            return {}
        among = Query.term_set_query(self._schema, "id", list(paper_ids))
        condition = Query.const_score_query(among, 0.0)
        both = Query.boolean_query([(Occur.Must, wanted), (Occur.Must, condition)])
        return dict(self._hits(both, len(paper_ids)))

    def _condition(self, required: Required) -> Any:
        from tantivy import FieldType, Occur, Query

        match required:
            case HasTag(tag):
                return Query.term_query(self._schema, "tags", tag, "basic")
            case YearBetween(low, high):
                return Query.range_query(
                    self._schema, "year", FieldType.Integer, lower_bound=low, upper_bound=high
                )
            case AllOf(parts):
                return Query.boolean_query([(Occur.Must, self._condition(one)) for one in parts])
            case AnyOf(parts):
                return Query.boolean_query([(Occur.Should, self._condition(one)) for one in parts])

    def update(
        self, papers: Sequence[tuple[Paper, Sequence[str]]], removed: Sequence[str] = ()
    ) -> None:
        """Take in papers with their tags, in place of what was known of them; forget `removed`.

        Raises:
            LibraryError: the index can't be written.
        """
        if not papers and not removed:
            return
        with self._lock:
            try:
                self._update(papers, removed)
            except (ValueError, OSError) as error:
                raise self._error(error) from error

    def _update(
        self, papers: Sequence[tuple[Paper, Sequence[str]]], removed: Sequence[str]
    ) -> None:
        from tantivy import Document

        writer = self._index.writer(heap_size=WRITER_BYTES, num_threads=1)
        # A writer that was killed leaves files behind; where the next one needs the name of one of
        # them, as for what it deletes from a segment, it fails, and so does every one after it.
        writer.garbage_collect_files()
        for paper_id in removed:
            writer.delete_documents_by_term("id", paper_id)
        for paper, tags in papers:
            writer.delete_documents_by_term("id", paper.id)
            document = Document(
                id=paper.id, words=" ".join(terms(f"{paper.title} {paper.abstract}"))
            )
            for tag in tags:
                document.add_text("tags", tag)
            if paper.year is not None:
                document.add_integer("year", paper.year)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()

    def rarity(self, term: str) -> float:
        """Return the idf of a stemmed term; the highest for one that no paper has."""
        searcher = self._index.searcher()  # as of the last search: this is asked word by word
        # Papers that were replaced count until their segment is merged.
        found = min(searcher.doc_freq("words", term), searcher.num_docs)
        return math.log(1 + (searcher.num_docs - found + 0.5) / (found + 0.5))

    def knows(self, term: str, papers: int = 1) -> bool:
        """Whether so many papers have the stemmed term."""
        return bool(self._searcher().doc_freq("words", term) >= papers)


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    # The words come stemmed: at white space is where Tantivy must cut them.
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("tags", tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("year", indexed=True, fast=True)
    return builder.build()
