"""Vectors at size: recall is that of exact search, copies are the same each time, costs add up."""

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest

from assistant.adapters.chroma_graph import GRAPH, Graph
from assistant.protocols import Vectors
from evals.scale import table
from evals.scale.graphs import Built, Searched, Task, measure
from evals.scale.run import as_graph, chosen
from evals.scale.vectors import enlarged, exact


def unit(rows: Vectors) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def real() -> Vectors:
    return unit(np.random.default_rng(1).normal(size=(700, 16)).astype(np.float32))


def test_the_real_vectors_come_first_and_copies_are_near_them(real: Vectors) -> None:
    rows = np.concatenate(list(enlarged(real, 1500)))
    assert rows.shape == (1500, 16)
    assert np.allclose(rows[:700], real, atol=1e-6)
    cosines = np.einsum("ij,ij->i", rows[700:1400], real)
    assert (cosines > 0.9).all()
    assert (cosines < 0.99999).all()
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_copies_are_the_same_each_time(real: Vectors) -> None:
    first, second = (np.concatenate(list(enlarged(real, 1500))) for _ in range(2))
    assert np.array_equal(first, second)


def test_exact_search_looks_at_all_parts(real: Vectors) -> None:
    queries = unit(np.random.default_rng(2).normal(size=(5, 16)).astype(np.float32))
    whole = np.argsort(-(queries @ real.T), axis=1)[:, :10]
    assert exact(iter(np.array_split(real, 9)), queries, 10) == [set(row) for row in whole.tolist()]


def test_a_store_is_built_once_and_searched_with_each_breadth(
    real: Vectors, tmp_path: Path
) -> None:
    np.save(tmp_path / "real.npy", real)
    np.save(tmp_path / "queries.npy", real[:20])
    task = Task(
        real=tmp_path / "real.npy",
        count=700,
        size=1400,
        queries=tmp_path / "queries.npy",
        cache=tmp_path,
    )
    said: list[str] = []
    graph = Graph(neighbours=8, weighed=40)
    narrow, wide = measure(task, [graph], [100, 300], said.append)
    assert wide.graph == replace(graph, searched=300)
    assert 0.9 < narrow.recall <= wide.recall <= 1
    assert narrow.built.vectors == 1400
    assert narrow.built.disk_bytes > 1400 * 16 * 4
    assert 0 < narrow.p50 <= narrow.p95
    again = measure(task, [graph], [100], said.append)[0]
    assert again.built == narrow.built


def outcome(vectors: int, graph: Graph) -> Searched:
    built = Built(vectors=vectors, seconds=200.0, process=100.0, disk_bytes=vectors * 2000)
    return Searched(
        graph=graph,
        built=built,
        recall=0.98,
        p50=0.004,
        p95=0.010,
        process=0.005,
        memory_bytes=vectors * 1000,
        open_seconds=2.0,
    )


def test_the_largest_store_of_the_products_shape_is_projected_from() -> None:
    other = Graph(neighbours=99)
    outcomes = [outcome(10, GRAPH), outcome(1000, other), outcome(1000, GRAPH)]
    assert chosen(outcomes) == outcomes[2]
    assert chosen(outcomes[:2]) == outcomes[1]


def test_the_table_and_the_projection_say_what_was_measured() -> None:
    one = outcome(1_000_000, GRAPH)
    row = table.rows([one]).splitlines()[1].split()
    shape = [GRAPH.neighbours, GRAPH.weighed, GRAPH.searched]
    assert row[:5] == ["1,000,000", *map(str, shape), "0.980"]
    text = table.projection(
        one,
        table.Work(passages=2.0, embedding=0.1),
        table.Prices(memory=0.005, core=0.04, disk=0.08),
    )
    arxiv = next(line for line in text.splitlines() if line.strip().startswith("2,700,000")).split()
    # 5.4 million vectors of 1,000 bytes are 5.03 GiB; 270,000 s of embedding are 75 hours.
    assert arxiv[1:5] == ["5,400,000", "5.0", "10.1", "75.0"]


@pytest.mark.parametrize("text", ["16", "16:", ":100", "a:b"])
def test_a_shape_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        as_graph(text)


def test_a_shape_is_read() -> None:
    assert as_graph("16:100") == replace(GRAPH, neighbours=16, weighed=100)
