"""Any chat model behind an OpenAI-compatible address, by the `openai` client."""

import math
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any

from assistant.adapters.background_loop import BackgroundLoop
from assistant.adapters.openai_client import (
    OPENAI,
    is_refusal,
    open_async_client,
    overflows,
    translated,
)
from assistant.adapters.per_question import PerQuestion
from assistant.errors import ModelError
from assistant.types import Message

ONE_WORD_SHARE = 0.5
"""Share of the time limit for a reply of one word."""


class OpenAIChat(PerQuestion):
    """A chat model by name and address; retries are the client's own, in this one place."""

    def __init__(
        self,
        *,
        model: str,
        api_key: str,
        base_url: str,
        timeout: float,
        is_small: bool = False,
        is_adapted: bool = False,
    ) -> None:
        """Prepare the client; nothing is sent yet.

        An empty `base_url` means OpenAI's own; a server of one's own needs no key.

        Raises:
            ModelError: the key can't be one.
        """
        super().__init__()
        self.name = model
        self.is_small = is_small
        self.is_adapted = is_adapted
        self._timeout = timeout
        self._address = base_url or OPENAI
        self._client = open_async_client(api_key, base_url, timeout)
        self._loop = BackgroundLoop(self._client.close)
        self._is_strict = threading.Event()  # it refuses to be asked for its token counts

    def end(self) -> None:
        """Close the connections, also one that a cancelled request has left half open."""
        self._loop.end()

    def stream(
        self, messages: Sequence[Message], max_tokens: int, share: float = 1.0
    ) -> Generator[str, None, str]:
        """Yield the reply piece by piece, temperature 0; return why it ended.

        Raises:
            ModelError: the server can't be reached, refuses, stops half-way, or takes longer
                than `share` of the timeout over all.
            ContextOverflowError: the messages are longer than the model can read.
        """
        seconds = share * self._timeout
        try:
            return (
                yield from self._loop.pieces(
                    lambda put: self._read(messages, max_tokens, put), seconds, self._cancellation
                )
            )
        except TimeoutError:
            raise self._too_late(seconds) from None

    async def _read(
        self, messages: Sequence[Message], max_tokens: int, put: Callable[[str], None]
    ) -> str:
        """Give the reply to `put`, piece by piece; return why it ended."""
        ended, began, usage = "", False, None
        self._tokens.update(requests=1, unreported=1)
        with translated(self.name, self._address):
            async with await self._opened(messages, max_tokens) as chunks:
                async for chunk in chunks:
                    usage = chunk.usage or usage
                    if not chunk.choices:
                        continue
                    began = True
                    ended = chunk.choices[0].finish_reason or ended
                    if chunk.choices[0].delta.content:
                        put(chunk.choices[0].delta.content)
        self._count(usage)
        if not began:
            raise ModelError(f"{self.name} sent nothing that can be read; check OPENAI_BASE_URL.")
        if not ended:
            raise ModelError(f"{self.name} stopped in the middle of its reply; try again.")
        return ended

    async def _opened(self, messages: Sequence[Message], max_tokens: int) -> Any:
        """Return the stream of a reply, with the tokens that it took where the server tells."""
        asked = {
            "model": self.name,
            "messages": _plain(messages),
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": True,
            "extra_body": self._adapter(adapted=False),
        }
        create = self._client.chat.completions.create
        if not self._is_strict.is_set():
            try:
                return await create(**asked, stream_options={"include_usage": True})
            except Exception as error:
                if not is_refusal(error) or overflows(error):
                    raise
                # Some servers refuse what they don't know; if it was something else, they
                # refuse this too.
                stream = await create(**asked)
                self._is_strict.set()
                return stream
        return await create(**asked)

    def _count(self, usage: Any) -> None:
        """Add what the server says that a request has taken."""
        prompt = getattr(usage, "prompt_tokens", None)
        completion = getattr(usage, "completion_tokens", None)
        if isinstance(prompt, int) and isinstance(completion, int):
            self._tokens.update(unreported=-1, prompt=prompt, completion=completion)

    def yes_probability(
        self, messages: Sequence[Message], *, adapted: bool = False
    ) -> float | None:
        """Return P(yes) / (P(yes) + P(no)) of a one-word reply.

        None where the server gives no log-probabilities. `adapted` uses llama.cpp's first adapter.

        Raises:
            ModelError: the server can't be reached, refuses, or takes longer than half the
                timeout.
            ContextOverflowError: the messages are longer than the model can read.
        """
        seconds = ONE_WORD_SHARE * self._timeout
        try:
            return self._loop.result(
                self._one_word(messages, self._adapter(adapted=adapted)),
                seconds,
                self._cancellation,
            )
        except TimeoutError:
            raise self._too_late(seconds) from None

    def _adapter(self, *, adapted: bool) -> dict[str, Any] | None:
        """Return what llama.cpp's server takes beside a request about its first adapter.

        Also that it be left out: a request that says nothing goes on from what was read of the
        same beginning with the adapter.
        """
        if not self.is_adapted:
            return None
        return {"lora": [{"id": 0, "scale": 1.0 if adapted else 0.0}]}

    async def _one_word(
        self, messages: Sequence[Message], extra: dict[str, Any] | None
    ) -> float | None:
        self._tokens.update(requests=1, unreported=1)
        with translated(self.name, self._address):
            # One try: a server that is slow to say one word is too slow to say more.
            reply = await self._client.with_options(max_retries=0).chat.completions.create(
                model=self.name,
                messages=_plain(messages),
                max_tokens=1,
                temperature=0,
                logprobs=True,
                top_logprobs=10,
                extra_body=extra,
            )
            self._count(reply.usage)
            if not reply.choices or reply.choices[0].logprobs is None:
                return None
            content = reply.choices[0].logprobs.content
            return _share_of_yes(content[0].top_logprobs) if content else None

    def _too_late(self, seconds: float) -> ModelError:
        return ModelError(
            f"{self.name} didn't finish in time ({seconds:.0f} s); "
            "raise ASSISTANT_ANSWER_TIMEOUT or use a smaller model."
        )

    @property
    def address(self) -> str:
        """Where the server is: a local one may be given to other programs, too."""
        return self._address


def _share_of_yes(candidates: Sequence[Any]) -> float | None:
    yes = no = 0.0
    for candidate in candidates:
        word = candidate.token.strip().lower()
        yes += math.exp(candidate.logprob) if word.startswith("yes") else 0.0
        no += math.exp(candidate.logprob) if word.startswith("no") else 0.0
    return yes / (yes + no) if yes + no else None


def _plain(messages: Sequence[Message]) -> Any:
    return [{"role": message.role, "content": message.content} for message in messages]
