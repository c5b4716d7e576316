"""Claims and evidence: reading, making, measuring, and the command that judges them."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import UnreadableFileError
from assistant.grounding.judges import WordJudge
from assistant.protocols import Vectors
from evals.__main__ import main
from evals.verifier import measures
from evals.verifier.fit import fit
from evals.verifier.judge import BATCH, Bench, Memory, Models
from evals.verifier.made_pairs import made_pairs
from evals.verifier.measures import Judgement
from evals.verifier.pairs import Pair, plain, read_pairs, spread
from tests.fakes import WordEmbedder

ROWS = [
    {"id": 1, "claim": "Bees fly.", "evidence": ["Bees <b>do</b> fly."], "label": "supported"},
    {"id": 2, "claim": "Bees swim.", "evidence": "Bees never swim.", "label": "refuted"},
    {"id": 3, "claim": "Bees sing.", "sentences": ["Ants dig."], "label": "not_found"},
]
ABSTRACTS = [
    "We present TwigNet, a way of pruning networks before they are trained at all. It removes "
    "92% of the weights of a network, and it runs twice as fast as before. The method is better "
    "than BranchNet on every one of the sets that we tried it on. In this paper, we also study "
    "why pruning early hardly lowers the accuracy of a network.",
    "Honeybees find their way home in dense fog by following hedges and ditches near the hive. "
    "We tracked 240 bees with HRS3 radar over a whole summer in the hills of Hesse. Most bees "
    "that lost their landmarks were not back within two hours of being set free. The result "
    "suggests that the sun matters less than was believed before our study.",
] * 40


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def pair(claim: str, text: str, label: Any = "supported", collection: str = "a") -> Pair:
    return Pair(
        id=claim, claim=claim, evidence=(text,), label=label, source="s", collection=collection
    )


# --- reading --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz"])
def test_pairs_are_read(tmp_path: Path, name: str) -> None:
    found = read_pairs(write(tmp_path / "bees" / name, ROWS))
    assert [(one.id, one.claim, one.evidence, one.label) for one in found] == [
        ("1", "Bees fly.", ("Bees do fly.",), "supported"),
        ("2", "Bees swim.", ("Bees never swim.",), "refuted"),
        ("3", "Bees sing.", ("Ants dig.",), "not_found"),
    ]
    assert {one.collection for one in found} == {"bees"}
    assert not any(one.two_way for one in found)


def test_without_refuted_ones_a_collection_knows_two_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", [ROWS[0], ROWS[2]])
    assert all(one.two_way for one in read_pairs(path))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"claim": "x", "label": "supported"}, r"line 2 is no pair"),
        ({"evidence": ["x"], "label": "supported"}, r"line 2 is no pair"),
        ({"claim": "x", "evidence": ["y"], "label": "maybe"}, r"line 2: the label 'maybe'"),
        (["x"], r"line 2 is no pair"),
    ],
)
def test_a_line_that_is_no_pair_is_named(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(UnreadableFileError, match=message):
        read_pairs(write(tmp_path / "p.jsonl", [ROWS[0], row]))


def test_markup_goes() -> None:
    assert plain("<td align='left'>5</td> of  <i>9</i>") == "5 of 9"
    assert plain("p < 0.05 and q > 3") == "p < 0.05 and q > 3"


def test_spread_takes_the_same_ones_each_time() -> None:
    pairs = [pair(str(number), "x") for number in range(10)]
    assert [one.id for one in spread(pairs, 3)] == ["0", "3", "6"]
    assert list(spread(pairs, 99)) == pairs


# --- making ---------------------------------------------------------------------------------


def test_made_pairs_are_as_their_label_says() -> None:
    made = list(made_pairs(ABSTRACTS, 60, seed=1))
    assert {one.label for one in made} == {"supported", "refuted", "not_found"}
    for one in made:
        text = plain(" ".join(one.evidence))
        known = one.claim.rstrip(".").lower() in text.lower()
        assert known is (one.label == "supported"), (one.claim, one.evidence, one.label)
    assert made == list(made_pairs(ABSTRACTS, 60, seed=1))
    assert made != list(made_pairs(ABSTRACTS, 60, seed=2))
    assert len(list(made_pairs(ABSTRACTS, 5, seed=1))) == 5


# --- measuring ------------------------------------------------------------------------------


def test_measures_by_hand() -> None:
    truth = [True, True, False, False]
    assert measures.balanced_accuracy(truth, [True, False, False, False]) == 0.75
    assert measures.balanced_accuracy([True], [True]) is None
    assert measures.auroc(truth, [0.9, 0.4, 0.4, 0.1]) == pytest.approx(3.5 / 4)
    assert measures.auroc([True], [1.0]) is None
    # "a": precision 1, recall 1/2: 2/3; "b": precision 2/3, recall 1: 4/5.
    assert measures.macro_f1(["a", "a", "b", "b"], ["a", "b", "b", "b"]) == pytest.approx(
        (2 / 3 + 4 / 5) / 2
    )


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=30))
def test_auroc_turns_round(rows: list[tuple[bool, float]]) -> None:
    truth, scores = [one for one, _ in rows], [score for _, score in rows]
    found = measures.auroc(truth, scores)
    other = measures.auroc([not one for one in truth], scores)
    assert (found is None) is (other is None)
    if found is not None and other is not None:
        assert found + other == pytest.approx(1)


def test_figures_and_table() -> None:
    rows = [("supported", "supported", 0.9), ("refuted", "contradicted", 0.2)]
    rows += [("not_found", "supported", 0.6), ("not_found", "not found", 0.1)]
    judged = [
        Judgement(pair=pair(str(n), "x", true), probability=p, label=said, tier="features")
        for n, (true, said, p) in enumerate(rows)
    ]
    found = measures.figures(judged)
    assert found["balanced_accuracy"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["auroc"] == 1
    assert found["confusion"]["not_found"] == {"supported": 1, "contradicted": 0, "not found": 1}
    assert found["decided_by"] == {"features": 1.0}
    shown = measures.table({"bees": found})
    assert "bees: 4 pairs, balanced accuracy 0.833" in shown
    assert "  not found: judged supported 1, contradicted 0, not found 1" in shown


# --- fitting --------------------------------------------------------------------------------


class Knowing:
    """A classifier that believes in bees only, and counts what it reads."""

    def __init__(self) -> None:
        self.count = 0

    def classify(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        self.count += len(pairs)
        return np.array(
            [(0.9, 0.05, 0.05) if "bees" in text else (0.1, 0.1, 0.8) for _, text in pairs],
            np.float32,
        )


def test_fit_learns_whom_to_trust(tmp_path: Path) -> None:
    pairs = [
        pair(f"Bees fly {n} times", f"bees fly off {n}", collection="ab"[n % 2]) for n in range(40)
    ]
    pairs += [
        pair(f"Bees fly {n} times", f"ants fly off {n}", "not_found", "ab"[n % 2])
        for n in range(40)
    ]
    knowing = Knowing()
    bench = Bench(
        Models(
            embedder=WordEmbedder(),
            classifier=knowing,
            judge=WordJudge(yes=lambda claim, text: 0.9 if "bees" in text else 0.2),
            cache=tmp_path,
        )
    )
    record = fit(pairs, bench)
    assert set(record) == {"features", "cross-encoder"}
    assert record["cross-encoder"]["weights"]["own"] > 0
    judged = bench.judged(pairs, measures_stages(record))
    assert all((one.label == "supported") == one.is_supported for one in judged)
    read = knowing.count
    bench.save()
    again = Bench(Models(embedder=WordEmbedder(), classifier=knowing, judge=None, cache=tmp_path))
    again.judged(pairs, measures_stages(record))
    assert knowing.count == read  # what was read before is remembered


def measures_stages(record: Any) -> Any:
    from assistant.grounding.verifier import stages_from

    return stages_from(record)


def test_memory_without_a_file_is_kept_for_the_run() -> None:
    memory = Memory(None)
    rows = memory.rows(["a", "bb", "a"], lambda texts: np.array([[len(t)] for t in texts]))
    assert rows.ravel().tolist() == [1, 2, 1]
    memory.save()


@pytest.mark.parametrize("saved_every", [0.0, 1e9])
def test_memory_keeps_what_was_made_before_a_kill(tmp_path: Path, saved_every: float) -> None:
    texts = ["a" * length for length in range(1, 2 * BATCH)]
    made: list[str] = []

    def make(asked: list[str]) -> Vectors:
        if made:
            raise KeyboardInterrupt
        made.extend(asked)
        return np.array([[len(text)] for text in asked], np.float32)

    with pytest.raises(KeyboardInterrupt):
        Memory(tmp_path / "rows.npz", saved_every).rows(texts, make)
    again: list[str] = []

    def count(asked: list[str]) -> Vectors:
        again.extend(asked)
        return np.array([[len(text)] for text in asked], np.float32)

    rows = Memory(tmp_path / "rows.npz").rows(texts, count)
    assert rows.ravel().tolist() == [len(text) for text in texts]
    assert len(again) == len(texts) - (BATCH if saved_every == 0.0 else 0)


# --- the command ----------------------------------------------------------------------------


@pytest.fixture
def pairs_file(tmp_path: Path) -> Path:
    rows = [
        {
            "claim": "TwigNet removes most of a network's weights.",
            "evidence": ["TwigNet, our method, removes 92% of the weights of a network."],
            "label": "supported",
        },
        {
            "claim": "TwigNet adds weights to a network.",
            "evidence": ["TwigNet, our method, removes 92% of the weights of a network."],
            "label": "refuted",
        },
        {
            "claim": "Honeybees sleep through the whole winter in caves.",
            "evidence": ["TwigNet, our method, removes 92% of the weights of a network."],
            "label": "not_found",
        },
    ]
    return write(tmp_path / "small" / "pairs.jsonl", rows)


def test_claims_command_judges_with_the_shipped_verifier(
    pairs_file: Path, models_folder: Path, tmp_path: Path
) -> None:
    environ = {
        "ASSISTANT_MODELS": str(models_folder),
        "ASSISTANT_HOME": str(tmp_path),
    }
    command = ["claims", str(pairs_file), "--json", "--cache", str(tmp_path)]
    command += ["--model", "extractive"]
    result = CliRunner().invoke(main, command, env=environ)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["small"]
    assert found["pairs"] == 3
    assert found["confusion"]["supported"]["supported"] == 1
    assert found["confusion"]["not_found"]["supported"] == 0
    assert result.stderr.startswith("small: 3 pairs")


def test_claims_command_names_what_is_no_pair(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.jsonl", [{"claim": "x"}])
    result = CliRunner().invoke(main, ["claims", str(path)])
    assert result.exit_code == 1
    assert "line 1 is no pair" in result.output
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_grounding_report_has_its_parts(
    pairs_file: Path, models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTANT_MODELS", str(models_folder))
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path))
    command = ["grounding", "--model", "extractive", "--limit", "2", "--logs", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "The fixed questions, extractive" in result.stdout
    assert "must-include facts" in result.stdout
    assert "Hostile text, extractive" in result.stdout
    assert "ms median" in result.stdout
    log = tmp_path / "grounding-extractive.jsonl"
    begun = log.read_text(encoding="utf-8").splitlines(keepends=True)[:2]
    log.write_text("".join(begun), encoding="utf-8")
    again = CliRunner().invoke(main, [*command, "--resume"])
    assert again.exit_code == 0, again.output
    kinds = [json.loads(line)["kind"] for line in log.read_text(encoding="utf-8").splitlines()]
    assert kinds == ["run", "case", "resumed", "case", "summary"]
    other = CliRunner().invoke(main, [*command, "--resume", "--seed", "5"])
    assert other.exit_code == 1
    assert "asks other questions" in other.output
