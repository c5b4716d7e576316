"""Any llama-index `LLM` as our chat model."""

import asyncio
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

from assistant.adapters.background_loop import BackgroundLoop
from assistant.adapters.openai_client import says_too_long
from assistant.adapters.per_question import PerQuestion
from assistant.errors import ContextOverflowError, ModelError
from assistant.protocols import ChatModel
from assistant.types import Message

LONGEST_TOKEN = 12
"""Characters: a reply of more than so many for each token that it may have is cut."""


def as_chat_model(model: Any, seconds: float) -> ChatModel:
    """Return what was passed as a chat model: a llama-index LLM is wrapped, ours stays.

    Raises:
        ModelError: it is neither.
    """
    if hasattr(model, "stream_chat") and hasattr(model, "metadata"):
        return LlamaIndexChat(model, seconds)
    if hasattr(model, "yes_probability") and hasattr(model, "metered"):
        found: ChatModel = model
        return found
    raise ModelError(
        f"llm= takes a llama-index LLM or an assistant.protocols.ChatModel, not a "
        f"{type(model).__name__}; see the README."
    )


class LlamaIndexChat(PerQuestion):
    """Asks the LLM in a thread, so that a time limit and a cancellation hold whatever it does."""

    is_small = False
    is_adapted = False

    def __init__(self, llm: Any, seconds: float) -> None:
        """Take a `llama_index.core.llms.LLM` and the time limit of a reply."""
        super().__init__()
        self.name = str(getattr(llm.metadata, "model_name", "") or type(llm).__name__)
        if self.name == "unknown":
            self.name = type(llm).__name__
        self._llm = llm
        self._seconds = seconds
        self._loop = BackgroundLoop(_nothing)

    def stream(
        self, messages: Sequence[Message], max_tokens: int, share: float = 1.0
    ) -> Generator[str, None, str]:
        """Yield the reply piece by piece; return why it ended.

        Raises:
            ModelError: the LLM fails, or takes longer than `share` of the time limit.
            ContextOverflowError: the messages are longer than it can read.
        """
        seconds = share * self._seconds

        async def read(put: Callable[[str], None]) -> str:
            over = threading.Event()
            try:
                return await _in_thread(lambda: self._read(messages, max_tokens, put, over))
            finally:
                over.set()

        try:
            return (yield from self._loop.pieces(read, seconds, self._cancellation))
        except TimeoutError:
            raise ModelError(
                f"{self.name} didn't finish in time ({seconds:.0f} s); "
                "raise ASSISTANT_ANSWER_TIMEOUT or use a faster model."
            ) from None

    def yes_probability(
        self, messages: Sequence[Message], *, adapted: bool = False
    ) -> float | None:
        """Give no opinion: llama-index has no common way to log-probabilities."""
        del messages, adapted
        return None

    def _read(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        put: Callable[[str], None],
        over: threading.Event,
    ) -> str:
        self._tokens.update(requests=1, unreported=1)
        left = LONGEST_TOKEN * max_tokens
        began = False
        with _Translated(self.name):
            last = None
            for reply, piece in self._replies(messages):
                last = reply
                if over.is_set():
                    return "cancelled"
                if piece:
                    began = True
                    put(piece)
                left -= len(piece)
                if left < 0:
                    return "length"
            self._count(last)
        if not began:
            raise ModelError(f"{self.name} sent no text; check how the LLM was made.")
        return "stop"

    def _replies(self, messages: Sequence[Message]) -> Iterator[tuple[Any, str]]:
        """Yield each response with the text it adds; whole where the LLM can't stream."""
        from llama_index.core.llms import ChatMessage

        asked = [ChatMessage(role=one.role, content=one.content) for one in messages]
        try:
            replies = self._llm.stream_chat(asked)
        except NotImplementedError:
            reply = self._llm.chat(asked)
            yield reply, str(reply.message.content or "")
            return
        said = 0
        for reply in replies:
            whole = str(reply.message.content or "")
            piece = whole[said:] if reply.delta is None else str(reply.delta)
            said += len(piece)
            yield reply, piece

    def _count(self, reply: Any) -> None:
        """Add what the last response says that the request has taken."""
        raw = getattr(reply, "raw", None)
        usage = raw.get("usage") if isinstance(raw, dict) else getattr(raw, "usage", None)
        given = getattr(reply, "additional_kwargs", None) or {}
        names = ("prompt_tokens", "completion_tokens")
        prompt, completion = (_field(usage, name) or given.get(name) for name in names)
        if isinstance(prompt, int) and isinstance(completion, int):
            self._tokens.update(unreported=-1, prompt=prompt, completion=completion)


def _field(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)


async def _nothing() -> None:
    """Have nothing to close."""


async def _in_thread(work: Callable[[], str]) -> str:
    """Return what the work returns; nobody waits for its thread when it is cancelled."""
    done: Future[str] = Future()

    def run() -> None:
        with _Settling(done):
            result = work()
            if not done.cancelled():
                done.set_result(result)

    threading.Thread(target=run, daemon=True, name="llama-index-llm").start()
    return await asyncio.wrap_future(done)


class _Settling:
    """Hand an exception to who waits for it."""

    def __init__(self, done: "Future[str]") -> None:
        self._done = done

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Pass on what was raised, unless nobody waits any more."""
        if error is not None and not self._done.done():
            self._done.set_exception(error)
        return True


class _Translated:
    """Turn an LLM's own errors into a `ModelError`, without its text, which may hold a key."""

    def __init__(self, model: str) -> None:
        self._model = model

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Translate what was raised."""
        if not isinstance(error, Exception) or isinstance(error, ModelError):
            return
        if says_too_long(str(error)):
            raise ContextOverflowError(
                f"{self._model} can't read so much at once; lower ASSISTANT_EVIDENCE_SENTENCES."
            ) from error
        raise ModelError(
            f"The llama-index LLM {self._model} failed ({type(error).__name__}); "
            "check its key, address and model name where it is made."
        ) from error
