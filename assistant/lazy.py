"""An attribute that is made at its first use, once, however many threads ask for it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, Self, TypeVar, overload

Made = TypeVar("Made")


class Once(Generic[Made]):
    """Make an attribute under the instance's `_lock` (an `RLock`).

    `functools.cached_property` has no lock from Python 3.12 on, so that two threads would open a
    library twice; before, its one lock made separate libraries wait for each other. What is made
    lies in the instance's `vars`, and is made anew once deleted there.
    """

    def __init__(self, make: Callable[[Any], Made]) -> None:
        """Take the method that makes it."""
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        """Note what the attribute is called."""
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Made: ...

    def __get__(self, instance: object | None, owner: type) -> Self | Made:
        """Return the attribute, made if it isn't there."""
        if instance is None:
            return self
        lock: AbstractContextManager[Any] = vars(instance)["_lock"]
        with lock:
            made = vars(instance)
            if self._name not in made:
                made[self._name] = self._make(instance)
            found: Made = made[self._name]
            return found
