"""The settings that the page keeps: a file like `.env` in the home, readable to its owner only.

`Settings.load` reads it below `.env` and the environment, which both win.
"""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from assistant.errors import SettingsError

NAME = "settings.env"
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
        SettingsError: the file can't be read.
    """
    from dotenv import dotenv_values

    file = home / NAME
    try:
        # As it stands: a key with a dollar sign names no variable.
        found = dotenv_values(file, interpolate=False) if file.is_file() else {}
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{file} can't be read ({error}); mend or delete it.") from error
    return {name: value for name, value in found.items() if name in KEPT and value is not None}


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
                file.writelines(["# Kept by the page's settings.\n", *lines])
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
