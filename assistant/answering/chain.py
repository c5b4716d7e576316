"""The chain: condense, retrieve, select, decide, write, verify."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from assistant.answering.deciding import Decider
from assistant.answering.judging import judge_by
from assistant.answering.selecting import Selector
from assistant.answering.state import EXTRACTIVE, State
from assistant.errors import (
    ContextOverflowError,
    EmptyLibraryError,
    ModelError,
    QuestionError,
)
from assistant.filters import Filter, to_text
from assistant.grounding.answerability import Calibration
from assistant.grounding.citations import CitedClaim
from assistant.grounding.conversation import as_text, earlier_questions, own_question
from assistant.grounding.evidence import compares, contrasts
from assistant.grounding.hostile import harmless
from assistant.grounding.verifier import Stage, Verifier
from assistant.prompts import Prompt
from assistant.protocols import (
    ChatModel,
    Embedder,
    LexicalIndex,
    PairClassifier,
    PaperCatalog,
    Retriever,
)
from assistant.settings import Settings
from assistant.text.words import terms
from assistant.types import AnswerEvent, Event, Message, StageEvent, TextEvent, Tier
from assistant.writers import ModelWriter, Rejected, extractive_claims

LONGEST_QUESTION = 4000
CONDENSE_TOKENS = 120
FILL_SENTENCES = 8
"""From so many of the best sentences the words are filled that a small model leaves."""
CONDENSE_SHARE = 1 / 3
"""Share of an answer's time limit that the rewriting of a follow-up may take."""


class Answering:
    """The chain; its parts come from the composition root."""

    def __init__(
        self,
        *,
        settings: Settings,
        catalog: PaperCatalog,
        lexical: LexicalIndex,
        retriever: Retriever,
        embedder: Callable[[], Embedder | None],
        classifier: Callable[[], PairClassifier | None],
        stages: Mapping[Tier, Stage],
        calibrations: Mapping[str, Calibration],
        prompts: Mapping[str, Prompt],
    ) -> None:
        """Take the parts; `prompts` and `calibrations` by name, the verifier's `stages` by tier."""
        self._settings = settings
        self._catalog = catalog
        self._lexical = lexical
        self._selector = Selector(
            settings=settings,
            catalog=catalog,
            lexical=lexical,
            retriever=retriever,
            embedder=embedder,
        )
        self._decider = Decider(
            settings=settings,
            lexical=lexical,
            calibrations=calibrations,
            prompt=prompts["answerable_small"],
        )
        self._verifier = Verifier(stages, self._selector.embed, classifier)
        self._prompts = prompts

    @property
    def prompt_versions(self) -> dict[str, str]:
        """The version of each prompt, by name."""
        return {name: prompt.version for name, prompt in self._prompts.items()}

    def stream(
        self,
        question: str,
        history: Sequence[Message],
        model: ChatModel | None,
        notices: Sequence[str] = (),
        only: Filter | None = None,
    ) -> Iterator[Event]:
        """Yield stages and verified text, and last the whole answer.

        `model` None means extractive. `notices` are shown with the answer. `only` says which
        papers may be read.

        Raises:
            QuestionError: the question is empty or too long.
            EmptyLibraryError: there is no paper to answer from.
        """
        began = time.perf_counter()
        state = State(
            question=_checked(question),
            history=history,
            notices=list(dict.fromkeys(notices)),
            only=only,
        )
        if not self._catalog.count():
            raise EmptyLibraryError(
                "The library is empty. Add papers with 'assistant add FILE…', "
                "or the bundled sample with 'assistant add --bundled'."
            )
        self._condense(state, model)
        yield StageEvent(name="retrieve", detail="searching the library")
        self._selector.select(state, self._verifier)
        yield StageEvent(name="select", detail=state.reading())
        if self._decider.answers(state, model):
            if model is not None and not state.failed:
                small = model.is_small
                if small:
                    # It writes slowly and leaves facts out: it adds to the best sentences.
                    yield from self._extract(state, 1)
                yield StageEvent(name="write", detail=f"{model.name} writes")
                yield from self._write(state, model)
                if small and state.answerable:
                    yield from self._extract(state, words=self._settings.answer_words)
            if not state.composer.text and state.answerable:
                yield from self._extract(state)
        if not state.composer.text:
            state.abstention = self._abstention(state)
            yield TextEvent(text=state.abstention)
        state.seconds["total"] = time.perf_counter() - began
        yield AnswerEvent(answer=state.answer())

    def examine(self, question: str, without: frozenset[str]) -> dict[str, float]:
        """Return the features of answerability.

        `without` names papers to leave out, as if the library lacked them: so a question
        whose paper is known becomes one that can't be answered. For calibration.
        """
        state = State(question=_checked(question), history=())
        self._condense(state, None)
        self._selector.select(state, self._verifier, without)
        return self._decider.features(state, state.grounds) if state.grounds else {}

    def _condense(self, state: State, model: ChatModel | None) -> None:
        """Make the question stand on its own."""
        since = time.perf_counter()
        state.own = own_question(state.question) if state.history else state.question
        state.earlier = earlier_questions(state.question, state.history)
        state.standalone = f"{state.earlier} {state.own}".strip()
        if model is not None and not model.is_small and state.history:
            prompt = self._prompts["condense"]
            messages = prompt.messages(conversation=as_text(state.history), question=state.question)
            try:
                reply = "".join(model.stream(messages, CONDENSE_TOKENS, CONDENSE_SHARE)).strip()
            except ModelError as error:
                state.notices.append(str(error))
            else:
                if reply:
                    state.standalone, state.earlier = reply, ""
                state.prompts["condense"] = prompt.version
        state.timed("condense", since)

    def _write(self, state: State, model: ChatModel) -> Iterator[Event]:
        """Stream the model's verified sentences; on failure say so and leave it to extraction."""
        since = time.perf_counter()
        prompt = self._prompts["answer_small" if model.is_small else "answer_strong"]
        lenient = self._settings.policy == "lenient"
        said = state.composer.text
        writer = ModelWriter(
            model,
            prompt,
            # A small model judges too badly to have a say on its own words (see the README), unless
            # it was trained to.
            None
            if model.is_small and not model.is_adapted
            else judge_by(model, self._prompts, forgiving=True),
            said=said,
            words=self._settings.answer_words,
            quotes=model.is_small,
            lenient=lenient,
        )
        state.prompts[prompt.name] = prompt.version
        state.model = model.name
        try:
            for written in self._written(state, writer, model.name):
                if isinstance(written, Rejected):
                    state.rejected.append(written)
                else:
                    state.has_written = True
                    yield TextEvent(text=state.composer.add(written))
                checked = writer.checks.checked
                detail = f"{checked} claim{'s' if checked > 1 else ''} checked"
                yield StageEvent(name="verify", detail=f"{model.name} writes, {detail}")
        except ModelError as error:
            state.give_up_on_model(error)
        else:
            if not writer.checks.checked and not writer.says_unanswerable:
                state.give_up_on_model(ModelError(f"{model.name} replied with nothing to show."))
        state.asked = writer.asked
        state.draft = writer.draft
        state.checks = writer.checks
        state.seconds |= writer.seconds
        state.unknown += writer.unknown
        if writer.says_unanswerable:
            state.confidence, state.answerable = 0.0, False
        state.timed("write", since)

    def _written(
        self, state: State, writer: ModelWriter, model: str
    ) -> Iterator[CitedClaim | Rejected]:
        """Yield what the model writes from as much of the evidence as it can read."""
        while state.grounds is not None:
            try:
                yield from writer.write(state.grounds)
            except ContextOverflowError:
                if writer.draft or not state.read_less(model):
                    raise
            else:
                return

    def _extract(
        self, state: State, most: int | None = None, words: int | None = None
    ) -> Iterator[Event]:
        """Give the best sentences verbatim: `most` of them, in `words` words with what is there."""
        if state.grounds is None:
            return
        since = time.perf_counter()
        if state.rejected and not state.composer.text:
            state.notices.append(
                "No sentence the model wrote was supported by the papers; "
                "their own best sentences are shown instead."
            )
            state.model = f"{state.model}, then {EXTRACTIVE}"
        usual = self._settings.extractive_sentences + compares(state.standalone)
        claims = extractive_claims(
            state.grounds,
            most or (FILL_SENTENCES if words else usual),
            said=state.composer.text,
            words=words,
            compared=contrasts(state.standalone),
            cited={one.evidence.paper.id for one in state.composer.citations},
        )
        for claim in claims:
            yield TextEvent(text=state.composer.add(claim))
        state.timed("extract", since)

    def _abstention(self, state: State) -> str:
        """Say that the papers don't answer, and name the nearest ones."""
        if not any(self._lexical.knows(term) for term in terms(state.standalone)):
            state.notices.append(
                "No word of the question occurs in the library; ask in the language of its "
                "abstracts, or about its topics."
            )
        if not state.nearest and state.only is not None:
            return f"No paper passes the filter {to_text(state.only)} and fits the question."
        text = "These papers don't answer that question."
        if state.nearest:
            titles = "; ".join(f"“{harmless(paper.title) or paper.id}”" for paper in state.nearest)
            text += f" The nearest are {titles}."
        return text


def _checked(question: str) -> str:
    text = " ".join(question.split())
    if not text:
        raise QuestionError("The question is empty; ask something about the papers.")
    if len(text) > LONGEST_QUESTION:
        raise QuestionError(
            f"The question has {len(text):,} characters; {LONGEST_QUESTION:,} is the most. "
            "Ask for one thing at a time, or add the long text as a paper."
        )
    return text
