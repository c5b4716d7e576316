"""What the report compares: the baselines, the stages one by one, and what was dropped."""

from dataclasses import replace

from assistant.retrieval.plan import BASELINES, BM25, CONVEX, DEFAULT, DENSE, RRF, Plan

_POOL = replace(CONVEX, pool=DEFAULT.pool, kindred=False)
_FUSED = replace(_POOL, sentence=0, coverage=0, proximity=0, neighbours=0)
_SENTENCE = replace(_FUSED, sentence=DEFAULT.sentence)
_COVERAGE = replace(_SENTENCE, coverage=DEFAULT.coverage)
_KINDRED = replace(_COVERAGE, kindred=True)
_PROXIMITY = replace(_KINDRED, proximity=DEFAULT.proximity)
_NEIGHBOURS = replace(_PROXIMITY, neighbours=DEFAULT.neighbours)
_ACRONYMS = replace(_NEIGHBOURS, acronyms=True)

METHODS = {"default": DEFAULT, **BASELINES}
ADDED = {
    "BM25 alone": BM25,
    "dense alone": DENSE,
    "rank fusion (RRF) of both": RRF,
    "convex combination of both": CONVEX,
    "+ both scored exactly in a pool of 50": _FUSED,
    "+ best sentence (late interaction)": _SENTENCE,
    "+ share of the query's words": _COVERAGE,
    "+ or of words of like meaning": _KINDRED,
    "+ pairs of words near each other": _PROXIMITY,
    "+ neighbours in the pool": _NEIGHBOURS,
    "+ acronyms written out": _ACRONYMS,
    "+ fields, phrases, names = default": DEFAULT,
}
DROPPED = {
    "words of the title weigh more, 0.15": replace(DEFAULT, title=0.15),
    "words of the title weigh more, 0.3": replace(DEFAULT, title=0.3),
    "dense pseudo-relevance feedback, 0.15": replace(DEFAULT, feedback=0.15),
    "dense pseudo-relevance feedback, 0.3": replace(DEFAULT, feedback=0.3),
    "MMR by paper, 0.1": replace(DEFAULT, diversity=0.1),
    "MMR by paper, 0.3": replace(DEFAULT, diversity=0.3),
    "a pool of 30": replace(DEFAULT, pool=30),
    "a pool of 100": replace(DEFAULT, pool=100),
    "more candidates, 300 of each": replace(DEFAULT, depth=300),
}
GRID: dict[str, tuple[float, ...]] = {
    "dense": (0.4, 0.5, 0.6),
    "sentence": (0.2, 0.3, 0.4),
    "coverage": (0.2, 0.3, 0.4, 0.5),
    "proximity": (0.0, 0.1, 0.2, 0.3),
    "neighbours": (0.2, 0.3, 0.4),
}


def varied(plan: Plan, name: str, value: float) -> Plan:
    """Return the plan with one weight changed."""
    return replace(plan, **{name: value})  # type: ignore[arg-type]
