"""What an answer costs: its length, time, tokens and money."""

from dataclasses import dataclass

from assistant.pricing import usd
from evals.questions import Question
from evals.scoring.base import Answer, Score, abstained, shown_text, unscored


@dataclass(frozen=True, kw_only=True)
class Words:
    """The length of an answer in words."""

    name: str = "words"

    def score(self, _question: Question, answer: Answer) -> Score:
        """Count what stands between spaces, without citation marks."""
        if abstained(answer):
            return unscored("abstained")
        return Score(value=float(len(shown_text(answer).split())))


@dataclass(frozen=True, kw_only=True)
class SecondsTo:
    """The time from the question to a point of the answer, in seconds."""

    name: str
    point: str

    def score(self, _question: Question, answer: Answer) -> Score:
        """Read the answer's own clock."""
        value = answer["seconds"].get(self.point)
        return unscored("not in the log") if value is None else Score(value=float(value))


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The tokens that the chat model read and wrote for an answer, all requests together."""

    name: str = "tokens"

    def score(self, _question: Question, answer: Answer) -> Score:
        """Read what the server reported."""
        used = _used(answer)
        if used is None:
            return unscored("no model was asked, or it didn't report all")
        prompt, completion = used
        return Score(
            value=float(prompt + completion), reason=f"{prompt} read, {completion} written"
        )


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What those tokens cost in US dollars, where the model's price is known."""

    name: str = "usd"

    def score(self, _question: Question, answer: Answer) -> Score:
        """Multiply by the prices in `assistant/data/prices.json`."""
        total = usd(answer.get("model", ""), answer["trace"].get("tokens") or {})
        return unscored("tokens or price unknown") if total is None else Score(value=total)


def _used(answer: Answer) -> tuple[int, int] | None:
    """Return the tokens read and written; None unless they are known of every request."""
    tokens = answer["trace"].get("tokens") or {}
    if not tokens.get("requests") or tokens.get("unreported"):
        return None
    return tokens["prompt"], tokens["completion"]
