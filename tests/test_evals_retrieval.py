"""`python -m evals retrieval`: collections, measures by hand, and a run on a small one."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from assistant.errors import UnreadableFileError
from assistant.retrieval.plan import DEFAULT
from evals.__main__ import main
from evals.retrieval.collection import Query, documents, load_collection
from evals.retrieval.measures import MEASURES, better_p, by_query, interval
from evals.retrieval.run import spread, variants

DOCUMENTS = [
    {"id": "1", "title": "Bees in fog", "abstract": "Honeybees return to their hive in fog."},
    {"id": "2", "title": "Tide tables", "abstract": "Harbours are linked by the time of tides."},
    {"id": "3", "title": "A title alone", "abstract": ""},
    {"_id": "4", "title": "", "text": "Networks are pruned at initialization."},
    {"id": "5", "title": "Bees in fog", "abstract": "Honeybees return to their hive in fog."},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a collection with a header in its judgments and a copy among its documents."""
    found = tmp_path / "small"
    found.mkdir()
    with gzip.open(found / "corpus.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in DOCUMENTS)
    queries = [
        {"id": "a", "text": "honeybees that return in fog", "exclude": "5"},
        {"_id": "b", "text": "pruned networks"},
        {"id": "c", "text": "nothing was judged relevant"},
    ]
    (found / "queries.jsonl").write_text("".join(json.dumps(one) + "\n" for one in queries))
    judged = "query-id\tcorpus-id\tscore\na\t1\t1\na\t5\t1\nb\t4\t2\nc\t2\t0\n"
    (found / "qrels.tsv").write_text(judged)
    return found


def test_collection_is_read_with_every_document(folder: Path) -> None:
    collection = load_collection(folder)
    assert collection.name == "small"
    assert [query.id for query in collection.queries] == ["a", "b"]
    assert collection.queries[0].exclude == "5"
    assert collection.queries[1].grades == {"4": 2}
    assert [paper.id for paper in documents(collection)] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("qrels.tsv", "a\t1\t1\nb 4 1\n", "line 2"),
        ("queries.jsonl", '{"id": "a", "text": "x"}\n{\n', "line 2"),
        ("queries.jsonl", '["a"]\n', "object"),
        ("qrels.tsv", "z\t1\t1\n", "no query"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(
    folder: Path, name: str, text: str, said: str
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(UnreadableFileError, match=said):
        load_collection(folder)


def test_a_folder_without_corpus_is_refused(folder: Path) -> None:
    (folder / "corpus.jsonl.gz").unlink()
    with pytest.raises(UnreadableFileError, match=r"corpus\.jsonl"):
        load_collection(folder)


def test_measures_by_hand() -> None:
    queries = [
        Query(id="a", text="", grades={"x": 1, "y": 1}),
        Query(id="b", text="", grades={"z": 2, "w": 1}),
        Query(id="c", text="", grades={"x": 1}),
    ]
    rankings = {"a": ["n", "x", "m", "y"], "b": ["w", "z"], "c": []}
    found = by_query(queries, rankings)
    # a: (1 / log2 3 + 1 / log2 5) / (1 + 1 / log2 3); b: (1 + 2 / log2 3) / (2 + 1 / log2 3)
    assert found["nDCG@10"] == pytest.approx({"a": 0.650921, "b": 0.859719, "c": 0.0}, abs=1e-5)
    assert found["MRR@10"] == {"a": 0.5, "b": 1.0, "c": 0.0}
    assert found["recall@10"] == {"a": 1.0, "b": 1.0, "c": 0.0}
    late = {"a": [*map(str, range(10)), "x"], "b": [], "c": []}
    found = by_query(queries, late)
    assert (found["recall@10"]["a"], found["recall@100"]["a"]) == (0.0, 0.5)


def test_interval_and_p() -> None:
    one = interval([0.0, 1.0] * 50)
    assert one.mean == 0.5
    assert 0.38 < one.low < 0.42
    assert 0.58 < one.high < 0.62
    same = {str(number): 0.5 for number in range(20)}
    assert better_p(same, same) == 1.0
    assert better_p(dict.fromkeys(same, 0.9), same) < 0.001


def test_spread_takes_the_same_queries_each_time() -> None:
    queries = [Query(id=str(number), text="", grades={}) for number in range(10)]
    assert [query.id for query in spread(queries, 3)] == ["0", "3", "6"]
    assert spread(queries, None) == spread(queries, 10) == queries


def test_variants_differ_from_the_default_in_one_weight() -> None:
    for plan in variants().values():
        changed = [name for name, value in vars(plan).items() if value != getattr(DEFAULT, name)]
        assert len(changed) == 1


def test_command_prints_every_method_and_metric(
    folder: Path, tmp_path: Path, models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTANT_MODELS", str(models_folder))
    monkeypatch.setenv("ASSISTANT_OFFLINE", "1")
    arguments = ["retrieval", str(folder), "--cache", str(tmp_path / "cache")]
    found = CliRunner().invoke(main, [*arguments, "--json"])
    assert found.exit_code == 0, found.output
    table = json.loads(found.stdout)
    assert set(table) == {"small"}
    assert set(table["small"]) == {"default", "bm25", "dense", "rrf"}
    for values in table["small"].values():
        assert set(values) == set(MEASURES)
        # The copy that query a leaves out is relevant too: no ranking can have it.
        assert values["recall@10"] == 0.75
    assert table["small"]["default"]["MRR@10"] == 1.0
    (home,) = (tmp_path / "cache").iterdir()
    before = (home / "library" / "papers.sqlite").stat().st_mtime_ns
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 0, shown.output
    assert "over best single" in shown.stdout
    assert "p95" in shown.stdout
    assert (home / "library" / "papers.sqlite").stat().st_mtime_ns == before
