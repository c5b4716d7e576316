"""The chat model and the cross-encoder that the settings name, opened once."""

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.app.breaker import Breaker, Guarded
from assistant.cancellation import Cancellation
from assistant.errors import ModelError
from assistant.lazy import Once
from assistant.settings import Settings
from assistant.types import Paper

if TYPE_CHECKING:
    from assistant.adapters.chat_reranker import ChatReranker
    from assistant.adapters.local_llm import LocalChat
    from assistant.protocols import ChatModel, PairClassifier, Progress


class Models:
    """Opens each model at its first use; what can't be had becomes a notice, and None."""

    def __init__(self, settings: Settings, progress: "Progress", llm: object = None) -> None:
        """Remember what to open; `llm` goes before what the settings name.

        `notices` gathers what goes wrong.
        """
        self._llm = llm
        self._breaker = Breaker()
        self.notices: list[str] = []
        self._settings = settings
        self._progress = progress
        self._lock = threading.RLock()

    def close(self) -> None:
        """Stop the chat model; asked again, it is opened anew."""
        with self._lock:
            chat = vars(self).pop("_chat", None)
        stop = getattr(chat, "stop", None)
        if stop:
            stop()

    def chat(self) -> "ChatModel | None":
        """Return the chat model, ready; None for extractive, or where it can't be had."""
        return self._chat

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
        return self._llm is None and self._settings.chat_model == "local"

    def fetch(self) -> None:
        """Fetch the embedded chat model's file, where the settings need it."""
        from assistant.adapters import model_files

        settings = self._settings
        if self.is_embedded and not settings.local_model_path:
            try:
                model_files.fetch(
                    model_files.known_model("chat"),
                    settings.models,
                    self._progress,
                    offline=settings.offline,
                )
            except ModelError as error:
                self.notices.append(str(error))

    @Once
    def _classifier(self) -> "PairClassifier | None":
        from assistant.adapters.cross_encoder import open_classifier

        try:
            return open_classifier(self._settings.threads)
        except ModelError as error:
            self.notices.append(f"Claims are checked by what can be counted only: {error}")
            return None

    @Once
    def _chat(self) -> "ChatModel | None":
        settings = self._settings
        if self._llm is not None:
            from assistant.adapters.llama_index_chat import as_chat_model

            return as_chat_model(self._llm, settings.answer_timeout)
        if settings.chat_model == "extractive":
            return None
        try:
            if settings.chat_model == "local":
                local = self._local_chat()
                local.start()
                return local
            if not settings.openai_api_key and not settings.openai_base_url:
                raise ModelError("OPENAI_API_KEY is not set; put it into .env.")
            from assistant.adapters.openai_chat import OpenAIChat

            return OpenAIChat(
                model=settings.openai_model,
                api_key=settings.openai_api_key,
                base_url=settings.openai_base_url,
                timeout=settings.answer_timeout,
            )
        except ModelError as error:
            self.notices.append(f"{error} Answers quote the papers' own sentences meanwhile.")
            return None

    def _local_chat(self) -> "LocalChat":
        from assistant.adapters import model_files
        from assistant.adapters.local_llm import LocalChat

        settings = self._settings
        if settings.local_model_path:
            path = Path(settings.local_model_path).expanduser()
            name = path.stem
            if not path.is_file():
                raise ModelError(f"ASSISTANT_LOCAL_MODEL names {path}, which is not a file.")
        else:
            model = model_files.known_model("chat")
            name = model.name
            path = model_files.fetch(
                model, settings.models, self._progress, offline=settings.offline
            )
        return LocalChat(
            path, name, settings.threads, settings.start_timeout, settings.answer_timeout
        )


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
