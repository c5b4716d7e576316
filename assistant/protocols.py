"""What the two pipelines need from the outside; adapters provide it."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.cancellation import Cancellation
from assistant.filters import Filter
from assistant.types import Hit, Message, Paper, Problem, Required

Vectors = NDArray[np.float32]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and how many there are."""


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """What a library records and compares on open."""

    @property
    def dimension(self) -> int:
        """Width of the vectors."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return (len(texts), dimension), rows of length 1."""

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question, of length 1."""


EmbedBatches = Callable[[Sequence[Sequence[str]]], Iterator[tuple[int, Vectors]]]
"""Takes batches of texts; yields each batch's place and (texts, dimension), as they are done."""


class Workers(Protocol):
    """Processes here or elsewhere that read files and compute vectors; none of them writes."""

    def read(self, files: Sequence[tuple[Path, str]]) -> Iterator[Paper | Problem]:
        """Yield the records of files, each with the name of its source, in their order.

        A file that can't be read is a problem. Raises WorkersError.
        """

    def embed(self, batches: Sequence[Sequence[str]]) -> Iterator[tuple[int, Vectors]]:
        """Yield each batch's place and (texts, dimension) vectors once, in any order.

        What a worker that is lost was at, another does. Raises ModelError and WorkersError.
        """


Stage = Literal["words", "tags", "vectors", "sentences", "reembed"]
"""An index that follows the catalog: each keeps a list of papers that it must still take in."""


class PaperCatalog(Protocol):
    """The record of all papers; what is in it is in the library.

    Every change notes, in the same transaction, which papers each index must take in (or
    give up, where the catalog has them no more). An index that has done so strikes them off.
    """

    def get(self, paper_id: str) -> Paper | None:
        """Return the paper, or None."""

    def get_many(self, paper_ids: Sequence[str]) -> dict[str, Paper]:
        """Return those of the papers that exist, by id."""

    def owners(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """Return the ids of the papers that carry each key, the oldest first."""

    def records(self, paper_ids: Sequence[str]) -> dict[str, list["SourceRecord"]]:
        """Return the records that each paper came from, by paper id."""

    def seen(self, records: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, int]]:
        """Return, for each (source, record hash) stored before, paper id and the paper's run."""

    def begin_run(self) -> int:
        """Return a number for one run of `add`, higher than any before."""

    def put(self, entries: Sequence["CatalogEntry"], run: int) -> None:
        """Store papers with their keys and source records, all or none."""

    def touch(self, records: Sequence[tuple[str, str]], run: int) -> None:
        """Note that the (source, record hash) pairs were met again, unchanged."""

    def remove(self, paper_ids: Sequence[str]) -> int:
        """Forget the papers; return how many there were."""

    def vanished(self, prefix: str, run: int) -> list[tuple[str, str]]:
        """Return (paper id, source) of sources named `prefix…` that the run didn't meet."""

    def unlink(self, links: Sequence[tuple[str, str]]) -> None:
        """Forget that the papers came from the sources, as (paper id, source)."""

    def sources(self, paper_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the names of all files that gave each paper."""

    def papers(self) -> Iterator[Paper]:
        """Yield every paper in the order added."""

    def count(self) -> int:
        """Return the number of papers."""

    def generation(self) -> int:
        """Return a number that grows with every change of the papers."""

    def todo(self, stage: Stage, limit: int) -> list[str]:
        """Return ids of at most `limit` papers that the stage must still take in."""

    def todo_count(self, stage: Stage) -> int:
        """Return how many papers the stage must still take in."""

    def done(self, stage: Stage, paper_ids: Sequence[str]) -> None:
        """Strike the papers off the stage's list."""

    def redo(self, *stages: Stage) -> None:
        """Put every paper on the stages' lists, as after the loss of an index."""

    def sentence_vectors(self, papers: Sequence[Paper]) -> dict[str, Vectors]:
        """Return stored (sentences, dimension) vectors of those papers that have them."""

    def put_sentence_vectors(self, vectors: Mapping[str, tuple[str, Vectors]]) -> None:
        """Store content hash and sentence vectors by paper id."""

    def passage_vectors(self, papers: Sequence[Paper]) -> dict[str, Vectors]:
        """Return stored (passages, dimension) vectors of those papers that have them."""

    def put_passage_vectors(self, vectors: Mapping[str, tuple[str, Vectors]]) -> None:
        """Store content hash and passage vectors by paper id: a copy, for reranking."""

    def known_words(self, terms: Sequence[str]) -> set[str]:
        """Return those of the terms that have a vector."""

    def put_word_vectors(self, vectors: Mapping[str, Vectors]) -> None:
        """Store one vector a term; a term that has one keeps it."""

    def word_vectors(self) -> Iterator[tuple[list[str], NDArray[np.float16]]]:
        """Yield all terms that have a vector, in parts, with (terms, dimension) vectors."""

    def word_count(self) -> int:
        """Return how many terms have a vector."""

    def meta(self, key: str) -> str:
        """Return a note about the library, or an empty string."""

    def set_meta(self, key: str, value: str) -> None:
        """Store a note about the library."""


@dataclass(frozen=True, kw_only=True)
class SourceRecord:
    """A record that a paper came from, and the last run that met it."""

    source: str
    record_hash: str
    run: int


@dataclass(frozen=True, kw_only=True)
class CatalogEntry:
    """A paper to store, with the keys that find it and the record it came from.

    `edited` says that the record replaces those that its source gave for the paper before.
    """

    paper: Paper
    keys: tuple[str, ...]
    source: str
    record_hash: str
    tag_hash: str
    edited: bool = False


@dataclass(frozen=True, kw_only=True)
class PassageRecord:
    """A passage to store: where it stands, of which text of the paper, and the paper's tags."""

    paper_id: str
    start: int
    end: int
    content_hash: str
    year: int | None = None
    tags: tuple[str, ...] = ()


class PassageStore(Protocol):
    """Vectors of passages."""

    def upsert(self, passages: Sequence[PassageRecord], vectors: Vectors) -> None:
        """Store passages; the same passage twice is stored once."""

    def remove_stale(self, current: Mapping[str, str]) -> None:
        """Delete passages of the named papers whose content hash isn't the current one."""

    def retag(self, current: Mapping[str, tuple[int | None, Sequence[str]]]) -> None:
        """Store year and tags anew, by paper id, with the passages there are."""

    def remove(self, paper_ids: Sequence[str]) -> None:
        """Delete all passages of the papers."""

    def vectors(self, current: Mapping[str, str]) -> dict[str, Vectors]:
        """Return (passages, dimension) vectors by paper id, of passages with the given hash."""

    def search(
        self, vector: Vectors, limit: int, required: Required | None = None
    ) -> list[tuple[PassageRecord, float]]:
        """Return the nearest passages with their cosine similarity, best first."""

    def count(self) -> int:
        """Return the number of passages."""


class LexicalIndex(Protocol):
    """Words of papers."""

    def search(
        self, query: str, limit: int, required: Required | None = None
    ) -> list[tuple[str, float]]:
        """Return paper ids with their BM25 score, best first, none at zero."""

    def update(
        self, papers: Sequence[tuple[Paper, Sequence[str]]], removed: Sequence[str] = ()
    ) -> None:
        """Take in papers with their tags, in place of what was known of them; forget `removed`."""

    def scores(self, query: str, paper_ids: Sequence[str]) -> dict[str, float]:
        """Return the BM25 scores of the given papers, of those above zero."""

    def rarity(self, term: str) -> float:
        """Return the idf of a stemmed term; the highest for one that no paper has."""

    def knows(self, term: str, papers: int = 1) -> bool:
        """Whether so many papers have the stemmed term."""

    def count(self) -> int:
        """Return the number of papers."""


class Splitter(Protocol):
    """Cuts an abstract into passages that an embedder reads whole."""

    def split(self, text: str) -> list[tuple[int, int]]:
        """Return (start, end) of each passage, at sentence ends where possible."""


class Reranker(Protocol):
    """Judges few papers well."""

    def judge(self, query: str, papers: Sequence[Paper]) -> list[float] | None:
        """Return each paper's probability of being relevant; None where it can't tell."""


class PairClassifier(Protocol):
    """Reads claim and evidence together."""

    def classify(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        """Return (pairs, 3): the probabilities of supported, refuted and not found."""


class Retriever(Protocol):
    """Finds papers for a query."""

    def search(self, query: str, limit: int, only: Filter | None = None) -> list[Hit]:
        """Return papers, best first; `only` those that pass the filter."""


class ChatModel(Protocol):
    """A model that writes."""

    @property
    def name(self) -> str:
        """What answers and traces call it."""

    @property
    def is_small(self) -> bool:
        """Whether it needs the prompts and the distrust that small models need."""

    def stream(
        self, messages: Sequence[Message], max_tokens: int, share: float = 1.0
    ) -> Generator[str, None, str]:
        """Yield the reply piece by piece; return why it ended ("length": it was cut).

        Raises ModelError, also where the reply takes longer than `share` of the time limit over
        all, and ContextOverflowError where the messages are longer than the model can read.
        Closed early, it stops the model.
        """

    @property
    def is_adapted(self) -> bool:
        """Whether it has an adapter that was trained to judge claims by their evidence."""

    def yes_probability(
        self, messages: Sequence[Message], *, adapted: bool = False
    ) -> float | None:
        """Return P(yes) / (P(yes) + P(no)) of a one-word reply; None where unknown.

        `adapted`: as its adapter says; only where `is_adapted`.
        """

    def metered(
        self, tokens: Counter[str], cancellation: Cancellation | None = None
    ) -> "ChatModel":
        """Return the same model for one question.

        It counts its requests and their tokens as a `Trace` does. On cancellation it stops at
        once, and whoever waits for it gets a CancelledError.
        """


class WriteLock(Protocol):
    """Lets one process write to a library at a time."""

    def __call__(self) -> AbstractContextManager[None]:
        """Hold the lock; raises LibraryBusyError where another keeps it."""


@dataclass(frozen=True, kw_only=True)
class StoredConversation:
    """A conversation as it is kept: `content` is JSON that only its writer reads."""

    id: str
    title: str
    content: str


class ConversationStore(Protocol):
    """Keeps conversations and feedback; no owner sees another's. All raise LibraryError."""

    def save(self, owner: str, conversation: StoredConversation, words: str) -> None:
        """Store a conversation in place of what was there; `words` is what a search reads."""

    def load(self, owner: str, conversation_id: str) -> StoredConversation | None:
        """Return a conversation of this owner, or None."""

    def titles(self, owner: str, search: str = "", limit: int = 200) -> list[tuple[str, str]]:
        """Return (id, title) of those that have every word of `search`, the latest first."""

    def delete(self, owner: str, conversation_id: str) -> None:
        """Forget a conversation; what was said about it stays."""

    def note(
        self, owner: str, conversation_id: str, place: int, about: str, record: Mapping[str, Any]
    ) -> None:
        """Store feedback about a turn's answer or one of its citations, in place of earlier."""

    def notes(self, owner: str) -> list[dict[str, Any]]:
        """Return all feedback of this owner, the oldest first."""
