"""Parts of a claim that can stand alone."""

import re

_FURTHER = re.compile(
    r"\s*(?:;\s+|,\s+(?=(?:and|but|while|whereas|which|so|thus|making|allowing|enabling|leading|"
    r"resulting|indicating|suggesting|thereby)\b)|\s+(?=(?:because|whereas|although)\b))"
)
LEAST_WORDS = 4


def shorter(claim: str) -> list[str]:
    """Return the beginnings of `claim` that can stand alone, the longest first.

    Cut where a further statement begins: after a semicolon, or at ", and", ", while",
    ", which" and the like.
    """
    parts = []
    for match in reversed(list(_FURTHER.finditer(claim))):
        head = claim[: match.start()].strip()
        if len(head.split()) >= LEAST_WORDS:
            parts.append(head.rstrip(".,;:") + ".")
    return parts
