"""Mend text that was UTF-8, was read as Windows-1252, and was saved as UTF-8 again."""

import re

_SPECIAL = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
# After a capital these are mostly quotation marks and dashes: "IRMÔ, "CAFÉ–BAR".
_PUNCTUATION = "‘’“”–—…‹›«»"
_SECOND = f"[\x80-\xbf{_SPECIAL}]"
# Leading bytes of Latin, Greek and Cyrillic letters; â leads typographic and mathematical signs.
_DOUBLE = re.compile(
    rf"[ÂÃÄÅÎÏÐÑ](?:(?![{_PUNCTUATION}]){_SECOND}|[{_PUNCTUATION}](?=[a-zß-öø-ÿ]))|â{_SECOND}{{2}}"
)


def mended(text: str) -> str:
    """Return `text` with "Ã¼" turned into "ü" wherever that is what it must have been."""
    return text if text.isascii() else _DOUBLE.sub(_single, text)


def _single(match: re.Match[str]) -> str:
    try:
        return b"".join(map(_byte, match.group())).decode()
    except UnicodeDecodeError:
        return match.group()


def _byte(character: str) -> bytes:
    return character.encode("cp1252") if character in _SPECIAL else character.encode("latin-1")
