"""The check of the checker, on made-up labels."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import InputError, UnreadableFileError
from evals.__main__ import main
from evals.label_check import Label, figures, load_labels, read_again, report
from evals.scoring.entailment import Premise, by_features
from evals.verifier.measures import cohens_kappa, precision_recall

TWIG = "TwigNet removes 92% of the weights of a ResNet-50."
BEES = "Most bees followed hedges and ditches instead of the sun."
ROWS = [
    {"claim": TWIG, "evidence": [TWIG], "label": "supported", "by": "Ada", "question_id": "s1"},
    {"claim": TWIG, "evidence": [BEES], "label": "unsupported", "by": "Ada", "question_id": "s2"},
    {"claim": TWIG, "evidence": [BEES], "label": "supported", "by": "Ben", "question_id": "s3"},
    {"claim": TWIG, "evidence": [], "label": "unsupported", "by": "Ben", "question_id": "s4"},
]


def write(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "\n", encoding="utf-8")
    return path


# --- measures -------------------------------------------------------------------------------


def test_kappa_by_hand():
    # po = 3/4; pe = 3/4 * 1/2 + 1/4 * 1/2 = 1/2.
    kappa = cohens_kappa([True, True, True, False], [True, True, False, False])
    assert kappa == pytest.approx((3 / 4 - 1 / 2) / (1 / 2))
    assert cohens_kappa([True, False], [False, True]) == -1.0
    # All alike: nothing beyond chance can be told.
    assert cohens_kappa([True, True], [True, True]) is None
    assert cohens_kappa([], []) is None


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=20))
def test_kappa_knows_no_order_of_judges_and_no_names(pairs):
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    kappa = cohens_kappa(first, second)
    turned = cohens_kappa([not one for one in second], [not one for one in first])
    assert (kappa is None) is (turned is None)
    if kappa is not None:
        assert kappa == pytest.approx(turned)
        assert kappa <= 1


def test_precision_and_recall_by_hand():
    assert precision_recall([True, True, False], [True, False, True]) == (1 / 2, 1 / 2)
    assert precision_recall([True, False], [False, False]) == (None, 0.0)
    assert precision_recall([False, False], [True, False]) == (0.0, None)


# --- labels ---------------------------------------------------------------------------------


def test_labels_are_read(tmp_path: Path) -> None:
    titled = ROWS[0] | {"evidence": [TWIG, BEES], "titles": ["TwigNet", "Bees"]}
    first, last = load_labels([write(tmp_path / "a", [titled]), write(tmp_path / "b", [ROWS[3]])])
    assert first == Label(
        claim=TWIG,
        premises=(Premise(text=TWIG, title="TwigNet"), Premise(text=BEES, title="Bees")),
        supported=True,
        by="Ada",
        question_id="s1",
    )
    assert (last.premises, last.supported) == ((), False)


@pytest.mark.parametrize(
    "row",
    [
        {"claim": "x", "label": "supported"},
        {"claim": "x", "evidence": ["y"], "label": "maybe"},
        {"claim": "x", "evidence": "y", "label": "supported"},
        {"claim": "x", "evidence": ["y"], "titles": ["a", "b"], "label": "supported"},
        ["x"],
    ],
)
def test_a_line_that_is_no_label_is_named(tmp_path: Path, row) -> None:
    with pytest.raises(UnreadableFileError, match=r"line 2: not a label .* supported, unsupported"):
        load_labels([write(tmp_path / "a", [ROWS[0], row])])


def test_no_labels_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no labels"):
        load_labels([write(tmp_path / "a", [])])


def test_agreement_by_hand(tmp_path: Path) -> None:
    found = figures(read_again(load_labels([write(tmp_path / "a", ROWS)]), by_features()))
    # The function finds the first supported and no other; Ben sees more in the third.
    assert (found["n"], found["supported"], found["unsupported"]) == (4, 2, 2)
    assert found["by"] == {"Ada": 2, "Ben": 2}
    assert found["agreement"] == 3 / 4
    # pe = 1/2 * 1/4 + 1/2 * 3/4.
    assert found["kappa"] == pytest.approx(1 / 2)
    assert (found["unsupported_precision"], found["unsupported_recall"]) == (2 / 3, 1.0)
    assert found["balanced_accuracy"] == 3 / 4
    # Of the three with evidence: the third as likely as the second, the first above it.
    assert found["auroc"] == pytest.approx((1 + 1 / 2) / 2)
    (one,) = found["disagreements"]
    assert (one["question_id"], one["by"], one["label"]) == ("s3", "Ben", "supported")
    assert one["probability"] < 0.5
    shown = report(found, "features")
    assert "4 labels (Ada 2, Ben 2): 2 supported, 2 unsupported" in shown
    assert "agreement 0.750, Cohen's kappa 0.500" in shown
    assert "“unsupported”: precision 0.667, recall 1.000" in shown
    assert f"Ben says supported: {TWIG}\n      “{BEES}”" in shown


def test_what_the_labels_do_not_tell_is_not_scored(tmp_path: Path) -> None:
    found = figures(read_again(load_labels([write(tmp_path / "a", ROWS[:1])]), by_features()))
    assert found["agreement"] == 1.0
    assert found["kappa"] is found["auroc"] is found["unsupported_precision"] is None
    assert "kappa not scored" in report(found, "features")
    assert "Disagreements" not in report(found, "features")


def test_labels_command(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a", ROWS))
    shown = CliRunner().invoke(main, ["labels", path, "--entailment", "features"])
    assert (shown.exit_code, "Disagreements (1):" in shown.stdout) == (0, True)
    plain = CliRunner().invoke(main, ["labels", path, path, "--entailment", "features", "--json"])
    assert json.loads(plain.stdout)["n"] == 8
