"""What one question gathers on its way, and the answer that it becomes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.errors import ModelError
from assistant.filters import Filter
from assistant.grounding.citations import Composer
from assistant.types import (
    Answer,
    Checks,
    Evidence,
    Flagged,
    Hit,
    Message,
    Paper,
    Status,
    Trace,
)
from assistant.writers import Grounds, Rejected

NEAREST_PAPERS = 3
EXTRACTIVE = "extractive"
_TOO_MUCH = "The evidence was too long"


@dataclass(kw_only=True)
class State:
    """Begins as a question; each stage of the chain adds what it finds.

    `own` is what the question itself asks, `earlier` the questions that it refers back to, and
    `standalone` the two as one, or as a model put them.
    """

    question: str
    history: Sequence[Message]
    only: Filter | None = None
    own: str = ""
    earlier: str = ""
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
    asked: tuple[Message, ...] = ()
    draft: str = ""
    notices: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.perf_counter)
    stages: list[dict[str, Any]] = field(default_factory=list)
    prompts: dict[str, str] = field(default_factory=dict)
    answerability: dict[str, float] = field(default_factory=dict)
    checks: Checks = field(default_factory=Checks)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The numbered sentences that are read."""
        return self.grounds.evidence if self.grounds else ()

    @property
    def nearest(self) -> list[Paper]:
        """The papers to name where the question isn't answered."""
        return [hit.paper for hit in self.hits[:NEAREST_PAPERS]]

    def timed(self, stage: str, since: float) -> None:
        """Note the seconds of a stage that began at `since`."""
        took = time.perf_counter() - since
        self.seconds[stage] = self.seconds.get(stage, 0.0) + took
        self.stages.append(
            {"name": stage, "start": round(since - self.began, 4), "seconds": round(took, 4)}
        )

    def reading(self) -> str:
        """Say what is being read."""
        papers = len({one.paper.id for one in self.evidence})
        return f"reading {len(self.evidence)} sentences from {papers} papers"

    def read_less(self, model: str) -> bool:
        """Keep the better half of the evidence, which was too long; False where one is left."""
        less = self.grounds and self.grounds.halved()
        if not less:
            return False
        self.notices = [one for one in self.notices if not one.startswith(_TOO_MUCH)]
        self.notices.append(
            f"{_TOO_MUCH} for {model}; it read the best {len(less.evidence)} sentences only."
        )
        self.grounds = less
        return True

    def give_up_on_model(self, error: ModelError) -> None:
        """Say what went wrong with the model; what it had said and was verified stays."""
        self.failed = True
        if self.has_written:
            self.notices.append(f"{error} What it had said until then was checked and stays.")
        else:
            self.notices.append(f"{error} What is shown is quoted from the papers instead.")
            self.model = EXTRACTIVE

    def _lacks_claims(self) -> bool:
        """Whether something that the model wrote isn't there, nor a paper's sentence for it."""
        return bool(self.checks.dropped or self.checks.shortened or self.checks.marked)

    def answer(self) -> Answer:
        """Return the answer as it stands."""
        composer = self.composer
        status: Status = "answered"
        if not composer.text:
            status = "abstained"
        elif self._lacks_claims() or (self.failed and self.model != EXTRACTIVE):
            status = "partial"
        return Answer(
            question=self.question,
            text=composer.text or self.abstention,
            status=status,
            claims=tuple(composer.claims),
            citations=tuple(composer.citations),
            checks=self.checks,
            evidence=self.evidence,
            nearest=tuple(self.nearest),
            confidence=self.confidence,
            model=self.model,
            notices=tuple(dict.fromkeys(self.notices)),
            seconds=self.seconds,
            trace=self._trace(),
        )

    def _trace(self) -> Trace:
        hits: list[dict[str, Any]] = [
            {
                "paper": hit.paper.id,
                "title": hit.paper.title,
                "score": round(hit.score, 4),
                "scores": {name: round(score, 4) for name, score in hit.scores.items()},
            }
            for hit in self.hits
        ]
        return Trace(
            standalone_question=self.standalone,
            model=self.model,
            prompts=self.prompts,
            hits=tuple(hits),
            answerability={name: round(value, 4) for name, value in self.answerability.items()},
            rejected=tuple(
                {"text": one.text, "score": round(one.score, 3), "reasons": list(one.reasons)}
                for one in self.rejected
            ),
            unknown_numbers=tuple(self.unknown),
            flagged=self.flagged,
            asked=self.asked,
            draft=self.draft,
            stages=tuple(self.stages),
        )
