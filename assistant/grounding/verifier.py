"""Does the evidence support the claim? Asked in tiers, the cheapest first."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from assistant.grounding.comparison import Comparison, compare
from assistant.grounding.focus import focus
from assistant.grounding.judges import Judge
from assistant.grounding.odds import log_odds, sigmoid
from assistant.protocols import PairClassifier, Vectors
from assistant.types import Evidence, Label, Support, Tier

SUPPORTED_AT = 0.5
# More evidence than this the second tier doesn't read: those that the first finds best.
READ_CLOSELY = 3


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A tier's logistic model: of the tier before it and of what it sees itself.

    Between `low` and `high` it is unsure, and the next tier is asked.
    """

    intercept: float
    weights: Mapping[str, float]
    low: float
    high: float

    def logit(self, values: Mapping[str, float]) -> float:
        """Return the log-odds that the evidence supports the claim."""
        return self.intercept + sum(weight * values[name] for name, weight in self.weights.items())

    def is_unsure(self, probability: float) -> bool:
        """Whether the next tier should be asked."""
        return self.low < probability < self.high


def load_stages() -> dict[Tier, Stage]:
    """Return the shipped calibration, fitted by `python -m evals claims … --write`."""
    path = files("assistant").joinpath("data", "support.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    return stages_from(record["tiers"])


def stages_from(record: Mapping[Any, Mapping[str, Any]]) -> dict[Tier, Stage]:
    """Return the stages of a calibration's record."""
    tiers: tuple[Tier, ...] = ("features", "cross-encoder", "chat model", "adapted chat model")
    return {tier: Stage(**record[tier]) for tier in tiers if tier in record}


@dataclass(kw_only=True)
class Reading:
    """One claim beside one piece of evidence, and what each tier that was asked found.

    `logits` are the log-odds after each tier; `refuted` says that the second one leaned
    towards a contradiction.
    """

    claim: str
    text: str
    comparison: Comparison
    logits: dict[Tier, float] = field(default_factory=dict)
    refuted: bool = False

    @property
    def tier(self) -> Tier:
        """The last tier that was asked."""
        return "verbatim" if self.comparison.verbatim else list(self.logits)[-1]

    @property
    def probability(self) -> float:
        """That of support, as known so far; a figure that the evidence lacks rules it out.

        A figure in a name ("COVID-19") doesn't where an adapted model has read both: it knows
        other names of the same thing, and tells them from those of another.
        """
        if self.comparison.verbatim:
            return 1.0
        chance = sigmoid(self.logits[self.tier])
        missing = set(self.comparison.missing)
        if self.tier == "adapted chat model":
            missing -= set(self.comparison.missing_in_names)
        return min(chance, SUPPORTED_AT * 0.6) if missing else chance

    def support(self) -> Support:
        """Return the judgement."""
        chance = self.probability
        label: Label = "supported" if chance >= SUPPORTED_AT else "not found"
        if label == "not found" and self.refuted:
            label = "contradicted"
        reasons = self.comparison.reasons
        if self.refuted and label == "contradicted":
            reasons = (*reasons, "the sentence seems to say the opposite")
        return Support(score=chance, label=label, reasons=reasons, tier=self.tier)


class Verifier:
    """Judges claims by their evidence: features, a cross-encoder, a chat model."""

    def __init__(
        self,
        stages: Mapping[Tier, Stage],
        embed: Callable[[Sequence[str]], Vectors | None],
        classifier: Callable[[], PairClassifier | None],
    ) -> None:
        """Take the calibration, the sentence vectors' maker and the cross-encoder, if any."""
        self._stages = stages
        self._embed = embed
        self._classifier = classifier

    def support(
        self,
        claim: str,
        evidence: str | Sequence[str],
        *,
        title: str = "",
        judge: Judge | None = None,
    ) -> Support:
        """Return whether the evidence, read with its paper's title, supports the claim.

        Long evidence is read where it bears on the claim. `judge` is asked last, and only
        where the other tiers are unsure.
        """
        parts = [evidence] if isinstance(evidence, str) else list(evidence)
        readings = self._compared(claim, [(title, focus(claim, parts))])
        self._read(readings)
        self._ask(readings, judge)
        return readings[0].support()

    def ranked(
        self, claim: str, evidence: Sequence[Evidence], judge: Judge | None = None
    ) -> list[tuple[Evidence, Support]]:
        """Return every evidence sentence with its support for the claim, best first."""
        readings = self._compared(claim, [(one.paper.title, one.text) for one in evidence])
        order = sorted(range(len(readings)), key=lambda place: -readings[place].probability)
        self._read([readings[place] for place in order[:READ_CLOSELY]])
        if any("cross-encoder" in one.logits for one in readings):
            # What was only counted, and left open, must not come before what was read.
            order.sort(
                key=lambda place: (self._is_unread(readings[place]), -readings[place].probability)
            )
        if order:
            self._ask([readings[order[0]]], judge)
        return [(evidence[place], readings[place].support()) for place in order]

    def leaves_open(self, support: Support) -> bool:
        """Whether the tier that judged is unsure, so that the next one should be asked."""
        return self._is_open(support.tier, support.score)

    def _is_open(self, tier: Tier, chance: float) -> bool:
        return tier in self._stages and self._stages[tier].is_unsure(chance)

    def _is_unread(self, reading: Reading) -> bool:
        return reading.tier == "features" and self._is_open("features", reading.probability)

    def _compared(self, claim: str, sources: Sequence[tuple[str, str]]) -> list[Reading]:
        vectors = self._embed([claim, *(text for _, text in sources)])
        stage = self._stages["features"]
        readings = []
        for row, (title, text) in enumerate(sources, start=1):
            cosine = None if vectors is None else float(vectors[row] @ vectors[0])
            found = compare(claim, text, cosine, title)
            logits: dict[Tier, float] = {"features": stage.logit(found.features)}
            readings.append(Reading(claim=claim, text=text, comparison=found, logits=logits))
        return readings

    def _read(self, readings: Sequence[Reading]) -> None:
        """Let the cross-encoder read what the features leave open."""
        stage = self._stages["features"]
        unsure = [
            one
            for one in readings
            if not one.comparison.verbatim and stage.is_unsure(sigmoid(one.logits["features"]))
        ]
        classifier = self._classifier() if unsure and "cross-encoder" in self._stages else None
        if classifier is None:
            return
        rows = classifier.classify([(one.claim, one.text) for one in unsure])
        for one, row in zip(unsure, rows, strict=True):
            values = {"before": one.logits["features"], "own": log_odds(float(row[0]))}
            one.logits["cross-encoder"] = self._stages["cross-encoder"].logit(values)
            one.refuted = bool(row[1] > row[2])

    def _ask(self, readings: Sequence[Reading], judge: Judge | None) -> None:
        """Let a chat model judge what is still open."""
        if judge is None or judge.tier not in self._stages:
            return
        for one in readings:
            is_open = judge.is_asked_always or self._is_open(one.tier, one.probability)
            if one.comparison.verbatim or not is_open:
                continue
            found = judge.finds(one.claim, one.text)
            if found is not None:
                values = {"before": one.logits[one.tier], **found}
                one.logits[judge.tier] = self._stages[judge.tier].logit(values)
