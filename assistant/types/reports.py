"""What became of records that were added, and of a folder that is followed."""

from dataclasses import dataclass
from typing import Any

from assistant.types.papers import Paper


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A record that was skipped, or text that was mended on the way in."""

    source: str
    line: int
    reason: str
    skipped: bool = True
    bare: bool = False
    """Nothing is wrong with the record but that it has no abstract."""

    def __str__(self) -> str:
        """`file, line N: reason`."""
        return f"{self.source}, line {self.line}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class NearDuplicate:
    """A record that was merged with a paper of nearly the same title and abstract."""

    paper_id: str
    title: str
    merged_title: str
    source: str
    likeness: float

    def __str__(self) -> str:
        """Say what was taken for what."""
        return (
            f"{self.source}: “{self.merged_title}” was taken for “{self.title}” [{self.paper_id}], "
            f"whose abstract is nearly the same ({self.likeness:.2f})"
        )


@dataclass(frozen=True, kw_only=True)
class AddReport:
    """What became of the records that were read."""

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    merged: int = 0
    skipped: int = 0
    problems: tuple[Problem, ...] = ()
    near_duplicates: tuple[NearDuplicate, ...] = ()
    pending: int = 0
    notices: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """Records that are in the library now, whatever the reason."""
        return self.added + self.replaced + self.unchanged + self.merged

    def to_dict(self) -> dict[str, Any]:
        """Return the counts and problems ready for JSON."""
        plain = vars(self) | {"notices": list(self.notices)}
        plain["near_duplicates"] = [vars(one) for one in self.near_duplicates]
        return plain | {"problems": [vars(problem) for problem in self.problems]}

    def __str__(self) -> str:
        """`140 added, 10 merged`; unchanged, replaced and skipped where there are any."""
        names = ("added", "replaced", "merged", "unchanged", "skipped")
        parts = [f"{getattr(self, name)} {name}" for name in names if getattr(self, name)]
        return ", ".join(parts) or "nothing to add"


@dataclass(frozen=True, kw_only=True)
class SyncReport:
    """What a folder's state added to the library, and what came from it and is gone."""

    added: AddReport
    vanished: tuple[Paper, ...] = ()
    kept_elsewhere: int = 0
    held_back: tuple[str, ...] = ()
    removed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return counts, and the vanished papers' references, ready for JSON."""
        return self.added.to_dict() | {
            "vanished": [paper.reference() for paper in self.vanished],
            "kept_elsewhere": self.kept_elsewhere,
            "held_back": list(self.held_back),
            "removed": self.removed,
        }


@dataclass(frozen=True, kw_only=True)
class CopyReport:
    """What was copied, and what comparing both sides afterwards found."""

    papers: int = 0
    passages: int = 0
    written: int = 0
    removed: int = 0
    sha256: str = ""
    """Of every passage's id, place, year and tags."""
    difference: float = 0.0
    """The largest between two components of a vector: a store norms what it takes in."""
    faults: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return vars(self) | {"faults": list(self.faults)}

    def __str__(self) -> str:
        """One line, and one for each fault."""
        head = (
            f"{self.papers:,} papers, {self.passages:,} passages: {self.written:,} written, "
            f"{self.removed:,} removed; SHA-256 {self.sha256[:16]}…, vectors differ by "
            f"{self.difference:.1g} at most"
        )
        return "\n".join([head, *self.faults])


@dataclass(frozen=True, kw_only=True)
class BackupReport:
    """What a backup holds, or what was restored from one."""

    papers: int = 0
    passages: int = 0
    lacking: int = 0
    """Papers whose vectors are not in it: they are computed after it is restored."""
    size: int = 0
    """Bytes of the file."""
    aside: tuple[str, ...] = ()
    """Where what was there before is now."""

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return vars(self) | {"aside": list(self.aside)}
