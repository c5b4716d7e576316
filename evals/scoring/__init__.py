"""What is measured of one answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from evals.questions import Question
from evals.scoring.abstention import Confidence, Loss, RightAbstention, WrongAbstention
from evals.scoring.base import Score, Scorer, unscored
from evals.scoring.citations import (
    BY_ENTAILMENT,
    ByEntailment,
    GoldCitationPrecision,
    GoldCitationRecall,
)
from evals.scoring.cost import Cost, SecondsTo, Tokens, Words
from evals.scoring.entailment import Entailment, by_features
from evals.scoring.evidence import CitedEvidenceRecall, EvidenceRecall
from evals.scoring.facts import AllFacts, Facts, Violations
from evals.scoring.judge import judged
from evals.scoring.papers import HitAt, NdcgAt, RecallAt, ReciprocalRank
from evals.solver import Case

JUDGED = "judged"
_PLAIN: tuple[Scorer, ...] = (
    HitAt(k=1),
    HitAt(k=5),
    RecallAt(k=5),
    ReciprocalRank(),
    NdcgAt(k=5),
    EvidenceRecall(),
    CitedEvidenceRecall(),
    GoldCitationPrecision(),
    GoldCitationRecall(),
    Facts(),
    AllFacts(),
    Violations(),
    RightAbstention(),
    WrongAbstention(),
    Confidence(),
    Loss(),
    Words(),
    SecondsTo(name="seconds_first_text", point="first_text"),
    SecondsTo(name="seconds", point="total"),
    Tokens(),
    Cost(),
)


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How answers are scored: by which entailment function; counting only, unless another is given.

    Keep one for all the answers of a command: it remembers what was entailed.
    """

    entailment: Entailment = field(default_factory=by_features)

    @cached_property
    def scorers(self) -> tuple[Scorer, ...]:
        """All scorers but the judge's."""
        entailed = (
            ByEntailment(name=name, measure=measure, entailment=self.entailment)
            for name, measure in BY_ENTAILMENT.items()
        )
        return (*_PLAIN, *entailed)

    def score(self, question: Question, case: Case) -> dict[str, Score]:
        """Return every metric's score by name; none has a value where there is no answer."""
        answer = case.answer
        if answer is None:
            names = [*(one.name for one in self.scorers), JUDGED]
            return {name: unscored(f"error: {case.error}") for name in names}
        scores = {one.name: one.score(question, answer) for one in self.scorers}
        return scores | {JUDGED: judged(question, case.verdict)}


Scored = Mapping[str, Mapping[str, Score]]
"""By question id, then metric."""
