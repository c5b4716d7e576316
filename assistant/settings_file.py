"""The settings that the page keeps: a file like `.env` in the home, readable to its owner only.

`Settings.load` reads it below `.env` and the environment, which both win.
"""

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from assistant.errors import KeptSettingsError, SettingsError

NAME = "settings.env"
_HEAD = "# Kept by the page's settings, from here to the line that says END.\n"
_END = "# END\n"
KEPT = (
    "ASSISTANT_MODEL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "ASSISTANT_OPENAI_MODEL",
    "ASSISTANT_POLICY",
    "ASSISTANT_EVIDENCE_SENTENCES",
    "ASSISTANT_EVIDENCE_WORDS",
)
"""The variables that may stand there; others in the file are passed over."""


def read(home: Path) -> dict[str, str]:
    """Return what is kept, empty where nothing is.

    Raises:
        KeptSettingsError: the file can't be read, or is damaged.
    """
    file = home / NAME
    try:
        if not file.is_file():
            return {}
        found, reason = _parsed(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, OSError) as error:
        reason = str(error)
    if reason:
        raise KeptSettingsError(
            f"{file} can't be read ({reason}); mend it, or run 'assistant doctor --repair', which "
            "sets it aside and keeps what can be read of it."
        )
    return found


def _parsed(text: str) -> tuple[dict[str, str], str]:
    """Return the variables in the text, and what is wrong with it."""
    from dotenv.parser import parse_stream

    found: dict[str, str] = {}
    reason = ""
    # As it stands: a key with a dollar sign names no variable.
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            reason = f"line {binding.original.line} has no meaning"
        elif binding.key in KEPT and binding.value is not None:
            found[binding.key] = binding.value
    if text.startswith(_HEAD) and _END not in text:
        reason = "its end is missing"
    return found, reason if text.strip() else "it is empty"


def mend(home: Path, aside: Callable[[Path], Path]) -> str:
    """Keep what can be read of a damaged file, which `aside` moves; return what to say of it.

    An empty string where the file isn't damaged.

    Raises:
        SettingsError: the new one can't be written.
    """
    try:
        read(home)
    except KeptSettingsError as error:
        file = home / NAME
        text = file.read_bytes().decode("utf-8", errors="replace") if file.is_file() else ""
        # A value in which characters were lost would be another one.
        found = {name: one for name, one in _parsed(text)[0].items() if "\ufffd" not in one}
        damaged = aside(file)
        if found:
            write(home, found)
        kept = ", ".join(found) or "nothing"
        return f"{error.args[0].partition(';')[0]}: it is {damaged} now; kept: {kept}."
    return ""


def write(home: Path, values: Mapping[str, str]) -> None:
    """Keep the values in place of what was kept, whole or not at all, with mode 0600.

    Raises:
        SettingsError: a value has a line end, or the file can't be written.
    """
    lines = []
    for name in KEPT:
        value = values.get(name, "")
        if not value.isprintable():
            raise SettingsError(f"{name} holds a line end or control character; enter it anew.")
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        lines += [f"{name}='{escaped}'\n"] * bool(value)
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle, half = tempfile.mkstemp(dir=home, prefix=NAME)  # Made with mode 0600.
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines([_HEAD, *lines, _END])
            Path(half).replace(home / NAME)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(half).unlink()
            raise
    except OSError as error:
        raise SettingsError(
            f"The settings can't be kept in {home / NAME} ({error}); free disk space or check "
            "permissions. They hold until the page is stopped."
        ) from error


def overruled(home: Path, environ: Mapping[str, str]) -> list[str]:
    """Return the kept variables that the environment sets too, which wins at the next start."""
    return [name for name in read(home) if environ.get(name)]
