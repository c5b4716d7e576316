"""The `openai` client for any compatible address, and its errors in plain words."""

import base64
import re
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from assistant.errors import ContextOverflowError, ModelError

OPENAI = "api.openai.com"
RETRIES = 2
# How servers say it: OpenAI, vLLM and their like, llama.cpp, and those that name no reason.
_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|(?:maximum|max) context|context (?:length|size"
    r"|window)|too many tokens|prompt is too long",
    re.IGNORECASE,
)
_TOO_LARGE = 413


def open_client(api_key: str, base_url: str, timeout: float) -> Any:
    """Return a client; nothing is sent yet. Retries are its own, in this one place.

    An empty `base_url` means OpenAI's own; a server of one's own needs no key.

    Raises:
        ModelError: the key can't be one.
    """
    import openai

    return openai.OpenAI(**_options(api_key, base_url, timeout))


def open_async_client(api_key: str, base_url: str, timeout: float) -> Any:
    """Return the same client for an event loop.

    Raises:
        ModelError: the key can't be one.
    """
    import openai

    return openai.AsyncOpenAI(**_options(api_key, base_url, timeout))


def _options(api_key: str, base_url: str, timeout: float) -> dict[str, Any]:
    import openai

    if not api_key.isascii() or not api_key.isprintable():
        raise ModelError(
            "OPENAI_API_KEY holds a character that no key has (a line end, an ellipsis?); "
            "copy it again into .env."
        )
    address, headers = _without_login(base_url)
    return {
        "api_key": api_key or "none",
        "base_url": address or None,
        "default_headers": headers if not api_key else None,
        "timeout": openai.Timeout(timeout, connect=min(10.0, timeout)),
        "max_retries": RETRIES,
    }


def _without_login(address: str) -> tuple[str, dict[str, str]]:
    """Move a user and password out of the address, which logs may show, into a header."""
    parts = urlsplit(address)
    if not parts.username:
        return address, {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, {"Authorization": f"Basic {base64.b64encode(login).decode()}"}


class translated:  # noqa: N801 - reads as a statement
    """Turn the client's errors into a `ModelError` that says what to do."""

    def __init__(self, model: str, address: str) -> None:
        self._who = f"{model} at {address.split('@')[-1]}"

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Translate what was raised."""
        if isinstance(error, Exception) and not isinstance(error, ModelError):
            if overflows(error):
                raise ContextOverflowError(
                    f"{self._who} can't read so much at once; lower ASSISTANT_EVIDENCE_SENTENCES, "
                    "or give the model a longer context."
                ) from error
            raise ModelError(f"{self._who} {_reason(error)}") from error


def overflows(error: Exception) -> bool:
    """Whether the server says that the request is longer than its model can read."""
    import openai

    if not isinstance(error, openai.APIStatusError):
        return False
    return error.status_code == _TOO_LARGE or (
        is_refusal(error) and says_too_long(f"{error.body} {error.message}")
    )


def says_too_long(text: str) -> bool:
    """Whether an error's text says that a request is longer than the model can read."""
    return _OVERFLOW.search(text) is not None


def is_refusal(error: Exception) -> bool:
    """Whether the server understood the request and won't take it as it is."""
    import openai

    return isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError)


def _reason(error: Exception) -> str:
    """Say what went wrong in plain words; never with the server's text, which may hold a key."""
    import openai

    advice = {
        401: "refused the key; check OPENAI_API_KEY.",
        403: "refused access; check what the key may do.",
        404: "doesn't know this model or path; check ASSISTANT_OPENAI_MODEL and OPENAI_BASE_URL.",
        429: "is over its rate or quota; wait, or use ASSISTANT_MODEL=local.",
    }
    if isinstance(error, openai.APITimeoutError):
        return "didn't answer in time; try again, or raise ASSISTANT_ANSWER_TIMEOUT."
    if isinstance(error, openai.APIConnectionError):
        return "can't be reached; check OPENAI_BASE_URL and the network."
    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        return advice.get(status, f"answered with HTTP {status}; try again later.")
    return f"sent something that can't be read ({type(error).__name__}); check OPENAI_BASE_URL."
