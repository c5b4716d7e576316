"""What becomes of the records that are added, counted."""

from dataclasses import dataclass, field

from assistant.types import AddReport, NearDuplicate, Problem

REPORTS_KEPT = 1000
OUTCOMES = ("added", "replaced", "unchanged", "merged", "skipped")


@dataclass
class Tally:
    """What became of the records so far."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    problems: list[Problem] = field(default_factory=list)
    near_duplicates: list[NearDuplicate] = field(default_factory=list)

    def note(self, problem: Problem) -> None:
        """Keep what was wrong with a record."""
        self.counts["skipped"] += problem.skipped
        if len(self.problems) < REPORTS_KEPT:
            self.problems.append(problem)

    def report(self, pending: int) -> AddReport:
        """Return all of it, with how many papers lack vectors."""
        return AddReport(
            added=self.counts["added"],
            replaced=self.counts["replaced"],
            unchanged=self.counts["unchanged"],
            merged=self.counts["merged"],
            skipped=self.counts["skipped"],
            problems=tuple(self.problems),
            near_duplicates=tuple(self.near_duplicates[:REPORTS_KEPT]),
            pending=pending,
        )
