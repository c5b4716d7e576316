"""The chat model and the cross-encoder that the settings name, opened once."""

import threading
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from assistant.app.breaker import Breaker, Guarded
from assistant.app.chat_models import ChatModels
from assistant.cancellation import Cancellation
from assistant.errors import ModelError
from assistant.lazy import Once
from assistant.settings import Settings
from assistant.types import Paper

if TYPE_CHECKING:
    from assistant.adapters.chat_reranker import ChatReranker
    from assistant.protocols import ChatModel, PairClassifier, Progress


class Models:
    """Opens each model at its first use; what can't be had becomes a notice, and None."""

    def __init__(self, settings: Settings, progress: "Progress", llm: object = None) -> None:
        """Remember what to open; `llm` goes before what the settings name."""
        self._llm = llm
        self._breaker = Breaker()
        self.opener = ChatModels(settings, progress, llm)
        self._failures: list[str] = []
        self._settings = settings
        self._progress = progress
        self._lock = threading.RLock()

    def reconfigure(self, settings: Settings) -> None:
        """Open the chat model of other settings from now on; a local one before is stopped."""
        former = self.opener
        self._settings = settings
        self._breaker = Breaker()
        self.opener = ChatModels(settings, self._progress, self._llm)
        former.release()

    def close(self) -> None:
        """Stop the chat model; asked again, it is opened anew."""
        self.opener.close()

    def chat(self) -> "ChatModel | None":
        """Return the chat model, ready; None for extractive, or where it can't be had yet."""
        return self.opener.get()

    @property
    def notices(self) -> list[str]:
        """What goes wrong, or isn't ready yet, in words."""
        return [*self.opener.notices(), *self._failures]

    def note(self, notice: str) -> None:
        """Tell this with every answer."""
        self._failures.append(notice)

    def for_question(
        self, tokens: Counter[str], cancellation: Cancellation
    ) -> "tuple[ChatModel | None, str]":
        """Return the chat model for one question, or None and why, where it keeps failing."""
        chat = self.chat()
        if chat is None:
            return None, ""
        if why := self._breaker.notice():
            return None, why
        return Guarded(chat.metered(tokens, cancellation), self._breaker), ""

    def classifier(self) -> "PairClassifier | None":
        """Return the cross-encoder that reads claims with their evidence."""
        return self._classifier

    @property
    def identity(self) -> str:
        """What tells the chat model from others, without opening it."""
        if self._llm is None:
            return self._settings.chat_model
        told = getattr(self._llm, "metadata", self._llm)
        name = getattr(told, "model_name", "") or getattr(told, "name", "")
        return f"{type(self._llm).__name__} {name}"

    @property
    def is_embedded(self) -> bool:
        """Whether the embedded model writes, which does one thing at a time."""
        return self.opener.is_embedded

    @Once
    def _classifier(self) -> "PairClassifier | None":
        from assistant.adapters.cross_encoder import open_classifier

        try:
            return open_classifier(self._settings.threads)
        except ModelError as error:
            self._failures.append(f"Claims are checked by what can be counted only: {error}")
            return None


class Judge:
    """The chat model as a reranker, loaded where a search first asks for it."""

    def __init__(self, models: Models) -> None:
        """Take what opens the chat model."""
        self._models = models
        self._lock = threading.RLock()

    def judge(self, query: str, papers: Sequence[Paper]) -> list[float] | None:
        """Return each paper's probability of being relevant; None where no model can tell."""
        return self._reranker.judge(query, papers)

    @Once
    def _reranker(self) -> "ChatReranker":
        from assistant.adapters.chat_reranker import ChatReranker
        from assistant.prompts import load_prompt

        return ChatReranker(self._models.chat, load_prompt("relevant_small"))
