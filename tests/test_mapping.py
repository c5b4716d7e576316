"""The map of papers: places, clusters, names, and how it is stored."""

import json
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assistant.mapping import LibraryMap, draw_map, load_map, sampled, save_map
from assistant.mapping.clusters import MOST_CLUSTERS, cluster_count, clustered
from assistant.mapping.naming import UNNAMED, cluster_names
from assistant.mapping.projection import Floats, laid_out, nearest, principal_components
from assistant.types import Paper


def heaps(
    each: int = 40, heaps: int = 4, width: int = 30, seed: int = 0
) -> tuple[Floats, list[int]]:
    """Return points in well separated heaps, and the heap of each."""
    random = np.random.default_rng(seed)
    centres = random.normal(0, 6, (heaps, width))
    points = np.concatenate([random.normal(centre, 1, (each, width)) for centre in centres])
    return points.astype(np.float32), [heap for heap in range(heaps) for _ in range(each)]


def points_of_any_kind() -> st.SearchStrategy[Floats]:
    shapes = st.tuples(st.integers(0, 20), st.integers(1, 6))
    numbers = st.floats(-5, 5, width=32)
    return shapes.flatmap(lambda shape: arrays(np.float32, shape, elements=numbers)).filter(
        lambda points: len(points) > 0
    )


class TestProjection:
    def test_components_are_those_of_a_singular_value_decomposition(self) -> None:
        points, _ = heaps()
        centred = points - points.mean(axis=0)
        left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
        found = principal_components(points, 3)
        assert np.allclose(np.abs(found), np.abs(left[:, :3] * sizes[:3]), atol=1e-2)

    def test_neighbours_are_those_that_brute_force_finds(self) -> None:
        points, _ = heaps(each=10)
        far = np.linalg.norm(points[:, None] - points[None], axis=2)
        np.fill_diagonal(far, np.inf)
        near, distances = nearest(points, 5)
        assert (near == np.argsort(far, axis=1, kind="stable")[:, :5]).all()
        assert np.allclose(distances, np.sort(far, axis=1)[:, :5], atol=1e-2)

    def test_heaps_stay_heaps(self) -> None:
        points, heap = heaps()
        near, _ = nearest(laid_out(points, seed=1), 5)
        same = np.array(heap)[near] == np.array(heap)[:, None]
        assert same.mean() > 0.98

    def test_neighbours_stay_nearer_than_in_two_principal_components(self) -> None:
        points = np.random.default_rng(3).normal(0, 1, (150, 8)).astype(np.float32)
        truth = [set(row) for row in nearest(points, 10)[0].tolist()]

        def kept(places: Floats) -> int:
            return sum(
                len(own & set(row))
                for own, row in zip(truth, nearest(places, 10)[0].tolist(), strict=True)
            )

        assert kept(laid_out(points, seed=1)) > 1.2 * kept(principal_components(points, 2))

    def test_the_same_seed_gives_the_same_places(self) -> None:
        points, _ = heaps(each=10)
        assert (laid_out(points, seed=5) == laid_out(points, seed=5)).all()
        assert (laid_out(points, seed=5) != laid_out(points, seed=6)).any()

    @given(points_of_any_kind())
    def test_any_points_get_finite_places_within_the_square(self, points: Floats) -> None:
        places = laid_out(points, seed=0)
        assert places.shape == (len(points), 2)
        assert np.isfinite(places).all()
        assert np.abs(places).max() <= 1


class TestClusters:
    def test_heaps_are_found(self) -> None:
        points, heap = heaps()
        labels = clustered(points, 4, seed=0)
        assert len({(int(a), b) for a, b in zip(labels, heap, strict=True)}) == 4

    def test_numbers_go_by_size(self) -> None:
        points, _ = heaps(each=30, heaps=2)
        labels = clustered(points[:45], 2, seed=0)
        assert np.bincount(labels).tolist() == [30, 15]

    def test_no_points_no_clusters(self) -> None:
        assert clustered(np.zeros((0, 3), np.float32), 3, seed=0).tolist() == []

    @given(points_of_any_kind(), st.integers(1, 8))
    def test_no_cluster_is_empty(self, points: Floats, count: int) -> None:
        labels = clustered(points, count, seed=0)
        sizes = np.bincount(labels)
        assert 1 <= len(sizes) <= count
        assert (sizes > 0).all()
        assert sizes.tolist() == sorted(sizes, reverse=True)

    @given(st.integers(0, 100_000))
    def test_the_number_of_clusters_is_what_the_eye_takes(self, papers: int) -> None:
        assert 1 <= cluster_count(papers) <= MOST_CLUSTERS


class TestNames:
    TEXTS = (
        "We prune deep networks. A lottery ticket is found early.",
        "Lottery tickets and how to prune them.",
        "The lottery ticket hypothesis: prune, then train.",
        "Graph neural networks predict molecules.",
        "Molecules as graphs; graph neural networks again.",
        "A graph neural network for molecules.",
    )

    def test_a_name_is_of_what_its_papers_share_and_others_lack(self) -> None:
        names = cluster_names(self.TEXTS, [0, 0, 0, 1, 1, 1])
        assert names == ["lottery ticket · prune", "graph neural networks · molecules"]

    def test_singular_and_plural_are_one_term_shown_as_it_is_written_most(self) -> None:
        assert cluster_names(["Quokkas.", "Two quokkas", "A quokka"], [0, 0, 0]) == ["quokkas"]

    def test_what_every_paper_says_names_nothing(self) -> None:
        assert cluster_names(["We propose a new method."] * 4, [0, 0, 1, 1]) == [UNNAMED] * 2

    def test_words_on_both_sides_of_a_stop_are_no_pair(self) -> None:
        names = cluster_names(["Quokka. Wombat"] * 3, [0, 0, 0])
        assert names == ["quokka · wombat"]

    @given(st.lists(st.tuples(st.text(max_size=40), st.integers(0, 3)), max_size=12))
    def test_any_text_gives_a_name_without_markup(self, papers: list[tuple[str, int]]) -> None:
        names = cluster_names([text for text, _ in papers], [label for _, label in papers])
        assert all(name and not set(name) & set("<>&\"'`") for name in names)


def library(count: int) -> tuple[list[Paper], Floats]:
    points, heap = heaps(each=count // 4)
    papers = [
        Paper(
            id=f"p{at}", title=f"Subject{of} study", abstract=f"About subject{of}.", year=2000 + of
        )
        for at, of in enumerate(heap)
    ]
    return papers, points


class TestChart:
    def test_every_paper_has_a_dot_and_every_cluster_a_name(self) -> None:
        papers, vectors = library(48)
        chart = draw_map(papers, vectors, 60)
        assert [dot.paper_id for dot in chart.dots] == [paper.id for paper in papers]
        assert chart.papers == 60
        assert {dot.cluster for dot in chart.dots} == set(range(len(chart.names)))
        assert sorted(chart.names) == [f"subject{of}" for of in range(4)]

    def test_no_papers_no_dots(self) -> None:
        nothing = np.zeros((0, 0), np.float32)
        assert draw_map([], nothing, 0) == LibraryMap(dots=(), names=(), papers=0)

    def test_one_paper_is_a_map_too(self) -> None:
        papers, vectors = library(4)
        assert len(draw_map(papers[:1], vectors[:1], 1).dots) == 1

    def test_a_stored_map_is_read_again(self, tmp_path: Path) -> None:
        chart = draw_map(*library(24), 24)
        save_map(tmp_path / "map.json", "print", chart)
        assert load_map(tmp_path / "map.json", "print") == chart

    def test_of_another_library_or_damaged_it_is_none(self, tmp_path: Path) -> None:
        path = tmp_path / "map.json"
        assert load_map(path, "print") is None
        save_map(path, "print", draw_map(*library(8), 8))
        assert load_map(path, "other") is None
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "version": -1}))
        assert load_map(path, "print") is None
        for damage in ("", "[]", "{}", json.dumps({**record, "dots": [{"x": 1}]})):
            path.write_text(damage)
            assert load_map(path, "print") is None

    @given(st.lists(st.text(max_size=3), unique=True, max_size=30), st.integers(1, 40))
    def test_a_sample_is_a_part_in_the_same_order(self, ids: list[str], most: int) -> None:
        found = sampled(ids, most)
        assert len(found) == min(len(ids), most)
        assert found == [one for one in ids if one in set(found)]
        assert found == sampled(ids, most)
