"""What the settings tab reads and changes; knows nothing of Gradio."""

import os
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

from assistant import settings_file
from assistant.app import Assistant
from assistant.errors import AssistantError, SettingsError
from assistant.settings import ModelChoice, Settings
from assistant.types import Message

MOST_SENTENCES, MOST_WORDS = 40, 2_000
TEST_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Form:
    """The fields as they were filled in; an empty key keeps the one there is."""

    model: str
    name: str
    address: str
    key: str
    forget_key: bool
    policy: str
    sentences: float | None
    words: float | None


def applied(form: Form, before: Settings) -> Settings:
    """Return the settings with what the form says.

    The key goes only where it was given for: to another host it must be given anew.

    Raises:
        SettingsError: a field has no meaning.
    """
    address = form.address.strip()
    if address == before.public()["openai_base_url"]:  # As shown, without its login.
        address = before.openai_base_url
    _check_address(address)
    key = "" if form.forget_key else form.key.strip()
    if not key and not form.forget_key and _place(address) == _place(before.openai_base_url):
        key = before.openai_api_key
    if not key.isascii() or not key.isprintable():
        raise SettingsError("The key holds a character that no key has; copy it again.")
    if form.model not in get_args(ModelChoice):
        raise SettingsError(f"Choose one of {', '.join(get_args(ModelChoice))} as the model.")
    return replace(
        before,
        model=cast(ModelChoice, form.model),
        openai_model=form.name.strip() or Settings.openai_model,
        openai_base_url=address,
        openai_api_key=key,
        policy=cast(Literal["strict", "lenient"], _one_of(form.policy, ("strict", "lenient"))),
        evidence_sentences=_whole("Sentences of evidence", form.sentences, MOST_SENTENCES),
        evidence_words=_whole("Words of evidence", form.words, MOST_WORDS),
    )


def keep(settings: Settings) -> str:
    """Keep the settings for the next start; return what to know about that.

    Raises:
        SettingsError: they can't be written.
    """
    values: dict[str, Any] = {
        "ASSISTANT_MODEL": settings.model,
        "OPENAI_API_KEY": settings.openai_api_key,
        "OPENAI_BASE_URL": settings.openai_base_url,
        "ASSISTANT_OPENAI_MODEL": settings.openai_model,
        "ASSISTANT_POLICY": settings.policy,
        "ASSISTANT_EVIDENCE_SENTENCES": str(settings.evidence_sentences),
        "ASSISTANT_EVIDENCE_WORDS": str(settings.evidence_words),
    }
    settings_file.write(settings.home, values)
    told = f"Kept in {settings.home / settings_file.NAME}, readable to you only."
    overruled = settings_file.overruled(settings.home, os.environ)
    if overruled:
        told += f" But the environment sets {', '.join(overruled)}, which wins at the next start."
    return told


def try_connection(settings: Settings, assistant: Assistant) -> str:
    """Ask the model that the settings name for a word; return in plain words what came of it."""
    if settings.chat_model == "extractive":
        return "Nothing to test: answers quote the papers, and no model is asked."
    if settings.chat_model == "local":
        return _local(settings, assistant)
    from assistant.adapters.openai_chat import OpenAIChat

    if not settings.openai_api_key and not settings.openai_base_url:
        return "It can't work yet: give a key, or the address of a server of your own."
    try:
        model = OpenAIChat(
            model=settings.openai_model,
            api_key=settings.openai_api_key,
            base_url=settings.openai_base_url,
            timeout=TEST_SECONDS,
        )
        said = "".join(model.stream([Message(role="user", content="Say only: ready")], 8))
    except AssistantError as error:
        return f"It doesn't work: {error}"
    return f"It works: {settings.openai_model} answered{'' if said.strip() else ' with nothing'}."


def _local(settings: Settings, assistant: Assistant) -> str:
    from assistant.adapters import model_files

    now = assistant.chat.preparation
    if now.is_under_way:
        return f"{now}; wait until it is ready."
    if settings.local_model_path:
        return f"The model file of your own, {settings.local_model_path}, is used as it is."
    model = model_files.known_model("chat")
    if model_files.is_present(model, settings.models):
        return f"It works: {model.name} is here and needs no network."
    return f"{model.name} is not here yet; apply these settings to fetch it."


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        wrong = bool(address) and (parts.scheme not in ("http", "https") or not parts.hostname)
        _ = parts.port
    except ValueError:
        wrong = True
    if wrong or not address.isprintable():
        raise SettingsError(
            "The address is like http://localhost:11434/v1, or empty for OpenAI's own; "
            "this one can't be read."
        )


def _place(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port


def _one_of(value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise SettingsError(f"Choose one of {', '.join(allowed)}.")
    return value


def _whole(label: str, value: float | None, most: int) -> int:
    if value is None or not 1 <= value <= most:
        raise SettingsError(f"{label}: give a number from 1 to {most}.")
    return int(value)
