"""The chat model that the settings name: fetched, started, and at hand once it is ready."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assistant.errors import ModelError
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.adapters.local_llm import LocalChat
    from assistant.protocols import ChatModel, Progress

State = Literal["idle", "fetching", "starting", "ready", "failed"]


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How far the model is; `done` of `total` is fetched. Idle: nobody asked for it."""

    state: State = "idle"
    name: str = ""
    done: int = 0
    total: int = 0

    @property
    def is_under_way(self) -> bool:
        """Whether the model will be ready, or fail, without anyone's doing."""
        return self.state in ("fetching", "starting")

    def __str__(self) -> str:
        """Say it in words, as the page and notices do."""
        if self.state == "fetching":
            share = f" ({100 * self.done // self.total} %)" if self.total else ""
            return f"The chat model {self.name} is being fetched{share}"
        return f"The chat model {self.name} is starting" if self.state == "starting" else ""


class ChatModels:
    """Opens the chat model once, at its first use or beside other work."""

    def __init__(self, settings: Settings, progress: "Progress", llm: object = None) -> None:
        """Take what says which model; `progress` is told what is fetched.

        `llm`, any llama-index `LLM`, goes before what the settings name.
        """
        self._llm = llm
        self._settings = settings
        self._progress = progress
        self._lock = threading.RLock()
        self._model: ChatModel | None = None
        self._is_open = False
        self._is_closed = False
        self._failures: list[str] = []
        self.preparation = Preparation()
        self.worker: threading.Thread | None = None

    def get(self) -> "ChatModel | None":
        """Return the model, ready; None for extractive, and while it is prepared beside.

        One that can't be had becomes a notice, and None.
        """
        if self.preparation.is_under_way:
            return None
        with self._lock:
            if not self._is_open:
                self._model = self._open()
                self._is_open = True
            return self._model

    @property
    def is_embedded(self) -> bool:
        """Whether the embedded model writes, which does one thing at a time."""
        return self._llm is None and self._settings.chat_model == "local"

    def wait(self) -> None:
        """Wait until what is prepared beside is ready, or has failed."""
        if self.worker is not None:
            self.worker.join()

    def fetch(self) -> None:
        """Fetch the files of the embedded model where it is the one; a failure is a notice."""
        try:
            self._files(self._progress)
        except ModelError as error:
            self._failures.append(str(error))

    def prepare_beside(self) -> None:
        """Fetch and start the model in a thread; until it is ready `get` returns None."""
        with self._lock:
            if self._is_open or self.preparation.is_under_way:
                return
            if not self.is_embedded:
                return  # Nothing takes time: a server is only named.
            self.preparation = Preparation(state="fetching", name=self._name())
        self.worker = threading.Thread(target=self._prepare, daemon=True)
        self.worker.start()

    def notices(self) -> list[str]:
        """Return what goes wrong or is not ready yet, in words."""
        if self.preparation.is_under_way:
            return [*self._failures, f"{self.preparation}; meanwhile answers quote the papers."]
        return list(self._failures)

    def release(self) -> None:
        """End the local model's process; what a server is being asked goes on."""
        self._is_closed = True
        self._end()

    def close(self) -> None:
        """End the local model's process, or the connections to a server."""
        end = getattr(self._model, "end", None)
        self.release()
        if end:
            end()

    def _end(self) -> None:
        stop = getattr(self._model, "stop", None)
        if stop:
            stop()
        self._model, self._is_open = None, False

    def _prepare(self) -> None:
        name = self.preparation.name

        def told(what: str, done: int, total: int) -> None:
            self.preparation = Preparation(state="fetching", name=name, done=done, total=total)
            self._progress(what, done, total)

        try:
            self._files(told)
            self.preparation = Preparation(state="starting", name=name)
            model: ChatModel | None = self._local()
        except ModelError as error:
            self._failures.append(_instead(error))
            model = None
        with self._lock:
            self._model, self._is_open = model, True
            state: State = "failed" if model is None else "ready"
            self.preparation = Preparation(state=state, name=name)
        if self._is_closed:  # While it started.
            self._end()

    def _name(self) -> str:
        from assistant.adapters.model_files import known_model

        own = self._settings.local_model_path
        return Path(own).stem if own else known_model("chat").name

    def _open(self) -> "ChatModel | None":
        settings = self._settings
        if self._llm is not None:
            from assistant.adapters.llama_index_chat import as_chat_model

            return as_chat_model(self._llm, settings.answer_timeout)
        if settings.chat_model == "extractive":
            return None
        try:
            if settings.chat_model == "local":
                self._files(self._progress)
                return self._local()
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
            self._failures.append(_instead(error))
            return None

    def _files(self, progress: "Progress") -> None:
        from assistant.adapters import model_files

        settings = self._settings
        if self.is_embedded and not settings.local_model_path:
            model = model_files.known_model("chat")
            model_files.fetch(model, settings.models, progress, offline=settings.offline)

    def _local(self) -> "LocalChat":
        from assistant.adapters import model_files
        from assistant.adapters.local_llm import LocalChat, shipped_adapter

        settings = self._settings
        if settings.local_model_path:
            path = Path(settings.local_model_path).expanduser()
            if not path.is_file():
                raise ModelError(f"ASSISTANT_LOCAL_MODEL names {path}, which is not a file.")
        else:
            path = model_files.known_model("chat").path(settings.models)
        local = LocalChat(
            path,
            self._name(),
            settings.threads,
            settings.start_timeout,
            settings.answer_timeout,
            # It fits the shipped model alone.
            None if settings.local_model_path else shipped_adapter(),
        )
        local.start()
        return local


def _instead(error: ModelError) -> str:
    return f"{error} Answers quote the papers' own sentences meanwhile."
