"""Decide, outside any prompt, whether the evidence answers the question."""

import time
from collections.abc import Mapping

from assistant.answering.state import State
from assistant.errors import ContextOverflowError, ModelError
from assistant.grounding.answerability import Calibration, features
from assistant.prompts import Prompt
from assistant.protocols import ChatModel, LexicalIndex
from assistant.settings import Settings
from assistant.writers import Grounds


class Decider:
    """Weighs what can be counted, and with a small model its own probability of yes."""

    def __init__(
        self,
        *,
        settings: Settings,
        lexical: LexicalIndex,
        calibrations: Mapping[str, Calibration],
        prompt: Prompt,
    ) -> None:
        """Take the calibrations "features" and "with_model", and the prompt that asks."""
        self._settings = settings
        self._lexical = lexical
        self._calibrations = calibrations
        self._prompt = prompt

    def answers(self, state: State, model: ChatModel | None) -> bool:
        """Decide; the state keeps the confidence and what it rests on."""
        grounds = state.grounds
        if grounds is None or not grounds.evidence:
            return False
        since = time.perf_counter()
        found = self.features(state, grounds)
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

    def features(self, state: State, grounds: Grounds) -> dict[str, float]:
        """Return what the calibration reads.

        It reads more sentences than a small model has the time to.
        """
        nearest = grounds.ranked[: self._settings.evidence_sentences]
        return features(state.standalone, state.hits, nearest, self._lexical.rarity)

    def _ask_whether(
        self, state: State, model: ChatModel, found: Mapping[str, float], grounds: Grounds
    ) -> bool:
        """Let a small model's log-probability of yes refine the decision, if it gives one."""
        since = time.perf_counter()
        try:
            yes = self._yes(state, model, grounds)
        except ModelError as error:
            state.give_up_on_model(error)
            yes = None
        if yes is not None:
            state.prompts[self._prompt.name] = self._prompt.version
            state.answerability["model"] = yes
            state.confidence = self._calibrations["with_model"].probability(found, yes)
        state.timed("decide", since)
        return yes is not None

    def _yes(self, state: State, model: ChatModel, grounds: Grounds) -> float | None:
        """Return the model's probability that the evidence answers, as much as it can read."""
        try:
            return model.yes_probability(
                self._prompt.messages(
                    evidence=grounds.as_prompt(titles=False), question=grounds.question
                )
            )
        except ContextOverflowError:
            if not state.read_less(model.name) or state.grounds is None:
                raise
            return self._yes(state, model, state.grounds)
