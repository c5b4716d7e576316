"""Text as HTML that shows its characters and is no markup, and addresses that may be links."""

import string
from urllib.parse import urlsplit

# All punctuation, not only <>&"': then the text is inert in Markdown and templates too.
_REFERENCES = {ord(mark): f"&#{ord(mark)};" for mark in string.punctuation if mark not in ".,"}
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), " ")
_ESCAPES = _REFERENCES | _CONTROLS


def escape(text: str) -> str:
    """Return the text so that a browser shows just its characters, whatever they are."""
    return text.encode(errors="replace").decode().translate(_ESCAPES)


def safe_link(address: str) -> str:
    """Return the address if it is a web address that can be linked to, else an empty string."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    return address.strip() if parts.scheme in ("http", "https") and parts.netloc else ""
