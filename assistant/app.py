"""`Assistant` and `ask()`: the one place where the parts are put together."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, get_args

from assistant.chat_models import ChatModels
from assistant.errors import AssistantError, LibraryBusyError, ModelError, SettingsError
from assistant.filters import Filter, parse_filter
from assistant.library import Library
from assistant.metering import metered
from assistant.settings import Settings
from assistant.types import (
    AddReport,
    Answer,
    AnswerEvent,
    Event,
    Hit,
    Message,
    Paper,
    Problem,
    Role,
    SyncReport,
)

if TYPE_CHECKING:
    from assistant.adapters.chat_reranker import ChatReranker
    from assistant.adapters.llama_index_retrieval import HybridRetriever
    from assistant.adapters.sqlite_catalog import SqliteCatalog
    from assistant.answering import Answering
    from assistant.protocols import ChatModel, PairClassifier, Progress

Turn = Message | Mapping[str, str]
Where = Filter | str | None
SLICE = 128


def _silent(what: str, done: int, total: int) -> None:
    """Report no progress."""


class Assistant:
    """A library of papers and the questions put to it.

    Every part is made at its first use, so that making an `Assistant` costs nothing.
    Use it as a context manager, or call `close()`, to end the local model's process.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        progress: "Progress | None" = None,
        **overrides: Any,
    ) -> None:
        """Read the settings (environment and `.env`) unless given; `overrides` change single ones.

        `progress` is called with what is done, how much of it, and of how much.

        Raises:
            SettingsError: a setting has no meaning.
        """
        try:
            self.settings = replace(settings or Settings.load(), **overrides)
        except TypeError as error:
            raise SettingsError(f"Unknown setting ({error}); see assistant.Settings.") from error
        self._progress: Progress = progress or _silent
        self.library = Library(self.settings, self._progress, _Judge(self))
        self._lock = threading.RLock()
        self._questions = 0
        self._idle = threading.Event()
        self._idle.set()
        self._closed = threading.Event()
        self.chat = ChatModels(self.settings, self._progress)
        self._classifier: PairClassifier | None = None
        self._classifier_ready = False
        self._notices: list[str] = []

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Free what was opened."""
        self.close()

    def close(self) -> None:
        """End the local model's process and close the catalog."""
        self._closed.set()
        self.chat.close()
        self.library.close()

    # --- parts -------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Where the library lives."""
        return self.library.folder

    @property
    def catalog(self) -> "SqliteCatalog":
        """The record of all papers."""
        return self.library.catalog

    @property
    def retriever(self) -> "HybridRetriever":
        """The hybrid retriever, also usable in llama-index's own query engines."""
        return self.library.retriever

    @cached_property
    def _answering(self) -> "Answering":
        from assistant.answering import Answering
        from assistant.grounding.answerability import load_calibration
        from assistant.grounding.verifier import load_stages
        from assistant.prompts import load_prompt

        names = ("answer_strong", "answer_small", "answerable_small", "condense", "supported_small")
        return Answering(
            settings=self.settings,
            catalog=self.catalog,
            lexical=self.library.lexical,
            retriever=self.library.hybrid,
            embedder=self.library.embedder,
            classifier=self._open_classifier,
            stages=load_stages(),
            calibrations={name: load_calibration(name) for name in ("features", "with_model")},
            prompts={name: load_prompt(name) for name in names},
        )

    def _open_classifier(self) -> "PairClassifier | None":
        """Return the cross-encoder that reads claims with their evidence, loaded once."""
        with self._lock:
            if not self._classifier_ready:
                from assistant.adapters.cross_encoder import open_classifier

                try:
                    self._classifier = open_classifier(self.settings.threads)
                except ModelError as error:
                    self._notices.append(f"Claims are checked by what can be counted only: {error}")
                self._classifier_ready = True
            return self._classifier

    def chat_model(self) -> "ChatModel | None":
        """Return the chat model that the settings name, ready; None for extractive.

        A model that can't be had, or is still prepared beside, becomes a notice with every
        answer, and None.
        """
        return self.chat.get()

    def prepare_beside(self) -> None:
        """Fetch and start the local chat model in a thread; answers quote papers meanwhile."""
        self.chat.prepare_beside()

    def reconfigure(self, settings: Settings) -> None:
        """Answer by other settings from the next question on; home and embedder stay.

        Questions that are being answered go on with the model they have, unless it is local.
        """
        with self._lock:
            before, self.settings = self.settings, settings
            self.__dict__.pop("_answering", None)
            if _names_model(before) != _names_model(settings):
                former, self.chat = self.chat, ChatModels(settings, self._progress)
                former.close()

    # --- the library -------------------------------------------------------------------

    def add(self, *paths: str | Path, vectors: bool = True) -> AddReport:
        """Add the papers of files in any supported format.

        A file that can't be read is reported and the others go in. Without `vectors` it ends
        once words find the papers; `index` does the rest.

        Raises:
            LibraryError: the library can't be written.
            UnreadableFileError: no file could be read at all.
        """
        return self.library.add(paths, vectors=vectors)

    def add_papers(self, papers: Iterable[Paper | Problem]) -> AddReport:
        """Add papers that are at hand already."""
        return self.library.add_papers(papers)

    def add_bundled(self) -> AddReport:
        """Add the bundled sample: summaries of 140 machine-learning papers."""
        return self.library.add_bundled()

    def offer_sample(self) -> bool:
        """Add the bundled sample unless it was added once before; return whether it was.

        Who removes the sample doesn't get it back at the next start.
        """
        note = self.catalog.folder / "sample-was-offered"
        if note.exists():
            return False
        self.add_bundled()
        note.touch()
        return True

    def sync(self, folder: str | Path, *, remove: bool = False) -> SyncReport:
        """Add what a folder holds now, and name what came from it and is there no more.

        With `remove`, that is taken out of the library, unless another file gave it too.

        Raises:
            UnreadableFileError: it is no folder, or holds nothing that can be read.
            LibraryError: the library can't be written, or knows another folder of this name.
        """
        return self.library.sync(Path(folder).expanduser(), remove=remove)

    def export(self, kind: str = "bibtex", where: Where = None) -> Iterator[str]:
        """Yield the papers that pass the filter as text in one of `assistant.exports.FORMATS`.

        Raises:
            InputError: there is no such format.
            FilterError: the filter can't be read.
        """
        from assistant.exports import export

        return export(self.papers(where), kind)

    def remove(self, *paper_ids: str) -> int:
        """Take papers out of the library; return how many there were."""
        return self.library.remove(paper_ids)

    def papers(self, where: Where = None) -> Iterator[Paper]:
        """Yield every paper that passes the filter, in the order added."""
        return self.library.papers(_filter(where))

    def paper(self, paper_id: str) -> Paper | None:
        """Return one paper, or None."""
        return self.catalog.get(paper_id)

    def count(self) -> int:
        """Return the number of papers."""
        return self.catalog.count()

    def passage_count(self) -> int:
        """Return the number of passages that have vectors."""
        return self.library.store().count()

    def index(self) -> int:
        """Finish what an interrupted `add` left; return how many papers still lack vectors."""
        return self.library.index()

    def index_beside(self) -> None:
        """Finish what an interrupted `add` left, waiting whenever a question is being answered.

        For a thread of its own; returns when all is done or the assistant is closed.
        """
        while not self._closed.is_set():
            self._idle.wait()
            try:
                if not self.library.index_some(SLICE):
                    return
            except LibraryBusyError:
                continue

    def rebuild(self) -> int:
        """Make all indexes anew from the catalog; return how many papers lack vectors."""
        return self.library.rebuild()

    def reembed(self) -> int:
        """Compute all vectors with the embedder of the settings, the old ones serving meanwhile.

        Interrupted, it goes on where it was. Returns the number of papers that were embedded.
        """
        return self.library.reembed()

    def fetch_models(self) -> None:
        """Fetch what models the settings need; what can't be had is told with each answer."""
        self.library.embedder()
        self.chat.fetch()

    def warm_up(self) -> None:
        """Load what the first question needs, the chat model first: it loads beside the rest."""
        self.chat_model()
        if self.count():
            self.search("warm up", 1)

    def _take_notices(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.chat.notices(), *self._notices, *self.library.notices]))

    # --- questions ---------------------------------------------------------------------

    def search(self, query: str, limit: int = 10, *, where: Where = None) -> list[Hit]:
        """Return the papers that fit the query and pass the filter, best first.

        Raises:
            FilterError: the filter can't be read.
        """
        return self.library.search(query, limit, _filter(where))

    def ask(self, question: str, history: Sequence[Turn] = (), *, where: Where = None) -> Answer:
        """Answer a question from the library, with citations, or abstain.

        Args:
            question: what to answer, at most 4,000 characters.
            history: earlier turns, as messages or {"role", "content"} mappings.
            where: which papers may be read, as 'year>=2020 and author:smith'.

        Raises:
            QuestionError: the question is empty or too long.
            EmptyLibraryError: there is no paper to answer from.
            FilterError: the filter can't be read.
        """
        for event in self.stream(question, history, where=where):
            if isinstance(event, AnswerEvent):
                return event.answer
        raise AssistantError("No answer came; run 'assistant doctor'.")

    def examine(self, question: str, without: Iterable[str] = ()) -> dict[str, float]:
        """Return what the decision to answer rests on, as if without the papers `without`."""
        return self._answering.examine(question, frozenset(without))

    def stream(
        self, question: str, history: Sequence[Turn] = (), *, where: Where = None
    ) -> Iterator[Event]:
        """Yield stages and verified text as they come, and last the whole answer."""
        only = _filter(where)
        with self._asking():
            model = None
            pending = ""
            tokens = Counter[str]()
            if self.settings.reranker:
                tokens["unreported"] += 1  # what it reads isn't counted, so the sum is unknown
            if self.count():
                self.library.refresh()
                self.library.embedder()  # what keeps it from loading becomes a notice
                model = self.chat_model()
                model = None if model is None else model.metered(tokens)
                pending = self.library.pending_notice()
            notices = (*self._take_notices(), *filter(None, [pending]))
            turns = [_message(turn) for turn in history]
            events = self._answering.stream(question, turns, model, notices, only)
            yield from metered(events, tokens)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Keep the work in the background waiting: it takes the processor that models need."""
        with self._lock:
            self._questions += 1
            self._idle.clear()
        try:
            yield
        finally:
            with self._lock:
                self._questions -= 1
                if not self._questions:
                    self._idle.set()


class _Judge:
    """The chat model as a reranker, loaded where a search first asks for it."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    def judge(self, query: str, papers: Sequence[Paper]) -> list[float] | None:
        """Return each paper's probability of being relevant; None where no model can tell."""
        return self._reranker.judge(query, papers)

    @cached_property
    def _reranker(self) -> "ChatReranker":
        from assistant.adapters.chat_reranker import ChatReranker
        from assistant.prompts import load_prompt

        return ChatReranker(self._assistant.chat_model, load_prompt("relevant_small"))


def _filter(where: Where) -> Filter | None:
    return parse_filter(where) if isinstance(where, str) else where


def _names_model(settings: Settings) -> tuple[object, ...]:
    """Return all that makes another chat model of it."""
    return (
        settings.chat_model,
        settings.openai_api_key,
        settings.openai_base_url,
        settings.openai_model,
        settings.local_model_path,
        settings.answer_timeout,
    )


def _message(turn: Turn) -> Message:
    if isinstance(turn, Message):
        return turn
    content = turn.get("content")
    for role in get_args(Role):
        if role == turn.get("role") and isinstance(content, str):
            return Message(role=role, content=content)
    raise SettingsError(
        'A turn of the history is {"role": "user" or "assistant", "content": "…"}; '
        f"got {dict(turn)!r:.80}."
    )


def ask(question: str, history: Sequence[Turn] = (), **settings: Any) -> Answer:
    """Answer one question with the library and model that the settings name.

    Each call opens and closes the library; make an `Assistant` for several questions.
    """
    with Assistant(**settings) as assistant:
        return assistant.ask(question, history)
