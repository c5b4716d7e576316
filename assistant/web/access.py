"""Who may open the page: users with passwords, and a brake on guessing."""

import hmac
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from assistant.errors import SettingsError

FREE_TRIES = 5
LONGEST_WAIT_SECONDS = 300.0
MOST_ADDRESSES = 10_000


def accounts(user: str, password: str) -> dict[str, str]:
    """Return passwords by name; several names and passwords stand between commas.

    Raises:
        SettingsError: a name or password is missing, or there are not as many of one as the other.
    """
    names = [name.strip() for name in user.split(",")] if user else []
    # One user's password may have commas.
    passwords = password.split(",") if len(names) > 1 else [password] * bool(password)
    if len(names) != len(passwords) or not all([*names, *passwords]):
        raise SettingsError(
            "ASSISTANT_USER and ASSISTANT_PASSWORD don't belong together; set both, and for "
            "several users as many names as passwords, with commas between them."
        )
    if len(set(names)) < len(names):
        raise SettingsError("ASSISTANT_USER names a user twice; name each once.")
    return dict(zip(names, passwords, strict=True))


def demanded(host: str, local: tuple[str, ...], user: str, password: str) -> dict[str, str]:
    """Return who may log in; empty where everyone on this machine may.

    Raises:
        SettingsError: the page is to be served beyond this machine without a password.
    """
    if not user and not password:
        if host in local:
            return {}
        raise SettingsError(
            f"Served at {host}, the page can be opened from other machines: set ASSISTANT_USER "
            "and ASSISTANT_PASSWORD in .env, or leave --host out."
        )
    return accounts(user, password)


@dataclass(frozen=True, kw_only=True)
class Operators:
    """Who may change the settings, which say where questions are sent: a user, all, or nobody."""

    user: str = ""
    everyone: bool = False

    def admit(self, user: str) -> bool:
        """Whether the user, an empty string where nobody logs in, is an operator."""
        return self.everyone or bool(self.user and user == self.user)


def operators(host: str, local: tuple[str, ...], users: Iterable[str], token: str) -> Operators:
    """Return who operates the page: the first user; without users, who sits at this machine.

    Nobody where others come in by a token: they could let the server call any address.
    """
    first = next(iter(users), "")
    return Operators(user=first, everyone=not first and not token and host in local)


class Gate:
    """Compares passwords, in the same time whatever is wrong with them."""

    def __init__(self, known: dict[str, str]) -> None:
        """Take passwords by name."""
        self._known = {name.encode(): word.encode() for name, word in known.items()}

    def __call__(self, user: str, password: str) -> bool:
        """Whether it is the user's password; every pair is compared, to the end."""
        given = (user.encode(errors="replace"), password.encode(errors="replace"))
        fits = False
        for name, word in self._known.items():
            same = hmac.compare_digest(name, given[0]) & hmac.compare_digest(word, given[1])
            fits |= same
        return fits


class Brake:
    """Makes an address wait after failures, each time twice as long."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the clock, in seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, tuple[int, float]] = {}

    def wait(self, address: str) -> float:
        """Return the seconds until the address may try again, 0 where it may now."""
        with self._lock:
            count, last = self._failures.get(address, (0, 0.0))
            if count < FREE_TRIES:
                return 0.0
            seconds = min(LONGEST_WAIT_SECONDS, 2.0 ** (count - FREE_TRIES + 1))
            return max(0.0, last + seconds - self._clock())

    def failed(self, address: str) -> None:
        """Count a failure."""
        with self._lock:
            if len(self._failures) >= MOST_ADDRESSES:
                self._failures.pop(next(iter(self._failures)))
            count, _ = self._failures.pop(address, (0, 0.0))
            self._failures[address] = (count + 1, self._clock())

    def passed(self, address: str) -> None:
        """Forget the failures of an address."""
        with self._lock:
            self._failures.pop(address, None)
