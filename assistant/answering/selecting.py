"""Find papers, rank their sentences, and number the few that will be read."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np

from assistant.answering.state import State
from assistant.errors import LibraryError, ModelError
from assistant.grounding.anaphora import with_context
from assistant.grounding.conversation import refers_back
from assistant.grounding.evidence import (
    EARLIER_SHARE,
    number_evidence,
    rank_sentences,
    with_named_papers,
    within_words,
)
from assistant.grounding.hostile import sift
from assistant.grounding.sentence_vectors import embed_sentences
from assistant.grounding.verifier import Verifier
from assistant.protocols import Embedder, LexicalIndex, PaperCatalog, Retriever, Vectors
from assistant.settings import Settings
from assistant.writers import Grounds


class Selector:
    """Gives a question its evidence."""

    def __init__(
        self,
        *,
        settings: Settings,
        catalog: PaperCatalog,
        lexical: LexicalIndex,
        retriever: Retriever,
        embedder: Callable[[], Embedder | None],
    ) -> None:
        """Take the parts; `embedder` returns None where there is none to be had."""
        self._settings = settings
        self._catalog = catalog
        self._lexical = lexical
        self._retriever = retriever
        self._embedder = embedder

    def select(
        self, state: State, verifier: Verifier, without: frozenset[str] = frozenset()
    ) -> None:
        """Give the state its hits and grounds; papers `without` are passed over."""
        since = time.perf_counter()
        wanted = self._settings.papers_read
        found = self._retriever.search(state.standalone, wanted + len(without), state.only)
        state.hits = [hit for hit in found if hit.paper.id not in without][:wanted]
        state.timed("retrieve", since)
        since = time.perf_counter()
        question_vector, sentence_vectors = self._vectors(state)
        sifted, state.flagged = sift(
            rank_sentences(
                state.own if state.earlier else state.standalone,
                state.hits,
                question_vector,
                sentence_vectors,
                self._lexical.rarity,
                earlier=state.earlier,
            )
        )
        ranked = with_named_papers(state.standalone, with_context(sifted))
        read = number_evidence(
            within_words(ranked, self._settings.evidence_sentences, self._settings.evidence_words)
        )
        state.grounds = Grounds(
            question=state.standalone if refers_back(state.own) else state.own,
            ranked=tuple(ranked),
            evidence=tuple(read),
            verifier=verifier,
            rarity=self._lexical.rarity,
        )
        state.timed("select", since)

    def embed(self, texts: Sequence[str]) -> Vectors | None:
        """Return the texts' vectors; None where they can't be had."""
        embedder = self._embedder()
        try:
            return None if embedder is None else embedder.embed(texts)
        except ModelError:  # Told where the question's own vector was asked for.
            return None

    def _vectors(self, state: State) -> tuple[Vectors | None, dict[str, Vectors]]:
        embedder = self._embedder()
        if embedder is None:
            return None, {}
        papers = [hit.paper for hit in state.hits]
        known = self._catalog.sentence_vectors(papers)
        missing = [paper for paper in papers if paper.id not in known]
        try:
            found = embed_sentences(missing, embedder) if missing else {}
            question = _question_vector(state, embedder)
        except ModelError as error:
            state.notices.append(f"Sentences are compared by words only: {error}")
            return None, {}
        if found:
            with suppress(LibraryError):  # A full disk must not keep an answer back.
                self._catalog.put_sentence_vectors(found)
        return question, known | {key: vectors for key, (_, vectors) in found.items()}


def _question_vector(state: State, embedder: Embedder) -> Vectors:
    """Return the standing question's vector; with that of a follow-up's own words, their mean."""
    whole = embedder.embed_query(state.standalone)
    if not state.earlier:
        return whole
    mixed = EARLIER_SHARE * whole + (1 - EARLIER_SHARE) * embedder.embed_query(state.own)
    return (mixed / max(float(np.linalg.norm(mixed)), 1e-9)).astype(np.float32)
