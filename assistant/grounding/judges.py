"""A chat model as the judge of a claim: as it comes, or by an adapter trained to judge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from assistant.grounding.odds import log_odds
from assistant.types import Tier

# What a chat model is shown in place of evidence, to learn how it leans by the claim alone.
NO_EVIDENCE = "(nothing)"


class Judge(Protocol):
    """Asked about a claim and its evidence where cheaper tiers are unsure, or always."""

    @property
    def is_asked_always(self) -> bool:
        """Whether it is right more often than the cheaper tiers are even where they are sure."""

    @property
    def tier(self) -> Tier:
        """Which stage of the calibration reads what it finds."""

    @property
    def name(self) -> str:
        """All that its findings depend on beside claim and text."""

    @property
    def finds_names(self) -> tuple[str, ...]:
        """The names of what it finds."""

    def finds(self, claim: str, text: str) -> Mapping[str, float] | None:
        """Return what the stage reads; None where the model can't tell."""


@dataclass(frozen=True, kw_only=True)
class WordJudge:
    """By the probability of yes in a one-word reply; `yes` takes claim and text."""

    yes: Callable[[str, str], float | None]
    name: str = "chat model"
    tier: ClassVar[Tier] = "chat model"
    is_asked_always: ClassVar[bool] = False
    finds_names: ClassVar[tuple[str, ...]] = ("own", "prior")

    def finds(self, claim: str, text: str) -> dict[str, float] | None:
        """Return the log-odds of yes with the evidence ("own") and without ("prior").

        A small model says yes to what sounds true; what it says of the claim alone measures
        that (contextual calibration, Zhao et al. 2021).
        """
        prior = self.yes(claim, NO_EVIDENCE)
        yes = None if prior is None else self.yes(claim, text)
        if prior is None or yes is None:
            return None
        return {"own": log_odds(yes), "prior": log_odds(prior)}


@dataclass(frozen=True, kw_only=True)
class AdaptedJudge:
    """By the probability of yes that a trained adapter gives; `yes` takes claim and text."""

    yes: Callable[[str, str], float | None]
    name: str = "adapted chat model"
    tier: ClassVar[Tier] = "adapted chat model"
    is_asked_always: ClassVar[bool] = True
    finds_names: ClassVar[tuple[str, ...]] = ("own",)

    def finds(self, claim: str, text: str) -> dict[str, float] | None:
        """Return the log-odds of yes; it was trained on what doesn't follow though it is true."""
        yes = self.yes(claim, text)
        return None if yes is None else {"own": log_odds(yes)}
