"""The whole measurement: real vectors, questions, stores of each size and shape."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import click
import numpy as np

from assistant.adapters.chroma_graph import GRAPH, Graph
from assistant.adapters.llama_index_retrieval import LlamaIndexSplitter
from assistant.indexing import WHOLE_CHARACTERS
from assistant.protocols import Vectors
from assistant.settings import Settings
from assistant.text.sentences import split_sentences
from assistant.types import Paper
from evals.scale.graphs import Searched, Task, measure
from evals.scale.table import Work
from evals.scale.vectors import opened, papers_of, real_vectors

SIZES = (74_728, 1_000_000)
GRAPHS = (Graph(neighbours=16, weighed=100), Graph(neighbours=16, weighed=200), GRAPH)
SEARCHED = (100, 200, 400)
QUERIES = 200
# So many papers say what one takes to split and to embed.
TYPICAL = 64
PASSAGE_TOKENS = 256


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to measure; `cache` keeps vectors and stores from one run to the next."""

    corpus: Path
    cache: Path
    sizes: Sequence[int] = SIZES
    graphs: Sequence[Graph] = GRAPHS
    searched: Sequence[int] = SEARCHED
    tokens: int = PASSAGE_TOKENS
    real: int | None = None


def as_graph(text: str) -> Graph:
    """Read M:ef_construction.

    Raises:
        click.BadParameter: it is something else.
    """
    neighbours, colon, weighed = text.partition(":")
    if not (colon and neighbours.isdigit() and weighed.isdigit()):
        raise click.BadParameter(f"{text!r} is not M:ef_construction, as 16:100.")
    return replace(GRAPH, neighbours=int(neighbours), weighed=int(weighed))


def run(
    plan: Plan, settings: Settings, say: Callable[[str], object]
) -> tuple[list[Searched], Work, int]:
    """Return what each size and shape gave, what a paper takes, and how many vectors are real."""
    path, count = real_vectors(plan.corpus, settings, plan.cache, plan.tokens, plan.real, say)
    queries = plan.cache / f"queries-{path.stem}.npy"
    papers = list(islice(papers_of(plan.corpus), max(QUERIES, TYPICAL)))
    if not queries.exists():
        np.save(queries, _questions(papers, settings))
    outcomes = []
    for size in plan.sizes:
        task = Task(real=path, count=min(count, size), size=size, queries=queries, cache=plan.cache)
        outcomes += measure(task, plan.graphs, plan.searched, say)
    return outcomes, _work(papers[:TYPICAL], settings), count


def chosen(outcomes: Sequence[Searched]) -> Searched:
    """Return what the largest store gave with the product's own settings, if it is there."""
    largest = max(one.built.vectors for one in outcomes)
    found = [one for one in outcomes if one.built.vectors == largest]
    return next((one for one in found if one.graph == GRAPH), found[0])


def _questions(papers: Sequence[Paper], settings: Settings) -> Vectors:
    """Return a vector for each of some papers' last sentences: near them, but none of them."""
    embedder = opened(settings, PASSAGE_TOKENS)
    texts = []
    for paper in papers[:QUERIES]:
        start, end = split_sentences(paper.abstract)[-1]
        texts.append(paper.abstract[start:end])
    return embedder.embed(texts)


def _work(papers: Sequence[Paper], settings: Settings) -> Work:
    """Measure what a paper takes, in seconds of a core."""
    splitter = LlamaIndexSplitter(settings.passage_tokens)
    embedder = opened(settings, PASSAGE_TOKENS)
    texts = [
        f"{paper.title}. {paper.abstract[start:end]}"
        for paper in papers
        for start, end in (
            splitter.split(paper.abstract)
            if len(paper.abstract) > WHOLE_CHARACTERS
            else [(0, len(paper.abstract))]
        )
    ]
    began = time.process_time()
    embedder.embed(texts)
    return Work(
        passages=len(texts) / len(papers),
        embedding=(time.process_time() - began) / len(papers),
    )
