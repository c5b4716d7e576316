"""Whether what a library holds is as it was written; reads everything, changes nothing."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from assistant.adapters.chroma_store import ChromaStore
    from assistant.adapters.sqlite_catalog import SqliteCatalog
    from assistant.protocols import Vectors

ANSWERS = "answers"
CONVERSATIONS = "conversations.sqlite"
Part = Literal["catalog", "words", "vectors"]
_BATCH = 500
_TRIED = 25
# Copies are kept with half the digits.
_SAME = 0.99


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A part of the library that isn't as it must be, and in what."""

    part: Part
    detail: str


def file_faults(folder: Path) -> list[Fault]:
    """Return what is wrong with the library's files in `folder`, as they lie there."""
    from assistant.adapters.catalog_salvage import catalog_faults, is_sound
    from assistant.adapters.chroma_segments import damaged_segments
    from assistant.adapters.tantivy_files import damaged_files, indexed_papers

    words, vectors = folder / "words", folder / "chroma" / "chroma.sqlite3"
    found = [
        Fault(part="catalog", detail=f"the catalog is damaged: {detail}")
        for detail in catalog_faults(folder / "papers.sqlite", indexed_papers(words))
    ]
    if words.exists() and (wrong := damaged_files(words)):
        detail = f"the word index is damaged: {', '.join(wrong[:3])}"
        found.append(Fault(part="words", detail=detail))
    if vectors.exists() and not is_sound(vectors):
        found.append(Fault(part="vectors", detail="the vectors' database is damaged"))
    elif wrong := damaged_segments(vectors.parent):
        detail = f"the vectors are damaged: {', '.join(wrong[:3])}"
        found.append(Fault(part="vectors", detail=detail))
    return found


def kept_faults(home: Path) -> list[str]:
    """Return what is damaged of the conversations and past answers in a home."""
    from assistant.adapters.answer_store import AnswerStore
    from assistant.adapters.conversation_store import conversation_faults

    found = []
    conversations = home / CONVERSATIONS
    if conversations.exists() and (fault := conversation_faults(conversations)):
        found.append(f"{conversations} is damaged: {fault}")
    if wrong := AnswerStore(home / ANSWERS, 1).unreadable():
        found.append(f"{len(wrong)} past answers can't be read, as {wrong[0]}")
    return found


def vector_faults(catalog: "SqliteCatalog", store: "ChromaStore") -> list[Fault]:
    """Return how the stored vectors differ from those that the papers must have.

    They are compared with the copies that the catalog keeps, and some are searched for.

    Raises:
        LibraryError: they can't be read at all.
    """
    before = (catalog.generation(), catalog.meta("vectors"))
    waiting = set(catalog.todo("vectors", catalog.count() + 1))
    stored = set(store.passages())
    missing = other = lost = 0
    tried: list[tuple[str, Vectors]] = []
    papers = (paper for paper in catalog.papers() if paper.id not in waiting)
    while batch := list(islice(papers, _BATCH)):
        missing += sum((paper.id, paper.content_hash) not in stored for paper in batch)
        copies = catalog.passage_vectors(batch)
        found = store.vectors({paper.id: paper.content_hash for paper in batch})
        for paper_id, copy in copies.items():
            rows = found.get(paper_id)
            if rows is not None and not _alike(rows, copy):
                other += 1
        some = list(found)[:: max(1, _BATCH // _TRIED)]
        tried += [(one, found[one]) for one in some]
    for paper_id, rows in tried[:: max(1, len(tried) // _TRIED)]:
        hits = store.search(rows[0], 3)
        lost += not any(hit.paper_id == paper_id or score > _SAME for hit, score in hits)
    if before != (catalog.generation(), catalog.meta("vectors")):
        return []  # Another process has changed them meanwhile.
    counts = ((missing, "lack them"), (other, "have others"), (lost, "aren't found by them"))
    said = [f"{count:,} papers {what}" for count, what in counts if count]
    detail = f"the vectors are damaged: {', '.join(said)}"
    return [Fault(part="vectors", detail=detail)] if said else []


def _alike(rows: "Vectors", copy: "Vectors") -> bool:
    if rows.shape != copy.shape:
        return False
    lengths = (rows**2).sum(axis=1) ** 0.5 * (copy**2).sum(axis=1) ** 0.5
    return bool(((rows * copy).sum(axis=1) >= _SAME * lengths).all() and (lengths > 0).all())
