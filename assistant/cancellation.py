"""A wish to stop that any thread can utter, and that whatever waits hears at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assistant.errors import CancelledError


class Cancellation:
    """Begins as no wish; once `cancel` was called it stays one."""

    def __init__(self) -> None:
        """Begin with nobody listening."""
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], object]] = []
        self._is_wished = False

    def cancel(self) -> None:
        """Tell all who listen to stop, in the caller's thread; further calls do nothing."""
        with self._lock:
            if self._is_wished:
                return
            self._is_wished = True
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener()

    @property
    def is_wished(self) -> bool:
        """Whether `cancel` was called."""
        return self._is_wished

    def check(self) -> None:
        """Do nothing unless cancelled.

        Raises:
            CancelledError: `cancel` was called.
        """
        if self._is_wished:
            raise CancelledError("The question was cancelled; ask it again for an answer.")

    @contextmanager
    def telling(self, listener: Callable[[], object]) -> Iterator[None]:
        """Have `listener` called on `cancel`, which may have been called already."""
        with self._lock:
            now = self._is_wished
            if not now:
                self._listeners.append(listener)
        if now:
            listener()
        try:
            yield
        finally:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)
