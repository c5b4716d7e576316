"""Question → cited answer: condense, retrieve, select, decide, write, verify."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from assistant.errors import EmptyLibraryError, LibraryError, ModelError, QuestionError
from assistant.filters import Filter, to_text
from assistant.grounding.answerability import Calibration, features
from assistant.grounding.citations import Composer
from assistant.grounding.conversation import as_text, joined_question, refers_back
from assistant.grounding.evidence import (
    compares,
    number_evidence,
    rank_sentences,
    within_words,
)
from assistant.grounding.hostile import harmless, sift
from assistant.grounding.sentence_vectors import embed_sentences
from assistant.grounding.verifier import Judge, Stage, Verifier
from assistant.prompts import Prompt
from assistant.protocols import (
    ChatModel,
    Embedder,
    LexicalIndex,
    PairClassifier,
    PaperCatalog,
    Retriever,
    Vectors,
)
from assistant.settings import Settings
from assistant.text.words import terms
from assistant.types import (
    Answer,
    AnswerEvent,
    Checks,
    Event,
    Evidence,
    Flagged,
    Hit,
    Message,
    Paper,
    StageEvent,
    Status,
    TextEvent,
    Tier,
    Trace,
)
from assistant.writers import Grounds, ModelWriter, Rejected, extractive_claims

LONGEST_QUESTION = 4000
NEAREST_PAPERS = 3
EXTRACTIVE = "extractive"
CONDENSE_TOKENS = 120


@dataclass(kw_only=True)
class _State:
    """What one question gathers on its way."""

    question: str
    history: Sequence[Message]
    only: Filter | None = None
    standalone: str = ""
    hits: list[Hit] = field(default_factory=list)
    grounds: Grounds | None = None
    confidence: float = 0.0
    answerable: bool = True
    failed: bool = False
    has_written: bool = False
    abstention: str = ""
    model: str = EXTRACTIVE
    composer: Composer = field(default_factory=Composer)
    rejected: list[Rejected] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    flagged: tuple[Flagged, ...] = ()
    draft: str = ""
    notices: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    answerability: dict[str, float] = field(default_factory=dict)
    checks: Checks = field(default_factory=Checks)

    def timed(self, stage: str, since: float) -> None:
        """Note the seconds of a stage that began at `since`."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - since


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
        self._retriever = retriever
        self._embedder = embedder
        self._verifier = Verifier(stages, self._embed, classifier)
        self._calibrations = calibrations
        self._prompts = prompts

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
        state = _State(
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
        self._retrieve(state)
        yield StageEvent(name="select", detail=_reading(state))
        if self._answerable(state, model):
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
        yield AnswerEvent(answer=self._answer(state))

    def _condense(self, state: _State, model: ChatModel | None) -> None:
        """Make the question stand on its own."""
        since = time.perf_counter()
        state.standalone = joined_question(state.question, state.history)
        if model is not None and not model.is_small and state.history:
            prompt = self._prompts["condense"]
            messages = prompt.messages(conversation=as_text(state.history), question=state.question)
            try:
                reply = "".join(model.stream(messages, CONDENSE_TOKENS)).strip()
            except ModelError as error:
                state.notices.append(str(error))
            else:
                state.standalone = reply or state.standalone
                state.prompts["condense"] = prompt.version
        state.timed("condense", since)

    def _retrieve(self, state: _State, without: frozenset[str] = frozenset()) -> None:
        """Find papers, rank their sentences, and number the few that will be read."""
        since = time.perf_counter()
        wanted = self._settings.papers_read
        found = self._retriever.search(state.standalone, wanted + len(without), state.only)
        state.hits = [hit for hit in found if hit.paper.id not in without][:wanted]
        state.timed("retrieve", since)
        since = time.perf_counter()
        question_vector, sentence_vectors = self._vectors(state)
        ranked, state.flagged = sift(
            rank_sentences(
                state.standalone,
                state.hits,
                question_vector,
                sentence_vectors,
                self._lexical.rarity,
            )
        )
        read = number_evidence(
            within_words(ranked, self._settings.evidence_sentences, self._settings.evidence_words)
        )
        state.grounds = Grounds(
            question=state.standalone if refers_back(state.question) else state.question,
            ranked=tuple(ranked),
            evidence=tuple(read),
            verifier=self._verifier,
            rarity=self._lexical.rarity,
        )
        state.timed("select", since)

    def examine(self, question: str, without: frozenset[str]) -> dict[str, float]:
        """Return the features of answerability.

        `without` names papers to leave out, as if the library lacked them: so a question
        whose paper is known becomes one that can't be answered. For calibration.
        """
        state = _State(question=_checked(question), history=())
        state.standalone = state.question
        self._retrieve(state, without)
        if state.grounds is None:
            return {}
        return features(
            state.question, state.hits, self._nearest_sentences(state.grounds), self._lexical.rarity
        )

    def _vectors(self, state: _State) -> tuple[Vectors | None, dict[str, Vectors]]:
        embedder = self._embedder()
        if embedder is None:
            return None, {}
        papers = [hit.paper for hit in state.hits]
        known = self._catalog.sentence_vectors(papers)
        missing = [paper for paper in papers if paper.id not in known]
        try:
            found = embed_sentences(missing, embedder) if missing else {}
            question = embedder.embed_query(state.standalone)
        except ModelError as error:
            state.notices.append(f"Sentences are compared by words only: {error}")
            return None, {}
        if found:
            with suppress(LibraryError):  # A full disk must not keep an answer back.
                self._catalog.put_sentence_vectors(found)
        return question, known | {key: vectors for key, (_, vectors) in found.items()}

    def _embed(self, texts: Sequence[str]) -> Vectors | None:
        embedder = self._embedder()
        try:
            return None if embedder is None else embedder.embed(texts)
        except ModelError:  # Told where the question's own vector was asked for.
            return None

    def _answerable(self, state: _State, model: ChatModel | None) -> bool:
        """Decide, outside any prompt, whether the evidence answers."""
        grounds = state.grounds
        if grounds is None or not grounds.evidence:
            return False
        since = time.perf_counter()
        found = features(
            state.standalone, state.hits, self._nearest_sentences(grounds), self._lexical.rarity
        )
        state.answerability = dict(found)
        calibration = self._calibrations["features"]
        state.confidence = calibration.probability(found)
        state.timed("decide", since)
        if model is not None and not model.is_small:
            # It reads better than these features do, and may decline: none is kept from it.
            return True
        if model is not None and self._ask_whether(state, model, found, grounds):
            calibration = self._calibrations["with_model"]
        chosen = self._settings.answerable_at
        state.answerable = state.confidence >= (calibration.threshold if chosen is None else chosen)
        return state.answerable

    def _nearest_sentences(self, grounds: Grounds) -> tuple[Evidence, ...]:
        """Return what the features are read from: more than a small model has the time to read."""
        return grounds.ranked[: self._settings.evidence_sentences]

    def _ask_whether(
        self, state: _State, model: ChatModel, found: Mapping[str, float], grounds: Grounds
    ) -> bool:
        """Let a small model's log-probability of yes refine the decision, if it gives one."""
        since = time.perf_counter()
        try:
            yes = self._yes(model, grounds)
        except ModelError as error:
            self._give_up_on(state, error)
            yes = None
        if yes is not None:
            prompt = self._prompts["answerable_small"]
            state.prompts[prompt.name] = prompt.version
            state.answerability["model"] = yes
            state.confidence = self._calibrations["with_model"].probability(found, yes)
        state.timed("decide", since)
        return yes is not None

    def _yes(self, model: ChatModel, grounds: Grounds) -> float | None:
        """Return the model's probability that the evidence answers."""
        return model.yes_probability(
            self._prompts["answerable_small"].messages(
                evidence=grounds.as_prompt(titles=False), question=grounds.question
            )
        )

    def _write(self, state: _State, model: ChatModel) -> Iterator[Event]:
        """Stream the model's verified sentences; on failure say so and leave it to extraction."""
        grounds = state.grounds
        if grounds is None:
            return
        since = time.perf_counter()
        prompt = self._prompts["answer_small" if model.is_small else "answer_strong"]
        lenient = self._settings.policy == "lenient"
        said = state.composer.text
        writer = ModelWriter(model, prompt, self._judge(model), said=said, lenient=lenient)
        state.prompts[prompt.name] = prompt.version
        state.model = model.name
        try:
            for written in writer.write(grounds):
                if isinstance(written, Rejected):
                    state.rejected.append(written)
                else:
                    state.has_written = True
                    yield TextEvent(text=state.composer.add(written))
        except ModelError as error:
            self._give_up_on(state, error)
        else:
            if not writer.checks.checked and not writer.says_unanswerable:
                self._give_up_on(state, ModelError(f"{model.name} replied with nothing to show."))
        state.draft = writer.draft
        state.checks = writer.checks
        state.seconds |= writer.seconds
        state.unknown += writer.unknown
        if writer.says_unanswerable:
            state.confidence, state.answerable = 0.0, False
        state.timed("write", since)

    def _judge(self, model: ChatModel) -> Judge:
        """Return what asks the model whether a passage clearly supports a claim."""
        prompt = self._prompts["supported_small"]

        def judge(claim: str, text: str) -> float | None:
            try:
                return model.yes_probability(prompt.messages(evidence=text, claim=claim))
            except ModelError:  # The other tiers have judged; the answer need not fail.
                return None

        return judge

    def _give_up_on(self, state: _State, error: ModelError) -> None:
        """Say what went wrong with the model; what it had said and was verified stays."""
        state.failed = True
        if state.has_written:
            state.notices.append(f"{error} What it had said until then was checked and stays.")
        else:
            state.notices.append(f"{error} What is shown is quoted from the papers instead.")
            state.model = EXTRACTIVE

    def _extract(
        self, state: _State, most: int | None = None, words: int | None = None
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
        limit = most or self._settings.extractive_sentences + compares(state.standalone)
        said = state.composer.text
        for claim in extractive_claims(state.grounds, limit, said=said, words=words):
            yield TextEvent(text=state.composer.add(claim))
        state.timed("extract", since)

    def _abstention(self, state: _State) -> str:
        """Say that the papers don't answer, and name the nearest ones."""
        if not any(self._lexical.knows(term) for term in terms(state.standalone)):
            state.notices.append(
                "No word of the question occurs in the library; ask in the language of its "
                "abstracts, or about its topics."
            )
        nearest = _nearest(state)
        if not nearest and state.only is not None:
            return f"No paper passes the filter {to_text(state.only)} and fits the question."
        text = "These papers don't answer that question."
        if nearest:
            titles = "; ".join(f"“{harmless(paper.title) or paper.id}”" for paper in nearest)
            text += f" The nearest are {titles}."
        return text

    def _answer(self, state: _State) -> Answer:
        composer = state.composer
        status: Status = "answered"
        if not composer.text:
            status = "abstained"
        elif state.rejected or (state.failed and state.model != EXTRACTIVE):
            status = "partial"
        text = composer.text or state.abstention
        return Answer(
            question=state.question,
            text=text,
            status=status,
            claims=tuple(composer.claims),
            citations=tuple(composer.citations),
            checks=state.checks,
            evidence=state.grounds.evidence if state.grounds else (),
            nearest=tuple(_nearest(state)),
            confidence=state.confidence,
            model=state.model,
            notices=tuple(dict.fromkeys(state.notices)),
            seconds=state.seconds,
            trace=_trace(state),
        )


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


def _reading(state: _State) -> str:
    evidence = state.grounds.evidence if state.grounds else ()
    papers = len({one.paper.id for one in evidence})
    return f"reading {len(evidence)} sentences from {papers} papers"


def _nearest(state: _State) -> list[Paper]:
    return [hit.paper for hit in state.hits[:NEAREST_PAPERS]]


def _trace(state: _State) -> Trace:
    hits: list[dict[str, Any]] = [
        {
            "paper": hit.paper.id,
            "title": hit.paper.title,
            "score": round(hit.score, 4),
            "scores": {name: round(score, 4) for name, score in hit.scores.items()},
        }
        for hit in state.hits
    ]
    return Trace(
        standalone_question=state.standalone,
        model=state.model,
        prompts=state.prompts,
        hits=tuple(hits),
        answerability={name: round(value, 4) for name, value in state.answerability.items()},
        rejected=tuple(
            {"text": one.text, "score": round(one.score, 3), "reasons": list(one.reasons)}
            for one in state.rejected
        ),
        unknown_numbers=tuple(state.unknown),
        flagged=state.flagged,
        draft=state.draft,
    )
