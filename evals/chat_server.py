"""The chat server that an assistant uses, for others to use as well."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from assistant.adapters.local_llm import LocalChat
from assistant.adapters.openai_chat import OpenAIChat
from assistant.adapters.openai_client import OPENAI, open_client, translated
from assistant.app import Assistant
from assistant.errors import ModelError
from assistant.types import Message

# Longer than any answer's limit: a slow system is to be shown as slow, not as failing.
PATIENCE = 600.0
# A token of so many letters tells which word it begins: "may" goes on to "maybe".
LEAST_LETTERS = 3


@dataclass(frozen=True, kw_only=True)
class ChatServer:
    """An OpenAI-compatible server and the model it is asked for; no address: OpenAI's own."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)

    @cached_property
    def _client(self) -> Any:
        return open_client(self.api_key, self.base_url, PATIENCE)

    def chat(self) -> OpenAIChat:
        """Return a client that waits as long as it takes."""
        return OpenAIChat(
            model=self.model, api_key=self.api_key, base_url=self.base_url, timeout=PATIENCE
        )

    def word_probabilities(
        self, messages: Sequence[Message], words: Sequence[str]
    ) -> dict[str, float] | None:
        """Return the words' probabilities as a one-word reply, sum 1.

        None where the server gives no log-probabilities, or to none of the words.

        Raises:
            ModelError: the server can't be reached or refuses.
        """
        with translated(self.model, self.base_url or OPENAI):
            reply = self._client.chat.completions.create(
                model=self.model,
                messages=[{"role": one.role, "content": one.content} for one in messages],
                max_tokens=1,
                temperature=0,
                logprobs=True,
                top_logprobs=10,
            )
        if not reply.choices or reply.choices[0].logprobs is None:
            return None
        content = reply.choices[0].logprobs.content
        return shares(content[0].top_logprobs, words) if content else None


def server_of(assistant: Assistant) -> ChatServer:
    """Return the server of the assistant's chat model, started where it is a local one.

    Raises:
        ModelError: there is no chat model, or it can't be had.
    """
    settings = assistant.settings
    model = assistant.chat_model()
    if model is None:
        raise ModelError(
            f"The {settings.chat_model} model can't be had; choose local or openai, "
            "and 'assistant doctor' says what they lack."
        )
    if isinstance(model, LocalChat):
        return ChatServer(base_url=model.start().address, model=model.name)
    return ChatServer(
        base_url=settings.openai_base_url,
        model=settings.openai_model,
        api_key=settings.openai_api_key,
    )


def shares(candidates: Sequence[Any], words: Sequence[str]) -> dict[str, float] | None:
    """Return the words' shares of the candidates that begin them or go on from them."""
    mass = dict.fromkeys(words, 0.0)
    for candidate in candidates:
        token = candidate.token.strip().lower()
        for word in words:
            if token.startswith(word) or (len(token) >= LEAST_LETTERS and word.startswith(token)):
                mass[word] += math.exp(candidate.logprob)
    total = sum(mass.values())
    return {word: value / total for word, value in mass.items()} if total else None
