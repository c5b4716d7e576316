"""Values of BibTeX fields as plain text."""

import re
from collections.abc import Mapping
from typing import Any

from assistant.text.cleaning import clean_text

_BRACE = re.compile(r"(?<!\\)[{}]")
_QUOTE_OR_BRACE = re.compile(r"(?<!\\)[{}\"]")
_WORD = re.compile(r"[^\s#{}\",=]+")
_LATEX = re.compile(r"[\\{}$~]|--|``")
# TeX drops the space that ends a command: "Stra\ss e".
_LETTER = re.compile(r"\\(ss|[oOlLij]|ae|AE|oe|OE|aa|AA)\s+(?=[a-z])")
_KEPT_BRACES = str.maketrans({"\ue000": "{", "\ue001": "}"})
_PART = re.compile(r"\b(family|given|prefix|suffix)\s*=\s*([^,]+)")
_URL = re.compile(r"https?://[^\s{}]+")


def joined(value: str, strings: Mapping[str, str]) -> tuple[str, bool]:
    """Return the text of `{…} # name # "…"`, and whether that was all of the value."""
    parts: list[str] = []
    place = 0
    while True:
        place = _skip_space(value, place)
        text, end = _piece(value, place, strings)
        if end == place:
            return "".join(parts), False
        parts.append(text)
        place = _skip_space(value, end)
        if place >= len(value):
            return "".join(parts), True
        if value[place] != "#":
            return "".join(parts), False
        place += 1


def _piece(value: str, start: int, strings: Mapping[str, str]) -> tuple[str, int]:
    """Return the text of the one piece that begins at `start`, and its end."""
    first = value[start : start + 1]
    if first in ("{", '"'):
        depth = 0
        for match in (_BRACE if first == "{" else _QUOTE_OR_BRACE).finditer(value, start):
            mark = match.group()
            depth += (mark == "{") - (mark == "}")
            closed = mark == "}" if first == "{" else mark == '"' and match.start() > start
            if closed and depth <= 0:
                return value[start + 1 : match.start()], match.end()
        return "", start
    word = _WORD.match(value, start)
    return (strings.get(word.group().lower(), word.group()), word.end()) if word else ("", start)


def _skip_space(value: str, place: int) -> int:
    while place < len(value) and value[place].isspace():
        place += 1
    return place


def plain(value: str) -> str:
    """Return LaTeX as plain text: accents composed, grouping braces gone."""
    if not _LATEX.search(value):
        return value
    text = value.replace("\\{", "\ue000").replace("\\}", "\ue001")
    text = re.sub(r"(?<!\\)~", " ", _LETTER.sub(r"\\\1{}", text))
    # Before the braces go: "-{}-" is how two hyphens are kept apart.
    text = text.replace("---", "—").replace("--", "–")
    return clean_text(text).replace("{", "").replace("}", "").translate(_KEPT_BRACES)


def web_address(value: str) -> str:
    r"""Return the first address in a value; `\_` and `\%` in it are single characters."""
    match = _URL.search(re.sub(r"\\([_%&#~$])(?:\{\})?", r"\1", value))
    return match.group() if match else ""


def people(value: str) -> list[str]:
    r"""Return the names in `Birch, Ada and {\"O}zg{\"u}r, Ben`, given first."""
    names = _names()
    return [
        plain(
            _from_parts(name)
            or names.parse_single_name_into_parts(name, strict=False).merge_first_name_first
        )
        for name in names.split_multiple_persons_names(value)
    ]


def _from_parts(name: str) -> str:
    """Return the name in biblatex's `family=Berg, given=Anna, prefix=van der`, else ""."""
    parts = dict(_PART.findall(name))
    order = ("given", "prefix", "family", "suffix")
    return " ".join(parts[part].strip() for part in order if part in parts)


def _names() -> Any:
    # Costs a twentieth of a second, and only BibTeX needs it.
    from bibtexparser.middlewares import names

    return names


def words(value: str) -> list[str]:
    """Return keywords, separated by semicolons or else by commas."""
    text = plain(value)
    return text.split(";" if ";" in text else ",")
