"""What all kinds of faults are tried with."""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from assistant.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How often, with how many papers, and until when, in seconds of the monotonic clock."""

    settings: Settings
    trials: int
    papers: int
    seed: int
    say: Callable[[str], object]
    until: float = math.inf

    def dice(self) -> random.Random:
        """Return the dice that the seed gives."""
        return random.Random(self.seed)  # noqa: S311 - a test's dice

    @property
    def is_over(self) -> bool:
        """Whether no further trial may begin."""
        return time.monotonic() >= self.until
