"""Whether an answer states what it must, and not what it must not."""

from dataclasses import dataclass

from evals.matching import contains
from evals.questions import Question
from evals.scoring.base import Answer, Score, abstained, shown_text, unscored


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The share of the required facts that an answer states in one of their wordings."""

    name: str = "facts"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look for each fact; an abstention states none, whichever titles it names."""
        facts = question.must_include
        if not facts:
            return unscored("no fact required")
        if abstained(answer):
            return Score(value=0.0, reason="abstained")
        text = shown_text(answer)
        missing = [fact for fact in facts if not any(contains(text, phrase) for phrase in fact)]
        reason = f"missing: {'; '.join(fact[0] for fact in missing)}" if missing else "all stated"
        return Score(value=1 - len(missing) / len(facts), reason=reason)


@dataclass(frozen=True, kw_only=True)
class AllFacts:
    """Whether an answer states every required fact."""

    name: str = "all_facts"

    def score(self, question: Question, answer: Answer) -> Score:
        """Ask whether the share is 1."""
        share = Facts().score(question, answer)
        value = None if share.value is None else float(share.value == 1)
        return Score(value=value, reason=share.reason)


@dataclass(frozen=True, kw_only=True)
class Violations:
    """Whether an answer states what it must not."""

    name: str = "violations"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look for each forbidden phrase."""
        if not question.must_not_include or abstained(answer):
            return unscored("nothing forbidden, or abstained")
        text = shown_text(answer)
        stated = [phrase for phrase in question.must_not_include if contains(text, phrase)]
        return Score(value=float(bool(stated)), reason=f"states: {'; '.join(stated) or 'none'}")
