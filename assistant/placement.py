"""What becomes of a record: a new paper, another record of a known one, or its new edition."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.filters import tags
from assistant.identity import merge, same_paper, same_title, strong_keys, text_key
from assistant.near_duplicates import band_keys, likeness
from assistant.protocols import CatalogEntry, PaperCatalog, SourceRecord
from assistant.types import NearDuplicate, Paper

MOST_CANDIDATES = 50


def record_hash(paper: Paper) -> str:
    """Return the hash of all that a record says."""
    fields = {**vars(paper), "id": "", "raw_abstract": ""}
    return hashlib.sha256(repr(sorted(fields.items())).encode()).hexdigest()[:16]


def tag_hash(paper: Paper, sources: Sequence[str]) -> str:
    """Return the hash of what filters see of a paper."""
    text = f"{paper.year}\n" + "\n".join(tags(paper, sources))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Incoming:
    """A record, its hash, and the keys by which it may be known."""

    paper: Paper
    digest: str
    keys: tuple[str, ...] = ()
    near: tuple[str, ...] = ()

    @property
    def record(self) -> tuple[str, str]:
        return self.paper.source, self.digest


class Placement:
    """Decides on one batch of records, with what the catalog holds looked up for all at once.

    Afterwards `entries` is to be written and `touched` to be noted as met again.
    """

    def __init__(self, catalog: PaperCatalog, run: int) -> None:
        """Decide for the run of `add` that has this number."""
        self._catalog = catalog
        self._run = run
        self.entries: list[CatalogEntry] = []
        self.touched: list[tuple[str, str]] = []
        self.near_duplicates: list[NearDuplicate] = []
        self._papers: dict[str, Paper] = {}
        self._owners: dict[str, list[str]] = {}
        self._records: dict[str, list[SourceRecord]] = {}
        self._met: set[str] = set()

    def place(self, papers: Sequence[Paper]) -> list[str]:
        """Return the outcome of each record: added, replaced, merged or unchanged."""
        incoming = [_Incoming(paper, record_hash(paper)) for paper in papers]
        seen = self._catalog.seen([one.record for one in incoming])
        self._met = {paper_id for paper_id, run in seen.values() if run == self._run}
        incoming = [one if one.record in seen else _with_keys(one) for one in incoming]
        self._look_up([one for one in incoming if one.record not in seen])
        outcomes = []
        for one in incoming:
            if one.record in seen:
                paper_id = seen[one.record][0]
                outcomes.append("merged" if paper_id in self._met else "unchanged")
                self._met.add(paper_id)
                self.touched.append(one.record)
            else:
                outcomes.append(self._place(one))
        return outcomes

    def _look_up(self, fresh: Sequence[_Incoming]) -> None:
        """Fetch all papers that any of the records may be another record of."""
        keys = {key for one in fresh for key in (*one.keys, *one.near)}
        self._owners = self._catalog.owners(sorted(keys))
        ids = {paper_id for owners in self._owners.values() for paper_id in owners}
        ids |= {one.paper.id for one in fresh}
        self._papers = self._catalog.get_many(sorted(ids))
        self._records = self._catalog.records(sorted(self._papers))
        for paper_id, records in self._records.items():
            if any(record.run == self._run for record in records):
                self._met.add(paper_id)

    def _place(self, one: _Incoming) -> str:
        paper = one.paper
        edited = False
        known = self._known(one)
        if known is None:
            kept, outcome = self._with_free_id(paper), "added"
        elif known.is_summary and not paper.is_summary:
            # The real abstract supersedes the bundled summary of it.
            kept, outcome = replace(paper, id=known.id), "added"
        elif paper.is_summary and not known.is_summary:
            kept, outcome = known, "merged"
        elif known.id not in self._met and self._came_from(known.id, paper.source):
            kept, outcome, edited = replace(merge(paper, known), id=known.id), "replaced", True
        else:
            kept, outcome = merge(known, paper), "merged"
        self._queue(kept, one, edited=edited)
        return outcome

    def _queue(self, kept: Paper, one: _Incoming, *, edited: bool) -> None:
        """Note what must be written, and count on it for the rest of the batch."""
        source, digest = one.record
        records = self._records.setdefault(kept.id, [])
        if edited:
            records[:] = [old for old in records if old.source != source or old.run == self._run]
        records.append(SourceRecord(source=source, record_hash=digest, run=self._run))
        self._met.add(kept.id)
        self._papers[kept.id] = kept
        for key in (*one.keys, *one.near):
            owners = self._owners.setdefault(key, [])
            if kept.id not in owners:
                owners.append(kept.id)
        self.entries.append(
            CatalogEntry(
                paper=kept,
                keys=(*one.keys, *one.near),
                source=source,
                record_hash=digest,
                tag_hash=tag_hash(kept, sorted({record.source for record in records})),
                edited=edited,
            )
        )

    def _known(self, one: _Incoming) -> Paper | None:
        """Return the paper that the record is another record of."""
        paper = one.paper
        strong = strong_keys(paper)
        for found in self._carrying(strong):
            return found
        others = self._carrying([key for key in one.keys if key not in strong])
        for found in others:
            if same_paper(found, paper) or _summary_of(found, paper):
                return found
        # The same file, the same name, another abstract: edited since it was last read.
        edited = [
            found
            for found in others
            if found.id not in self._met
            and self._came_from(found.id, paper.source)
            and same_title(found, paper)
        ]
        return edited[0] if len(edited) == 1 else self._near(one)

    def _near(self, one: _Incoming) -> Paper | None:
        """Return the near-duplicate of the record, and report it."""
        best, found = 0.0, None
        for candidate in self._carrying(one.near)[:MOST_CANDIDATES]:
            score = likeness(candidate, one.paper) or 0.0
            if score > best:
                best, found = score, candidate
        if found is not None:
            self.near_duplicates.append(
                NearDuplicate(
                    paper_id=found.id,
                    title=found.title,
                    merged_title=one.paper.title,
                    source=one.paper.source,
                    likeness=round(best, 3),
                )
            )
        return found

    def _carrying(self, keys: Sequence[str]) -> list[Paper]:
        """Return the papers that carry any of the keys, as they are now."""
        ids = dict.fromkeys(paper_id for key in keys for paper_id in self._owners.get(key, ()))
        return [self._papers[paper_id] for paper_id in ids]

    def _came_from(self, paper_id: str, source: str) -> bool:
        return any(record.source == source for record in self._records.get(paper_id, ()))

    def _with_free_id(self, paper: Paper) -> Paper:
        """Keep two different papers apart that carry one id, as "1" in two files."""
        candidate, number = paper.id, 1
        while candidate in self._papers or (number > 1 and self._catalog.get(candidate)):
            number += 1
            candidate = f"{paper.id}~{number}"
        return replace(paper, id=candidate)


def _with_keys(one: _Incoming) -> _Incoming:
    paper = one.paper
    own = (f"record:{paper.source}:{paper.record_id}",) if paper.record_id else ()
    keys = (*strong_keys(paper), *own, text_key(paper))
    return _Incoming(paper, one.digest, keys, band_keys(paper))


def _summary_of(one: Paper, other: Paper) -> bool:
    """Whether one is the bundled summary of the other: same title, other words."""
    return one.is_summary != other.is_summary and bool(one.title) and same_title(one, other)
