"""Start and stop the embedded chat model, in a process of its own.

A process can be ended when it hangs, and takes nothing down with it when it crashes.
"""

import atexit
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from importlib.resources import files
from pathlib import Path

from assistant.adapters.openai_chat import OpenAIChat
from assistant.cancellation import Cancellation
from assistant.errors import ModelError
from assistant.types import Message

CONTEXT = 4096


def shipped_adapter() -> Path | None:
    """Return the adapter that makes the embedded model a judge of claims, if it is there."""
    path = Path(str(files("assistant").joinpath("data", "support", "judge.gguf")))
    return path if path.is_file() else None


class LocalChat:
    """The embedded model as a `ChatModel`; its server starts with the first use."""

    is_small = True

    def __init__(
        self,
        model: Path,
        name: str,
        threads: int,
        start_timeout: float,
        timeout: float,
        adapter: Path | None = None,
    ) -> None:
        """Remember what to start; nothing runs yet. `adapter` is one for this very model."""
        self.name = name
        self.is_adapted = adapter is not None
        self._model = model
        self._adapter = adapter
        self._threads = threads
        self._start_timeout = start_timeout
        self._timeout = timeout
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._chat: OpenAIChat | None = None

    def start(self) -> OpenAIChat:
        """Return the client of the running server, started where it isn't.

        Raises:
            ModelError: the model can't be loaded, or not in time.
        """
        with self._lock:
            if self._chat and self._process and self._process.poll() is None:
                return self._chat
            self._chat = OpenAIChat(
                model=self.name,
                api_key="",
                base_url=self._launch() + "/v1",
                timeout=self._timeout,
                is_small=True,
                is_adapted=self.is_adapted,
            )
            return self._chat

    def _launch(self) -> str:
        command = [sys.executable, "-m", "assistant.adapters.local_server"]
        command += [str(self._model), str(self._threads), str(CONTEXT)]
        command += [str(self._adapter)] if self._adapter else []
        environ = {**os.environ, "OMP_WAIT_POLICY": "passive", "LLAMA_OFFLINE": "1"}
        root = str(Path(__file__).resolve().parents[2])
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environ.get("PYTHONPATH"))))
        process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
            # Ctrl-C in a terminal is for the program; it ends this process in order.
            start_new_session=True,
        )
        self._process = process
        atexit.register(self.stop)
        address = _first_line(process, self._start_timeout)
        if not address.startswith("http://127.0.0.1"):
            self.stop()
            raise ModelError(
                f"The local model {self.name} didn't start within {self._start_timeout:.0f} s; "
                "run 'assistant doctor', or set ASSISTANT_MODEL=extractive."
            )
        return address

    def stop(self) -> None:
        """End the server, if it runs."""
        process, self._process, self._chat = self._process, None, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        process.kill()
        process.wait()

    def stream(
        self, messages: Sequence[Message], max_tokens: int, share: float = 1.0
    ) -> Generator[str, None, str]:
        """Yield the reply piece by piece; return why it ended."""
        return (yield from self.start().stream(messages, max_tokens, share))

    def yes_probability(
        self, messages: Sequence[Message], *, adapted: bool = False
    ) -> float | None:
        """Return the share of yes in a one-word reply."""
        return self.start().yes_probability(messages, adapted=adapted)

    def metered(self, tokens: Counter[str], cancellation: Cancellation | None = None) -> "_Metered":
        """Return the same model, counting its tokens as a `Trace` does, for one question."""
        return _Metered(self, tokens, cancellation)


class _Metered:
    """The embedded model, whose server may have to be started anew between two requests."""

    is_small = True

    def __init__(
        self, chat: LocalChat, tokens: Counter[str], cancellation: Cancellation | None
    ) -> None:
        self.name = chat.name
        self.is_adapted = chat.is_adapted
        self._cancellation = cancellation
        self._chat = chat
        self._tokens = tokens

    def stream(
        self, messages: Sequence[Message], max_tokens: int, share: float = 1.0
    ) -> Generator[str, None, str]:
        """Yield the reply piece by piece; return why it ended."""
        return (yield from self._client().stream(messages, max_tokens, share))

    def yes_probability(
        self, messages: Sequence[Message], *, adapted: bool = False
    ) -> float | None:
        """Return the share of yes in a one-word reply."""
        return self._client().yes_probability(messages, adapted=adapted)

    def metered(self, tokens: Counter[str], cancellation: Cancellation | None = None) -> "_Metered":
        """Return the same model for another question."""
        return _Metered(self._chat, tokens, cancellation)

    def _client(self) -> OpenAIChat:
        return self._chat.start().metered(self._tokens, self._cancellation)


def _first_line(process: subprocess.Popen[bytes], patience: float) -> str:
    """Return the first line the process prints; empty where it ends or takes too long."""
    found: list[bytes] = []
    stdout = process.stdout
    if stdout is None:
        return ""
    reader = threading.Thread(target=lambda: found.append(stdout.readline()), daemon=True)
    reader.start()
    reader.join(patience)
    return found[0].decode().strip() if found else ""
