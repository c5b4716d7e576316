"""Ways to decide yes, no or maybe from the evidence found: a chat model, or the verifier."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from assistant.errors import ModelError
from assistant.grounding.hostile import neutral
from assistant.grounding.verifier import Verifier
from assistant.prompts import load_prompt
from assistant.protocols import Vectors
from evals.chat_server import ChatServer
from evals.verifier.judge import Memory

Verdict = Literal["yes", "no", "maybe"]
VERDICTS: tuple[Verdict, ...] = ("yes", "no", "maybe")
Shares = Mapping[Verdict, float]
SAVE_EVERY = 20
_ASKING = re.compile(
    r"\s*(?:do|does|did|is|are|was|were|can|could|should|will|would|has|have|may|might)\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A question with the sentences found for it, and whether its own abstract came first."""

    id: str
    question: str
    truth: Verdict
    evidence: tuple[str, ...]
    is_right: bool


class Decider(Protocol):
    """Decides from a question and its evidence."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def decide(self, reading: Reading, /) -> Verdict:
        """Return the answer that it holds for the likeliest."""


def as_claim(question: str) -> str:
    """Return a yes/no question as the claim it asks about, roughly.

    "Do bees return in fog?" → "bees return in fog".
    """
    asked = question.rstrip("? ")
    start = _ASKING.match(asked)
    return asked[start.end() :] if start else asked


@dataclass(frozen=True, kw_only=True)
class ByVerifier:
    """No where the evidence seems to contradict the question's claim, else yes; never maybe."""

    verifier: Verifier
    name: str = "verifier"

    def decide(self, reading: Reading) -> Verdict:
        """Judge the claim by all the evidence together."""
        if not reading.evidence:
            return "maybe"
        support = self.verifier.support(as_claim(reading.question), reading.evidence)
        return "no" if support.label == "contradicted" else "yes"


class ModelShares:
    """A chat model's probabilities of the three words, remembered between runs."""

    def __init__(self, server: ChatServer, memory: Memory) -> None:
        """Take the model's server, and where to keep what it said."""
        self._server = server
        self._memory = memory
        self._prompt = load_prompt("verdict_small")
        self._unsaved = 0

    def __call__(self, question: str, evidence: Sequence[str]) -> Shares:
        """Return the probabilities of yes, no and maybe, sum 1.

        Raises:
            ModelError: the model can't be reached, or tells no log-probabilities.
        """
        lines = "\n".join(f"[{key}] {neutral(text)}" for key, text in enumerate(evidence, start=1))
        key = json.dumps([self._server.model, self._prompt.version, question, lines])
        row = self._memory.rows([key], self._ask)[0]
        return dict(zip(VERDICTS, row.tolist(), strict=True))

    def _ask(self, keys: list[str]) -> Vectors:
        rows = []
        for key in keys:
            _, _, question, lines = json.loads(key)
            messages = self._prompt.messages(evidence=lines, question=question)
            shares = self._server.word_probabilities(messages, VERDICTS)
            if shares is None:
                raise ModelError(
                    f"{self._server.model} gives no log-probabilities of yes, no and maybe; "
                    "use another model, or --model extractive."
                )
            rows.append([shares[verdict] for verdict in VERDICTS])
        self._unsaved += len(keys)
        return np.array(rows, np.float32)

    def save(self, *, often: bool = False) -> None:
        """Keep what was said; `often` only where there is some of it."""
        if not often or self._unsaved >= SAVE_EVERY:
            self._memory.save()
            self._unsaved = 0


@dataclass(frozen=True, kw_only=True)
class ByModel:
    """The word that the chat model gives the highest probability."""

    shares: Callable[[str, Sequence[str]], Shares]
    name: str = "chat model"

    def decide(self, reading: Reading) -> Verdict:
        """Ask the model."""
        found = self.shares(reading.question, reading.evidence)
        return max(VERDICTS, key=lambda verdict: found[verdict])


@dataclass(frozen=True, kw_only=True)
class WithoutBias:
    """The same, each probability over that of a question without content.

    A small model prefers one of the words whatever it reads (Zhao et al. 2021, "Calibrate
    before use", with the diagonal of their equation 3).
    """

    shares: Callable[[str, Sequence[str]], Shares]
    name: str = "chat model, its bias taken out"

    def decide(self, reading: Reading) -> Verdict:
        """Ask the model about the question, and about "N/A"."""
        found = self.shares(reading.question, reading.evidence)
        empty = self.shares("N/A", ["N/A"])
        return max(VERDICTS, key=lambda verdict: found[verdict] / max(empty[verdict], 1e-6))
