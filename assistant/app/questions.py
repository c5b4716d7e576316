"""What is asked of a library: at once, as it comes, in an event loop, or many at a time."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from assistant.app.batch import AT_ONCE, Outcome, Question, in_order
from assistant.app.caching import again, depends_on
from assistant.app.models import Models
from assistant.app.turns import Turn, Where, as_filter, as_message
from assistant.cancellation import Cancellation
from assistant.errors import AssistantError, LibraryBusyError, SettingsError
from assistant.filters import Filter
from assistant.lazy import Once
from assistant.library import Library
from assistant.metering import metered
from assistant.settings import Settings
from assistant.types import Answer, AnswerEvent, Event, Hit, Message, StageEvent

if TYPE_CHECKING:
    from assistant.adapters.answer_cache import AnswerCache
    from assistant.adapters.answer_store import AnswerStore
    from assistant.adapters.llama_index_engine import AnswerEngine, AnswerTool
    from assistant.adapters.llama_index_retrieval import HybridRetriever
    from assistant.adapters.otel import Spans
    from assistant.answering import Answering

_NO_ANSWER = "No answer came; run 'assistant doctor'."


class Questions:
    """Asks a library with the models there are; any number of threads may, at once."""

    def __init__(self, settings: Settings, library: Library, models: Models) -> None:
        """Take the parts; nothing is opened yet."""
        self.settings = settings
        self.library = library
        self._models = models
        self._lock = threading.RLock()
        self._running: set[Cancellation] = set()
        self._idle = threading.Event()
        self._idle.set()

    @Once
    def _answering(self) -> "Answering":
        from assistant.answering import Answering
        from assistant.answering.judging import PROMPTS
        from assistant.grounding.answerability import load_calibration
        from assistant.grounding.verifier import load_stages
        from assistant.prompts import load_prompt

        names = (
            "answer_strong",
            "answer_small",
            "answerable_small",
            "condense",
            *PROMPTS,
        )
        return Answering(
            settings=self.settings,
            catalog=self.library.catalog,
            lexical=self.library.lexical,
            retriever=self.library.hybrid,
            embedder=self.library.embedder,
            classifier=self._models.classifier,
            stages=load_stages(),
            calibrations={name: load_calibration(name) for name in ("features", "with_model")},
            prompts={name: load_prompt(name) for name in names},
        )

    def search(self, query: str, limit: int = 10, *, where: Where = None) -> list[Hit]:
        """Return the papers that fit the query and pass the filter, best first.

        Raises:
            FilterError: the filter can't be read.
        """
        return self.library.search(query, limit, as_filter(where))

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
        return _last(self.stream(question, history, where=where))

    def examine(self, question: str, without: Iterable[str] = ()) -> dict[str, float]:
        """Return what the decision to answer rests on, as if without the papers `without`."""
        return self._answering.examine(question, frozenset(without))

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        where: Where = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[Event]:
        """Yield stages and verified text as they come, and last the whole answer.

        Another thread may call `cancellation.cancel()`: the model is stopped at once.

        Raises:
            CancelledError: it did, or the assistant was closed meanwhile.
        """
        only = as_filter(where)
        turns = [as_message(turn) for turn in history]
        with self._asking(cancellation) as running:
            spans = self._spans  # What keeps it from sending becomes a notice.
            for event in self._events(question, turns, only, running):
                running.check()
                yield self._kept(event, spans)

    def _events(
        self, question: str, turns: list[Message], only: Filter | None, running: Cancellation
    ) -> Iterator[Event]:
        """Yield the events of an answer that was given before, else of a new one, for next time."""
        began = time.perf_counter()
        has_papers = bool(self.library.catalog.count())
        if has_papers:
            self.library.refresh()
            self.library.embedder()  # What keeps it from loading becomes a notice.
        key = self._cache_key(question, turns, only) if has_papers else None
        known = self.cache.get(key) if key else None
        if known is not None:
            yield from again(known, began)
            return
        for event in map(self._identified, self._new_events(question, turns, only, running)):
            if key and isinstance(event, AnswerEvent) and not event.answer.notices:
                with contextlib.suppress(OSError):  # A full disk must not keep an answer back.
                    self.cache.put(key, event.answer)
            yield event

    def _new_events(
        self, question: str, turns: list[Message], only: Filter | None, running: Cancellation
    ) -> Iterator[Event]:
        model, refused, pending = None, "", ""
        tokens = Counter[str]()
        if self.settings.reranker:
            tokens["unreported"] += 1  # what it reads isn't counted, so the sum is unknown
        if self.library.catalog.count():
            model, refused = self._models.for_question(tokens, running)
            pending = self.library.pending_notice()
        notices = (*self._models.notices, *filter(None, [refused, pending]))
        events = self._answering.stream(question, turns, model, notices, only)
        return self._telling(metered(events, tokens, model.name if model else ""))

    def _telling(self, events: Iterator[Event]) -> Iterator[Event]:
        """Add to the answer what the library said of itself from the search on.

        Not before: what kept the last question from the vectors may be over by now.
        """
        told: dict[str, None] = {}
        for event in events:
            if not (isinstance(event, StageEvent) and event.name == "retrieve"):
                told |= dict.fromkeys(self.library.notices)
            if isinstance(event, AnswerEvent) and told:
                notices = dict.fromkeys([*told, *event.answer.notices])
                event = AnswerEvent(answer=replace(event.answer, notices=tuple(notices)))
            yield event

    def _cache_key(
        self, question: str, turns: list[Message], only: Filter | None
    ) -> dict[str, Any] | None:
        """Return what the answer depends on; None where it isn't to be cached."""
        if not self.cache.is_on or not question.strip():
            return None
        try:
            return depends_on(
                question,
                turns,
                only,
                self.settings,
                self.library,
                self._models.identity,
                self._answering.prompt_versions,
            )
        except LibraryBusyError:
            return None

    async def aask(
        self, question: str, history: Sequence[Turn] = (), *, where: Where = None
    ) -> Answer:
        """Answer as `ask` does, beside the running event loop; cancelling the task stops it."""
        async with contextlib.aclosing(self.astream(question, history, where=where)) as events:
            async for event in events:
                if isinstance(event, AnswerEvent):
                    return event.answer
        raise AssistantError(_NO_ANSWER)

    def astream(
        self, question: str, history: Sequence[Turn] = (), *, where: Where = None
    ) -> AsyncGenerator[Event, None]:
        """Yield as `stream` does, beside the running event loop."""
        from assistant.app.asynchronous import beside

        return beside(
            lambda running: self.stream(question, history, where=where, cancellation=running),
            self.library.leave_thread,
        )

    async def asearch(self, query: str, limit: int = 10, *, where: Where = None) -> list[Hit]:
        """Search as `search` does, beside the running event loop."""
        from assistant.app.asynchronous import beside

        found = beside(
            lambda _running: iter([self.search(query, limit, where=where)]),
            self.library.leave_thread,
        )
        async with contextlib.aclosing(found) as lists:
            return [hit async for hits in lists for hit in hits]

    def batch(
        self,
        questions: Iterable[str | Question],
        *,
        where: Where = None,
        at_once: int | None = None,
        cancellation: Cancellation | None = None,
    ) -> Iterator[Outcome]:
        """Yield what becomes of each question, in their order; a fault of one leaves the others.

        `at_once` are asked at a time: by default 4, and 1 of the embedded model, which does one
        thing at a time. Questions are taken as places come free.
        """
        usual = 1 if self._models.is_embedded else AT_ONCE
        given = (one if isinstance(one, Question) else Question(text=one) for one in questions)

        def outcome(question: Question, running: Cancellation) -> Outcome:
            only = where if question.where is None else question.where
            try:
                events = self.stream(
                    question.text, question.history, where=only, cancellation=running
                )
                return Outcome(question=question, answer=_last(events))
            except AssistantError as error:
                return Outcome(question=question, error=error)
            finally:
                self.library.leave_thread()

        at_once = usual if at_once is None else max(1, at_once)
        return in_order(outcome, given, at_once, cancellation)

    def abatch(
        self,
        questions: Iterable[str | Question],
        *,
        where: Where = None,
        at_once: int | None = None,
    ) -> AsyncGenerator[Outcome, None]:
        """Yield as `batch` does, beside the running event loop."""
        from assistant.app.asynchronous import beside

        return beside(
            lambda running: self.batch(
                questions, where=where, at_once=at_once, cancellation=running
            ),
            self.library.leave_thread,
        )

    # --- for llama-index ---------------------------------------------------------------

    def as_retriever(self, limit: int = 10, *, where: Where = None) -> "HybridRetriever":
        """Return the search as a llama-index retriever of at most `limit` passages."""
        return self.library.retriever.filtered(as_filter(where), limit)

    def as_query_engine(self, *, where: Where = None) -> "AnswerEngine":
        """Return the questions as a llama-index query engine; its answers are verified."""
        from assistant.adapters.llama_index_engine import AnswerEngine

        return AnswerEngine(partial(self.ask, where=where), partial(self.aask, where=where))

    def as_tool(
        self, name: str = "paper_library", description: str = "", *, where: Where = None
    ) -> "AnswerTool":
        """Return the questions as a tool for llama-index's agents; it tells its sources too."""
        from assistant.adapters.llama_index_engine import AnswerTool

        return AnswerTool(self.as_query_engine(where=where), name, description)

    def cancel(self) -> None:
        """Stop all questions that are being answered, and the models that write for them."""
        with self._lock:
            running = list(self._running)
        for one in running:
            one.cancel()

    @Once
    def answers(self) -> "AnswerStore":
        """The past answers, as many as the settings keep."""
        from assistant.adapters.answer_store import AnswerStore

        return AnswerStore(self.settings.home / "answers", self.settings.answers_kept)

    @Once
    def cache(self) -> "AnswerCache":
        """The answers to be given again, within the size that the settings say."""
        from assistant.adapters.answer_cache import AnswerCache

        return AnswerCache(self.settings.home / "cache", self.settings.cache_mb)

    @Once
    def _spans(self) -> "Spans | None":
        """Return what sends spans, where an endpoint is set and it can be had."""
        if not self.settings.otel_endpoint:
            return None
        from assistant.adapters.otel import Spans

        try:
            return Spans(self.settings.otel_endpoint)
        except SettingsError as error:
            self._models.note(str(error))
            return None

    def _kept(self, event: Event, spans: "Spans | None") -> Event:
        """Store an answer under an id, which a full disk must not keep back; send its spans."""
        event = self._identified(event)
        if not isinstance(event, AnswerEvent):
            return event
        answer = event.answer
        if answer.id:
            with contextlib.suppress(OSError):
                self.answers.put(answer.id, answer.to_dict())
        if spans:
            spans.record(answer)
        return event

    def _identified(self, event: Event) -> Event:
        """Give an answer that has no id one."""
        if not isinstance(event, AnswerEvent) or event.answer.id:
            return event
        return AnswerEvent(answer=replace(event.answer, id=self.answers.new_id()))

    def _send_rest(self) -> None:
        """Send the spans that are left, and no more."""
        with self._lock:
            spans = vars(self).pop("_spans", None)
        if spans:
            spans.close()

    @contextlib.contextmanager
    def _asking(self, cancellation: Cancellation | None) -> Iterator[Cancellation]:
        """Give the question a cancellation of its own, which the caller's and `cancel` reach.

        The work in the background waits meanwhile: it takes the processor that models need.
        """
        own = Cancellation()
        with self._lock:
            self._running.add(own)
            self._idle.clear()
        try:
            with (cancellation or own).telling(own.cancel):
                yield own
        finally:
            with self._lock:
                self._running.discard(own)
                if not self._running:
                    self._idle.set()


def _last(events: Iterator[Event]) -> Answer:
    """Return the answer that the events end in."""
    for event in events:
        if isinstance(event, AnswerEvent):
            return event.answer
    raise AssistantError(_NO_ANSWER)
