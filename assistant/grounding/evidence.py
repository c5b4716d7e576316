"""Select the sentences that bear on a question."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from assistant.protocols import Vectors
from assistant.text.sentences import split_sentences
from assistant.text.words import names, terms
from assistant.types import Evidence, Hit, Passage

K1, B, USUAL_LENGTH = 1.2, 0.75, 15


_FIGURE = re.compile(r"\d")
_ASKS_FIGURE = re.compile(
    r"\b(?:how (?:many|much|fast|high|low|large|big|small|long|far|well|often|accurate|close)|"
    r"how \w+er|by how|percent\w*|(?:what|which) (?:\w+ )?(?:score|accuracy|percentage|share|"
    r"fraction|number|factor|speed|size|error|value|figure|gain|improvement|reduction|rate)s?)\b",
    re.IGNORECASE,
)
_OWN_WORK = re.compile(
    r"(?:we|our|this|in this|the proposed|here|specifically|to (?:this|address)|experiment|"
    r"extensive|results?|moreover|furthermore|it|they)\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:both|between|versus|vs|compar\w+|differ\w*|contrast\w*|two|three|which of|each|"
    r"respectively|whereas|while|common|share\w*|alike|either|another|papers|works|methods|"
    r"approaches|studies)\b",
    re.IGNORECASE,
)
_CONTRASTS = re.compile(
    r"\b(?:both|between|versus|vs|compare[ds]?|comparing|comparisons?|differs?|differences?|"
    r"contrast(?:s|ed|ing)?|each|respectively|which of|in common|shared?|alike|whereas|unlike)\b",
    re.IGNORECASE,
)
EARLIER_SHARE = 0.5
"""How much of a follow-up's score is by the questions that it refers back to.

Facts of the 26 fixed follow-ups that have any, extractive: 0.500 where these count like its own
words, 0.538 at 0.7, 0.654 at 0.5, 0.596 at 0.3, 0.538 where they don't count.
"""
LONG_WORDS = 40
LEAST_SENTENCES = 3
MOST_SHARING = 2


@dataclass(frozen=True, kw_only=True)
class Weights:
    """How much the parts of a sentence's score count, beside its cosine with the question.

    Chosen on half of the fixed question set's single-paper batches and checked on the other
    half; coarse on purpose. Abstracts begin with background and end with results: later,
    longer sentences about the authors' own work answer more, the opening one less. What compares
    nothing is answered by one paper: `first_paper` holds the best one's sentences together.
    """

    paper: float = 1.0
    lexical: float = 0.5
    neighbours: float = 0.15
    asked_figure: float = 0.2
    figure: float = 0.05
    position: float = 0.2
    length: float = 0.35
    own_work: float = 0.1
    named: float = 0.3
    opening: float = 0.1
    first_paper: float = 0.2


def rank_sentences(
    question: str,
    hits: Sequence[Hit],
    question_vector: Vectors | None,
    sentence_vectors: Mapping[str, Vectors],
    rarity: Callable[[str], float],
    weights: Weights = Weights(),
    earlier: str = "",
) -> list[Evidence]:
    """Return every sentence of the found papers, best first; keys count from 1.

    `earlier` is what the question refers back to: its words count less.

    The score adds the paper's as a share of the best one's, the sentence's cosine with the
    question (0 where there are no vectors) and its share of the question's words by `rarity`
    (an idf), takes a share of its neighbours' scores, since what "it" refers to stands next to
    it, and what its kind and place say.
    """
    wanted = {term: EARLIER_SHARE * rarity(term) for term in terms(earlier)}
    wanted |= {term: rarity(term) for term in terms(question)}
    asks_figure = bool(_ASKS_FIGURE.search(question))
    asked = names(f"{earlier} {question}")
    compared = compares(question)
    scored: list[tuple[float, Passage, dict[str, float]]] = []
    best = max((hit.score for hit in hits), default=0.0) or 1.0
    for rank, hit in enumerate(hits):
        spans = split_sentences(hit.paper.abstract)
        rows = sentence_vectors.get(hit.paper.id)
        parts = []
        for place, (start, end) in enumerate(spans):
            passage = Passage(paper=hit.paper, start=start, end=end)
            dense = 0.0
            if question_vector is not None and rows is not None and place < len(rows):
                dense = float(rows[place] @ question_vector)
            lexical = lexical_share(wanted, passage.text)
            parts.append((passage, {"paper": hit.score / best, "dense": dense, "lexical": lexical}))
        whole = weights.named * bool(asked & names(f"{hit.paper.title} {hit.paper.abstract}"))
        whole += weights.first_paper * (rank == 0 and not compared)
        own = np.array(
            [
                weights.paper * scores["paper"]
                + scores["dense"]
                + weights.lexical * scores["lexical"]
                for _, scores in parts
            ]
        )
        kind = np.array(
            [
                _prior(passage.text, place / max(1, len(parts) - 1), asks_figure, weights)
                for place, (passage, _) in enumerate(parts)
            ]
        )
        total = own + weights.neighbours * _neighbours(own) + kind + whole
        scored += [
            (float(score), passage, scores)
            for score, (passage, scores) in zip(total, parts, strict=True)
        ]
    scored.sort(key=lambda entry: -entry[0])
    return [
        Evidence(key=key, passage=passage, score=score, scores=scores)
        for key, (score, passage, scores) in enumerate(scored, start=1)
    ]


def of_named_papers(question: str, ranked: Sequence[Evidence]) -> list[Evidence]:
    """Return the best sentence of each paper that the question names something of.

    That is in its title or, where no title has it, in its abstract; what more than
    `MOST_SHARING` papers name tells none of them. Nothing where that is one paper only.
    """
    best: dict[str, Evidence] = {}
    for one in ranked:
        best.setdefault(one.paper.id, one)
    titles = {key: names(one.paper.title) for key, one in best.items()}
    texts = {key: names(one.paper.abstract) for key, one in best.items()}
    found: set[str] = set()
    for name in names(question):
        having = [key for key in best if name in titles[key]]
        having = having or [key for key in best if name in texts[key]]
        if len(having) <= MOST_SHARING:
            found.update(having[:1])
    return [best[key] for key in best if key in found] if len(found) > 1 else []


def with_named_papers(question: str, ranked: Sequence[Evidence]) -> list[Evidence]:
    """Return the evidence, that of all papers that the question names right after the best."""
    named = [one for one in of_named_papers(question, ranked) if one is not ranked[0]]
    return [*ranked[:1], *named, *(one for one in ranked[1:] if one not in named)]


def compares(question: str) -> bool:
    """Whether the question seems to be about more than one thing."""
    return bool(_COMPARES.search(question))


def contrasts(question: str) -> bool:
    """Whether the question asks to hold several things against each other.

    Narrower than `compares`: what it says may be shown as a table.
    """
    return bool(_CONTRASTS.search(question))


def _prior(sentence: str, position: float, asks_figure: bool, weights: Weights) -> float:
    """Return what the sentence's kind and place, in [0, 1], say before its words do."""
    figure = bool(_FIGURE.search(sentence))
    return (
        weights.asked_figure * (asks_figure and figure)
        + weights.figure * figure
        + weights.position * position
        + weights.length * min(len(sentence.split()), LONG_WORDS) / LONG_WORDS
        + weights.own_work * bool(_OWN_WORK.match(sentence))
        - weights.opening * (position == 0)
    )


def _neighbours(scores: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Vectors:
    padded = np.pad(scores, 1)
    return (padded[:-2] + padded[2:]).astype(np.float32)


def lexical_share(wanted: Mapping[str, float], sentence: str) -> float:
    """Return the BM25 score of `sentence`, as a share of the best that `wanted` allows.

    `wanted` maps the question's terms to their idf. In [0, 1].
    """
    found = terms(sentence)
    best = sum(wanted.values()) * (K1 + 1)
    if not best or not found:
        return 0.0
    norm = K1 * (1 - B + B * len(found) / USUAL_LENGTH)
    counts = {term: found.count(term) for term in set(found) & set(wanted)}
    return (
        sum(wanted[term] * count * (K1 + 1) / (count + norm) for term, count in counts.items())
        / best
    )


def within_words(ranked: Sequence[Evidence], most: int, words: int) -> list[Evidence]:
    """Return the best evidence: at most `most` sentences, and `words` words after the third.

    A sentence that refers back brings its context along where the words suffice for it and for
    the first three. A small model on two cores reads about fifty words a second.
    """
    places = {_place(one.passage): one for one in ranked}
    chosen: dict[_Place, Evidence] = {}
    used = 0
    for rank, one in enumerate(ranked[:most]):
        if _place(one.passage) in chosen:  # As context already, and paid for.
            chosen[_place(one.passage)] = one
            continue
        used += _words(one)
        if used > words and rank >= LEAST_SENTENCES:
            break
        chosen[_place(one.passage)] = one
        context = places.get(_place(one.context)) if one.context else None
        if context is None or _place(context.passage) in chosen:
            continue
        to_come = sum(map(_words, ranked[rank + 1 : LEAST_SENTENCES]))
        if used + _words(context) + to_come <= words:
            chosen[_place(context.passage)] = replace(context, is_context=True)
            used += _words(context)
    return list(chosen.values())


def _words(one: Evidence) -> int:
    return len(one.text.split())


def number_evidence(chosen: Sequence[Evidence]) -> list[Evidence]:
    """Return the evidence with keys 1, 2, …, sentences of one paper together, in its order."""
    order = {evidence.paper.id: place for place, evidence in reversed(list(enumerate(chosen)))}
    ranked = sorted(chosen, key=lambda one: (order[one.paper.id], one.passage.start))
    return [replace(one, key=key) for key, one in enumerate(ranked, start=1)]


_Place = tuple[str, int]


def _place(passage: Passage) -> _Place:
    return passage.paper.id, passage.start
