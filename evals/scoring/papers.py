"""Whether the right papers are found."""

import math
from dataclasses import dataclass

from assistant.text.cleaning import title_key
from evals.questions import Question
from evals.scoring.base import Answer, Score, share, unscored

NO_GOLD = "no gold paper"


@dataclass(frozen=True, kw_only=True)
class HitAt:
    """Whether a gold paper is among the first `k` found."""

    k: int

    @property
    def name(self) -> str:
        """`hit@k`."""
        return f"hit@{self.k}"

    def score(self, question: Question, answer: Answer) -> Score:
        """Compare the first titles of the trace with the gold ones."""
        found = _found(question, answer, self.k)
        if found is None:
            return unscored(NO_GOLD)
        return Score(value=float(found > 0), reason=f"{found} of {len(question.gold_keys)} papers")


@dataclass(frozen=True, kw_only=True)
class RecallAt:
    """The share of the gold papers among the first `k` found."""

    k: int

    @property
    def name(self) -> str:
        """`recall@k`."""
        return f"recall@{self.k}"

    def score(self, question: Question, answer: Answer) -> Score:
        """Compare the first titles of the trace with the gold ones."""
        found = _found(question, answer, self.k)
        if found is None:
            return unscored(NO_GOLD)
        return share(found, len(question.gold_keys), "papers")


@dataclass(frozen=True, kw_only=True)
class ReciprocalRank:
    """1 / rank of the first gold paper, 0 where none is found (Voorhees 1999, TREC-8 QA)."""

    name: str = "mrr"

    def score(self, question: Question, answer: Answer) -> Score:
        """Look for the first gold title in the trace."""
        if not question.gold:
            return unscored(NO_GOLD)
        for rank, key in enumerate(_ranked(answer), start=1):
            if key in question.gold_keys:
                return Score(value=1 / rank, reason=f"rank {rank}")
        return Score(value=0.0, reason="not found")


@dataclass(frozen=True, kw_only=True)
class NdcgAt:
    """Normalised discounted cumulative gain of the first `k` papers, every gold one worth 1.

    DCG = sum of 1 / log2(rank + 1) over the ranks of gold papers, divided by that of the best
    order (Järvelin & Kekäläinen, TOIS 2002).
    """

    k: int

    @property
    def name(self) -> str:
        """`ndcg@k`."""
        return f"ndcg@{self.k}"

    def score(self, question: Question, answer: Answer) -> Score:
        """Sum the discounts of the gold titles in the trace."""
        gold = question.gold_keys
        if not gold:
            return unscored(NO_GOLD)
        ranks = [rank for rank, key in enumerate(_ranked(answer)[: self.k], start=1) if key in gold]
        best = range(1, min(self.k, len(gold)) + 1)
        value = sum(map(_discount, ranks)) / sum(map(_discount, best))
        return Score(value=value, reason=f"at ranks {ranks}" if ranks else "not found")


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 1)


def _found(question: Question, answer: Answer, k: int) -> int | None:
    """Return how many gold papers are among the first `k`; None where there are none to find."""
    if not question.gold:
        return None
    return len(question.gold_keys & set(_ranked(answer)[:k]))


def _ranked(answer: Answer) -> list[str]:
    """Return the title keys of the papers found, best first, each at its first place."""
    return list(dict.fromkeys(title_key(hit["title"]) for hit in answer["trace"]["hits"]))
