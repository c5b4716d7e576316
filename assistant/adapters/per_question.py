"""What a chat model's adapter knows of the question that it is asked for."""

import copy
from collections import Counter
from typing import Self

from assistant.cancellation import Cancellation


class PerQuestion:
    """A chat model that counts what it reads and writes, and hears when it is to stop."""

    def __init__(self) -> None:
        """Belong to no question yet: count for nobody, and never hear a wish to stop."""
        self._tokens = Counter[str]()
        self._cancellation = Cancellation()

    def metered(self, tokens: Counter[str], cancellation: Cancellation | None = None) -> Self:
        """Return the same model, counting its tokens as a `Trace` does, for one question."""
        other = copy.copy(self)
        other._tokens = tokens
        other._cancellation = cancellation or Cancellation()
        return other
