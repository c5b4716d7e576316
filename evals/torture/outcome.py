"""What a kind of fault did, as a row of the table."""

from collections.abc import Sequence
from dataclasses import dataclass, field

TRACEBACK = "Traceback (most recent call last)"
_SHOWN = 10


@dataclass
class Outcome:
    """Papers lost or doubled by one kind of fault, tracebacks shown, and what else was wrong."""

    fault: str = ""
    trials: int = 0
    to_the_end: int = 0
    lost: int = 0
    doubled: int = 0
    tracebacks: int = 0
    wrong: list[str] = field(default_factory=list)
    mended: int = 0
    """How often a command found an index cut amid a write, and the one that it named mended it."""

    def __str__(self) -> str:
        """One row, and a line for each thing that is wrong."""
        counts = (self.trials, self.lost, self.doubled, self.tracebacks, len(self.wrong))
        row = f"{self.fault:<44}" + "".join(f"{count:>11}" for count in counts)
        notes = self.wrong[:_SHOWN]
        if self.mended:
            cut = "an index cut amid a write was said to be, and mended by the command named"
            notes.insert(0, f"{cut}: {self.mended}")
        return "\n".join([row, *(f"  {one}" for one in notes)])

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled, shown as a traceback or wrong."""
        return not (self.lost or self.doubled or self.tracebacks or self.wrong)

    def heard(self, said: str) -> None:
        """Look for tracebacks in what a command printed."""
        if TRACEBACK in said:
            self.tracebacks += 1
            self.wrong.append(said[said.index(TRACEBACK) :][-1500:])


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the rows below their heads; what there was no time for is named, not counted."""
    heads = ("trials", "lost", "doubled", "tracebacks", "other")
    head = f"{'fault':<44}" + "".join(f"{name:>11}" for name in heads)
    rows = [str(one) for one in outcomes if one.trials or not one.is_clean]
    untried = ", ".join(one.fault for one in outcomes if not one.trials)
    return "\n".join([head, *rows, *([f"not tried: {untried}"] if untried else [])])
