"""The search: candidates from words and vectors, fused, reranked, calibrated."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from assistant.filters import And, Filter, matches
from assistant.filters import required as required_by
from assistant.protocols import LexicalIndex, PaperCatalog, PassageRecord, Reranker, Vectors
from assistant.retrieval.acronyms import acronyms, long_form
from assistant.retrieval.fusion import convex_combination, reciprocal_rank_fusion
from assistant.retrieval.kindred import FindKin, no_kin
from assistant.retrieval.plan import DEFAULT, Plan
from assistant.retrieval.relevance import Relevance
from assistant.retrieval.rerank import Candidate, Scores, diversified, rerank
from assistant.retrieval.understanding import Understood, has_phrases, understand
from assistant.retrieval.wording import looked_for
from assistant.types import Hit, Paper, Required

DEEPEST = 10_000
ACRONYM_PAPERS = 20
PHRASE_PAPERS = 50
PHRASE_BONUS = 0.05
_NONE = np.zeros((0, 1), np.float32)
Nearest = Callable[
    [str, int, Required | None], tuple[Vectors | None, list[tuple[PassageRecord, float]]]
]
"""Takes query, number and condition; returns the query's vector and the nearest passages."""


@dataclass(kw_only=True)
class _Found:
    """What one search has gathered so far, and the seconds of its stages."""

    query: str
    wider: str = ""
    named: list[str] = field(default_factory=list)
    vector: Vectors | None = None
    lexical: dict[str, float] = field(default_factory=dict)
    dense: dict[str, float] = field(default_factory=dict)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    papers: dict[str, Paper] = field(default_factory=dict)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class HybridSearch:
    """Ranks a library's papers for a query, by the stages of a plan."""

    def __init__(
        self,
        catalog: PaperCatalog,
        lexical: LexicalIndex,
        nearest: Nearest,
        relevance: Relevance | None = None,
        plan: Plan = DEFAULT,
        reranker: Reranker | None = None,
        kin: FindKin = no_kin,
    ) -> None:
        """Take the indexes; without `relevance` hits carry no probability."""
        self._reranker = reranker
        self._kin = kin
        self._catalog = catalog
        self._lexical = lexical
        self._nearest = nearest
        self._relevance = relevance
        self._plan = plan

    def search(
        self,
        query: str,
        limit: int,
        only: Filter | None = None,
        plan: Plan | None = None,
        seconds: dict[str, float] | None = None,
    ) -> list[Hit]:
        """Return papers, best first, with the scores of each stage.

        Both indexes are asked only for papers that can pass the filter; where what they
        understand of it lets too many others through, they are asked for more. `seconds` takes
        the time of each stage.
        """
        plan = plan or self._plan
        understood = understand(query) if plan.understand else Understood(text=query)
        if understood.only is not None:
            only = understood.only if only is None else And((only, understood.only))
        found = _Found(query=understood.text, seconds={} if seconds is None else seconds)
        found.wider = self._written_out(found.query) if plan.acronyms else found.query
        depth = max(plan.depth, limit)
        required = required_by(only) if only else None
        while True:
            self._candidates(found, depth, required, plan)
            order = self._fused(found, plan)
            more = max(len(found.lexical), len(found.dense)) >= depth
            found.papers = self._passing(order[: max(limit, plan.pool)], only)
            if len(found.papers) < min(max(limit, plan.pool), len(order)):
                # Some don't pass, or an index still knows what the catalog has lost.
                found.papers = self._passing(order, only)
            if len(found.papers) >= limit or not more or only is None or depth >= DEEPEST:
                break
            depth *= 4
        self._named(found, understood, only, required)
        order = [key for key in order if key in found.papers]
        ranked = self._reranked(found, order, understood, plan)[:limit]
        best = ranked[0][1] if ranked else 0.0
        return [self._hit(found, key, score, score / (best or 1.0)) for key, score in ranked]

    # --- candidates --------------------------------------------------------------------

    def _written_out(self, query: str) -> str:
        """Return the query with its acronyms' long forms behind it, as the library has them."""
        for acronym in acronyms(query):
            hits = self._lexical.search(acronym, ACRONYM_PAPERS)
            papers = self._catalog.get_many([key for key, _ in hits])
            form = long_form(acronym, papers.values())
            if form and form not in query.lower():
                query = f"{query} {form}"
        return query

    def _candidates(self, found: _Found, depth: int, required: Required | None, plan: Plan) -> None:
        began = time.perf_counter()
        if plan.lexical:
            # Long forms bring candidates; scored by them too, ranking is the worse for it.
            found.lexical = dict(self._lexical.search(found.wider, depth, required))
        _timed(found, "words", began)
        began = time.perf_counter()
        if plan.dense:
            found.vector, passages = self._nearest(found.query, depth, required)
            found.dense, found.spans = _best_passages(passages)
        _timed(found, "vectors", began)

    def _fused(self, found: _Found, plan: Plan) -> list[str]:
        """Return ids, best first, and note their fused scores."""
        lists = (found.lexical, found.dense)
        if plan.fusion == "ranks":
            fused = reciprocal_rank_fusion([_ranked(one) for one in lists if one])
        else:
            weight = plan.dense / (plan.lexical + plan.dense)
            fused = convex_combination(*lists, weight)
        for key, score in fused.items():
            found.scores[key] = {"fused": score}
        return _ranked(fused)

    def _passing(self, paper_ids: Sequence[str], only: Filter | None) -> dict[str, Paper]:
        """Return those of the papers that exist and pass the filter."""
        papers = self._catalog.get_many(paper_ids)
        if only is None:
            return papers
        sources = self._catalog.sources(list(papers))
        return {
            key: paper
            for key, paper in papers.items()
            if matches(only, paper, sources.get(key, ()))
        }

    def _named(
        self,
        found: _Found,
        understood: Understood,
        only: Filter | None,
        required: Required | None,
    ) -> None:
        """Find what the query names by identifier or title, and what has its quoted phrases."""
        if understood.keys:
            owners = self._catalog.owners(understood.keys)
            ids = dict.fromkeys(one for key in understood.keys for one in owners.get(key, ()))
            papers = self._passing(list(ids), only)
            found.named = [key for key in ids if key in papers]
            found.papers |= papers
        for phrase in understood.phrases:
            hits = self._lexical.search(phrase, PHRASE_PAPERS, required)
            missing = [key for key, _ in hits if key not in found.papers]
            found.papers |= {
                key: paper
                for key, paper in self._passing(missing, only).items()
                if has_phrases(paper, (phrase,))
            }

    # --- ranking -----------------------------------------------------------------------

    def _reranked(
        self, found: _Found, order: Sequence[str], understood: Understood, plan: Plan
    ) -> list[tuple[str, float]]:
        """Return ids with scores, best first: the reranked pool before all others.

        Scores fall from 1 at most; named papers come first, those with all phrases next.
        """
        fused = {key: found.scores.get(key, {}).get("fused", 0.0) for key in found.papers}
        ranked = [(key, fused[key]) for key in order]
        extra = [key for key in found.papers if key not in set(order)]
        pool = [*order[: plan.pool], *extra]
        if plan.pool and pool:
            began = time.perf_counter()
            ranked = self._pool(found, pool, plan)
            rest = [key for key in order if key not in {key for key, _ in ranked}]
            lowest = min(score for _, score in ranked)
            ranked += [(key, lowest * fused[key]) for key in rest]
            _timed(found, "rerank", began)
            began = time.perf_counter()
            ranked = self._judged(found, ranked, plan.judged)
            _timed(found, "judge", began)
        else:
            ranked += [(key, 0.0) for key in extra]
        if understood.phrases:
            ranked = _with_phrases(ranked, found.papers, understood)
        first = dict.fromkeys(found.named, 1.0)
        others = [(key, score) for key, score in ranked if key not in first]
        return [*first.items(), *others]

    def _pool(self, found: _Found, pool: Sequence[str], plan: Plan) -> list[tuple[str, float]]:
        papers = [found.papers[key] for key in pool]
        passages = self._catalog.passage_vectors(papers)
        sentences = self._catalog.sentence_vectors(papers)
        bm25 = self._lexical.scores(found.query, pool) if plan.lexical else {}
        candidates = []
        for paper in papers:
            rows = _of_width(passages.get(paper.id, _NONE), found.vector)
            cosine = found.dense.get(paper.id)
            if cosine is None and len(rows) and found.vector is not None:
                cosine = float((rows @ found.vector).max())
            candidates.append(
                Candidate(
                    paper=paper,
                    bm25=bm25.get(paper.id, 0.0),
                    dense=cosine,
                    passages=rows,
                    sentences=_of_width(sentences.get(paper.id, _NONE), found.vector),
                )
            )
        kin = self._kin if plan.kindred else no_kin
        words = looked_for(found.query, papers, self._lexical.rarity, kin)
        total, stages = rerank(words, found.vector, candidates, plan)
        self._note(found, candidates, stages)
        highest = _highest(plan, dense=found.vector is not None)
        places = np.argsort(-total, kind="stable").tolist()
        if plan.diversity:
            places = diversified(total, [one.passages for one in candidates], plan.diversity)
            total = np.array(sorted(total.tolist(), reverse=True))[np.argsort(places)]
        return [(pool[place], float(total[place]) / highest) for place in places]

    def _judged(
        self, found: _Found, ranked: list[tuple[str, float]], count: int
    ) -> list[tuple[str, float]]:
        """Let the reranker order the best `count`: its probability and the score, half each."""
        best = ranked[:count]
        papers = [found.papers[key] for key, _ in best]
        chances = self._reranker.judge(found.query, papers) if self._reranker and best else None
        if chances is None:
            return ranked
        highest = best[0][1]
        for (key, _), chance in zip(best, chances, strict=True):
            found.scores.setdefault(key, {})["judged"] = chance
        merit = {
            key: (chance + score / highest) / 2
            for (key, score), chance in zip(best, chances, strict=True)
        }
        order = sorted(merit, key=lambda key: -merit[key])
        scores = [score for _, score in best]
        return [*zip(order, scores, strict=True), *ranked[count:]]

    def _note(
        self, found: _Found, candidates: Sequence[Candidate], stages: Mapping[str, Scores]
    ) -> None:
        """Keep what the calibration reads, and the stages for the trace."""
        for row, one in enumerate(candidates):
            found.lexical[one.paper.id] = one.bm25
            if one.dense is not None:
                found.dense[one.paper.id] = one.dense
            notes = found.scores.setdefault(one.paper.id, {})
            notes |= {name: float(stages[name][row]) for name in ("coverage", "proximity")}
            if found.vector is not None and len(one.sentences):
                notes["sentence"] = float((one.sentences @ found.vector).max())

    def _hit(self, found: _Found, key: str, score: float, share: float) -> Hit:
        paper = found.papers[key]
        start, end = found.spans.get(key, (0, len(paper.abstract)))
        if end > len(paper.abstract):
            # Edited since: its new vectors are still to come.
            start, end = 0, len(paper.abstract)
        scores = {
            "bm25": found.lexical.get(key, 0.0),
            "dense": found.dense.get(key, 0.0),
            **found.scores.get(key, {}),
        }
        hit = Hit(paper=paper, score=score, start=start, end=end, scores=scores)
        if self._relevance is None or "coverage" not in scores:
            return hit
        chance = self._relevance.probability({**scores, "score": score, "share": share})
        return replace(hit, scores={**scores, "relevance": chance})


def _best_passages(
    passages: Sequence[tuple[PassageRecord, float]],
) -> tuple[dict[str, float], dict[str, tuple[int, int]]]:
    """Return each paper's best cosine, and the passage that gave it."""
    scores: dict[str, float] = {}
    spans: dict[str, tuple[int, int]] = {}
    for passage, score in passages:
        if score > scores.get(passage.paper_id, -2.0):
            scores[passage.paper_id] = score
            spans[passage.paper_id] = (passage.start, passage.end)
    return scores, spans


def _with_phrases(
    ranked: Sequence[tuple[str, float]], papers: Mapping[str, Paper], understood: Understood
) -> list[tuple[str, float]]:
    """Move up what has the quoted phrases; only that stays of a query that is nothing else.

    In a longer question quotes may only stress a word.
    """
    has = {key: has_phrases(papers[key], understood.phrases) for key, _ in ranked}
    if understood.is_quoted and any(has.values()):
        return [(key, score) for key, score in ranked if has[key]]
    raised = [(key, min(1.0, score + PHRASE_BONUS * has[key])) for key, score in ranked]
    return sorted(raised, key=lambda one: -one[1])


def _ranked(scores: Mapping[str, float]) -> list[str]:
    return sorted(scores, key=lambda key: (-scores[key], key))


def _of_width(rows: Vectors, vector: Vectors | None) -> Vectors:
    """Return the rows, none where they are of another embedder than the query's vector."""
    return rows if vector is not None and rows.shape[1] == len(vector) else _NONE


def _highest(plan: Plan, *, dense: bool) -> float:
    """Return the most that a pool's score can be."""
    parts = plan.lexical + plan.coverage + plan.proximity + plan.title
    if dense:
        parts += plan.dense + plan.sentence + plan.feedback
    return parts * (1 + plan.neighbours)


def _timed(found: _Found, stage: str, began: float) -> None:
    found.seconds[stage] = found.seconds.get(stage, 0.0) + time.perf_counter() - began
