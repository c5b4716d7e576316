"""A chat model that isn't asked again and again while it fails."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from assistant.cancellation import Cancellation
from assistant.errors import ContextOverflowError, ModelError
from assistant.types import Message

if TYPE_CHECKING:
    from assistant.protocols import ChatModel

FAILURES = 3
PAUSE_SECONDS = 30.0


class Breaker:
    """Opens after some failures in a row, for some seconds; then one more closes or opens it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin closed: the model is asked."""
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0
        self._reason = ""

    def notice(self) -> str:
        """Say why the model isn't asked now; an empty string where it is."""
        with self._lock:
            left = self._open_until - self._clock()
            if left <= 0:
                return ""
            return (
                f"The chat model failed {self._failures} times in a row ({self._reason}) and isn't "
                f"asked for {left:.0f} s; answers quote the papers meanwhile."
            )

    def succeeded(self) -> None:
        """Note that the model has replied."""
        with self._lock:
            self._failures, self._open_until = 0, 0.0

    def failed(self, error: ModelError) -> None:
        """Note that the model has failed."""
        with self._lock:
            self._failures += 1
            self._reason = str(error).partition(";")[0].rstrip(".")
            if self._failures >= FAILURES:
                self._open_until = self._clock() + PAUSE_SECONDS


class Guarded:
    """A chat model whose failures a breaker counts; a text too long for it is none."""

    def __init__(self, model: "ChatModel", breaker: Breaker) -> None:
        """Wrap the model."""
        self.name = model.name
        self.is_small = model.is_small
        # A model of the user's own may know nothing of adapters.
        self.is_adapted = getattr(model, "is_adapted", False)
        self._model = model
        self._breaker = breaker

    def stream(
        self, messages: Sequence[Message], max_tokens: int, share: float = 1.0
    ) -> Generator[str, None, str]:
        """Yield the reply piece by piece; return why it ended."""
        try:
            ended = yield from self._model.stream(messages, max_tokens, share)
        except ContextOverflowError:
            raise
        except ModelError as error:
            self._breaker.failed(error)
            raise
        self._breaker.succeeded()
        return ended

    def yes_probability(
        self, messages: Sequence[Message], *, adapted: bool = False
    ) -> float | None:
        """Return the share of yes in a one-word reply."""
        try:
            yes = (
                self._model.yes_probability(messages, adapted=True)
                if adapted
                else self._model.yes_probability(messages)
            )
        except ContextOverflowError:
            raise
        except ModelError as error:
            self._breaker.failed(error)
            raise
        self._breaker.succeeded()
        return yes

    def metered(self, tokens: Counter[str], cancellation: Cancellation | None = None) -> "Guarded":
        """Return the same model for one question."""
        return Guarded(self._model.metered(tokens, cancellation), self._breaker)
