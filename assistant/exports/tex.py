"""Plain text as the value of a BibTeX field, and exactly back."""

import re

_COMMANDS = {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
} | {mark: f"\\{mark}" for mark in "{}$&%#_"}
_SPECIAL = re.compile(r"[\\~^{}$&%#_]")
# TeX makes dashes and quotation marks of these.
_LIGATURE = re.compile(r"-(?=-)|`(?=`)|'(?=')")
_BREAKING = re.compile(r"[\\{}]")
_WRITTEN = re.compile(r"\\(textbackslash|textasciitilde|textasciicircum)\{\}|\\(.)|[{}]")
_CHARACTERS = {"textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^"}


def escaped(text: str) -> str:
    """Return `text` so that TeX prints it as it is."""
    text = _SPECIAL.sub(lambda match: _COMMANDS[match.group()], text)
    return _LIGATURE.sub(lambda match: match.group() + "{}", text)


def protected(title: str) -> str:
    """Return a title escaped, its names (NATO, TwigNet) kept from being lower-cased."""
    # A brace after "@" would look like the start of an entry.
    if "@" in title:
        return escaped(title)
    words = ((word, escaped(word)) for word in title.split(" "))
    return " ".join(
        f"{{{tex}}}" if any(letter.isupper() for letter in word[1:]) else tex for word, tex in words
    )


def verbatim(address: str) -> str:
    """Return an address, in which only what would break the entry is escaped."""
    return _BREAKING.sub(lambda match: _COMMANDS[match.group()], address)


def unescaped(value: str) -> str:
    """Return the text of which the other functions made `value`."""
    return _WRITTEN.sub(_character, value)


def _character(match: re.Match[str]) -> str:
    command, mark = match.groups()
    return _CHARACTERS[command] if command else mark or ""
