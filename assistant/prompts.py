"""Prompts as packaged Markdown files, with strict variables and a version by content."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from assistant.errors import SettingsError
from assistant.types import Message

_SECTION = re.compile(r"^## (system|user)\s*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A prompt file: what it is called, its version, and a template for each role."""

    name: str
    version: str
    system: str
    user: str

    def messages(self, **variables: str) -> list[Message]:
        """Fill the templates.

        Raises:
            SettingsError: a variable of the templates is missing, or one is given too many.
        """
        wanted = set(Template(self.system).get_identifiers())
        wanted |= set(Template(self.user).get_identifiers())
        if wanted != set(variables):
            raise SettingsError(
                f"Prompt {self.name} takes {sorted(wanted)}, got {sorted(variables)}; "
                f"mend prompts/{self.name}.md."
            )
        return [
            Message(role="system", content=_fill(self.system, variables)),
            Message(role="user", content=_fill(self.user, variables)),
        ]


def _fill(template: str, variables: Mapping[str, str]) -> str:
    return Template(template).substitute(variables).strip()


def load_prompt(name: str) -> Prompt:
    """Read `prompts/NAME.md`: a comment, then the sections `## system` and `## user`.

    The version is the first 12 hex digits of the file's SHA-256.

    Raises:
        SettingsError: there is no such prompt, or it lacks a section.
    """
    return parse_prompt(name, _read(name))


def parse_prompt(name: str, text: str) -> Prompt:
    """Return the prompt that a file's text holds.

    Raises:
        SettingsError: it lacks a section.
    """
    parts = _SECTION.split(text)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    if set(sections) != {"system", "user"}:
        raise SettingsError(f"{name}.md must have the sections '## system' and '## user'.")
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Prompt(name=name, version=version, system=sections["system"], user=sections["user"])


def _read(name: str) -> str:
    # An installed wheel carries the prompts inside the package; a checkout beside it.
    packaged = files("assistant").joinpath("data", "prompts", f"{name}.md")
    beside = Path(__file__).resolve().parent.parent / "prompts" / f"{name}.md"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    if beside.is_file():
        return beside.read_text(encoding="utf-8")
    raise SettingsError(f"There is no prompt {name!r}; reinstall the package.")
