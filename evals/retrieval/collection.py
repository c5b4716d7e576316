"""BEIR-like folders: `corpus.jsonl[.gz]`, `queries.jsonl`, `qrels.tsv`."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from assistant.app import Assistant
from assistant.errors import UnreadableFileError
from assistant.protocols import CatalogEntry
from assistant.settings import Settings
from assistant.types import Paper

BATCH = 500
# Raise it where what is stored for a paper changes: libraries of before are made anew.
FORM = 1


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query, the grades of documents by id, and the one to leave out of its ranking.

    `answer` is what people answered, where the collection says so.
    """

    id: str
    text: str
    grades: dict[str, int]
    exclude: str = ""
    answer: str = ""


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A corpus on disk, and the queries that have a relevant document."""

    name: str
    corpus: Path
    queries: tuple[Query, ...]


def load_collection(folder: Path) -> Collection:
    """Read a folder.

    Raises:
        UnreadableFileError: a file is missing, or a line can't be read.
    """
    names = ("corpus.jsonl", "corpus.jsonl.gz")
    corpus = next((folder / name for name in names if (folder / name).is_file()), None)
    if corpus is None:
        raise UnreadableFileError(f"{folder}: has no corpus.jsonl or corpus.jsonl.gz.")
    grades: dict[str, dict[str, int]] = {}
    for place, line in _lines(folder / "qrels.tsv"):
        parts = line.split("\t")
        if place == 1 and not parts[-1].lstrip("-").isdigit():
            continue  # BEIR's header
        if len(parts) != 3 or not parts[2].lstrip("-").isdigit():
            raise UnreadableFileError(
                f"{folder / 'qrels.tsv'}, line {place}: is not query, document, grade."
            )
        grades.setdefault(parts[0], {})[parts[1]] = int(parts[2])
    queries = []
    for place, line in _lines(folder / "queries.jsonl"):
        record = _object(line, folder / "queries.jsonl", place)
        name = _id(record)
        own = grades.get(name, {})
        if any(grade > 0 for grade in own.values()):
            text, without = str(record["text"]), str(record.get("exclude") or "")
            answer = str(record.get("answer") or "")
            queries.append(Query(id=name, text=text, grades=own, exclude=without, answer=answer))
    if not queries:
        raise UnreadableFileError(f"{folder}: no query has a relevant document.")
    return Collection(name=folder.resolve().name, corpus=corpus, queries=tuple(queries))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with _opened(path) as file:
            for place, line in enumerate(file, start=1):
                if line.strip():
                    yield place, line.rstrip("\r\n")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{path}: can't be read ({error}).") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    opening = gzip.open if path.suffix == ".gz" else open
    with opening(path, "rt", encoding="utf-8") as file:
        yield file


def _object(line: str, path: Path, place: int) -> dict[str, object]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise UnreadableFileError(f"{path}, line {place}: is not JSON ({error}).") from error
    if not isinstance(record, dict):
        raise UnreadableFileError(f"{path}, line {place}: is not a JSON object.")
    return record


def _id(record: dict[str, object]) -> str:
    return str(record.get("_id", record.get("id")))


def documents(collection: Collection) -> Iterator[Paper]:
    """Yield the corpus as papers, also those of a title alone, under its own ids."""
    for place, line in _lines(collection.corpus):
        record = _object(line, collection.corpus, place)
        text = str(record.get("abstract") or record.get("text") or "")
        title = str(record.get("title") or "")
        if text.strip() or title.strip():
            yield Paper(id=_id(record), title=title, abstract=text, source=collection.name)


@contextmanager
def opened(collection: Collection, settings: Settings, cache: Path) -> Iterator[Assistant]:
    """Give an assistant whose library is the corpus; its vectors are kept in `cache`.

    Every document goes in as it is: merging near-duplicates, as `add` does, would change what
    was judged.
    """
    home = cache / f"{collection.name}-{_digest(collection, settings)}"
    with Assistant(settings, home=home, models=settings.models, model="extractive") as assistant:
        _fill(assistant, collection)
        yield assistant


def _digest(collection: Collection, settings: Settings) -> str:
    digest = hashlib.sha256(f"{FORM} {settings.embedder} ".encode())
    digest.update(collection.corpus.read_bytes())
    return digest.hexdigest()[:12]


def _fill(assistant: Assistant, collection: Collection) -> None:
    catalog = assistant.catalog
    if catalog.meta("filled") != "1":
        run = catalog.begin_run()
        batch: list[CatalogEntry] = []
        for paper in documents(collection):
            batch.append(_entry(paper))
            if len(batch) == BATCH:
                catalog.put(batch, run)
                batch = []
        catalog.put(batch, run)
        catalog.set_meta("filled", "1")
    assistant.index()


def _entry(paper: Paper) -> CatalogEntry:
    keys = (f"record:{paper.source}:{paper.id}",)
    return CatalogEntry(
        paper=paper, keys=keys, source=paper.source, record_hash=paper.id, tag_hash=""
    )
