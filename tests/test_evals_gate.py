"""`python -m evals gate`: a drop is caught, noise isn't, and the questions are named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assistant.errors import UnreadableFileError
from assistant.settings import Settings
from evals.__main__ import main
from evals.gate.baseline import Baseline, Kept, of_run, stratified, version
from evals.gate.judging import GUARDED, HIGHER, LOWER, Judgement, judge, report
from evals.gate.run import Gate, Part
from evals.log import RunLog
from evals.questions import QUESTIONS, Question, load
from evals.solver import Case

RUN = {
    "started": "2026-01-01T00:00:00+00:00",
    "git": {"commit": "abc", "dirty": False},
    "settings": {"home": "/a", "threads": 2, "model": "extractive", "answerable_at": 0.5},
    "prompts": {},
    "machine": {},
    "library": {"papers": 1, "hash": "x"},
    "papers": [],
    "home": None,
}
ASKED = tuple(
    Question(
        id=f"q{number:02}", type="single", question=f"Number {number}?", gold=("Kettle",),
        must_include=(("hot",),),
    )
    for number in range(40)
)  # fmt: skip


def said(question: str, text: str, sentence: str = "") -> dict[str, Any]:
    """Return an answer of one sentence, cited by default to itself; an empty one abstains."""
    claims = [{"text": text, "start": 0, "end": len(text), "supported": True}]
    cited = {"paper": {"title": "Kettle"}, "claim": text, "sentence": sentence or text}
    return {
        "question": question,
        "text": text or "No paper says so.",
        "status": "answered" if text else "abstained",
        "claims": claims if text else [],
        "citations": [cited] if text else [],
        "evidence": [],
        "confidence": 0.5,
        "seconds": {"total": 1.0},
        "trace": {"hits": [{"title": "Kettle"}]},
    }


def run_of(path: Path, cold: set[int] = frozenset(), **changed: Any) -> RunLog:  # type: ignore[assignment]
    """Return a log in which the answers to the questions `cold` lack their fact."""
    log = RunLog.create(path, RUN | changed, ASKED)
    for number, question in enumerate(ASKED):
        answer = said(question.question, "It is cold." if number in cold else "It is hot.")
        log.add(Case(id=question.id, answer=answer, error="", seconds=1.0))
    return log


@pytest.fixture
def baseline(tmp_path: Path) -> Baseline:
    """Return the baseline of a run with two wrong answers."""
    log = run_of(tmp_path / "before.jsonl", {0, 1})
    return of_run(tmp_path / "baseline.json", log, log.scores(), "features", seed=0)


def judged(baseline: Baseline, log: RunLog) -> Judgement:
    return judge(baseline, log, log.scores())


def test_a_drop_is_caught_and_its_questions_are_named(baseline: Baseline, tmp_path: Path) -> None:
    found = judged(baseline, run_of(tmp_path / "a", set(range(10))))
    assert [one.split()[0] for one in found.faults] == ["facts", "all_facts", "aurc"]
    assert found.faults[0].startswith("facts 0.950 → 0.750 (n 40, p 0.0")
    assert {flip.id for flip in found.flips} == {f"q{number:02}" for number in range(2, 10)}
    shown = report(found)
    assert "  q02  facts 1 → 0  Number 2?" in shown
    assert "FAILED: facts 0.950 → 0.750" in shown
    assert "q01" not in shown


@pytest.mark.parametrize(
    "cold",
    [
        {0, 1},  # the same
        {2, 3},  # two lost, two gained
        {0, 1, 2, 3, 4, 5},  # four lost: p = 2/16
        set(),  # better
    ],
)
def test_noise_and_gains_pass(baseline: Baseline, tmp_path: Path, cold: set[int]) -> None:
    found = judged(baseline, run_of(tmp_path / "a", cold))
    assert found.faults == ()
    assert {flip.id for flip in found.flips} == {f"q{number:02}" for number in cold ^ {0, 1}}
    assert "FAILED" not in report(found)


def test_a_metric_where_less_is_better_is_read_the_other_way(
    baseline: Baseline, tmp_path: Path
) -> None:
    log = RunLog.create(tmp_path / "a", RUN, ASKED)
    for number, question in enumerate(ASKED):
        answer = said(question.question, "" if number % 4 == 2 else "It is hot.")
        log.add(Case(id=question.id, answer=answer, error="", seconds=1.0))
    faults = judged(baseline, log).faults
    assert any(one.startswith("wrong_abstention 0.000 → 0.250") for one in faults)


def test_one_more_sentence_without_support_is_enough(baseline: Baseline, tmp_path: Path) -> None:
    log = run_of(tmp_path / "a", {0, 1})
    answer = said(ASKED[5].question, "It is hot.", sentence="Fridges were sold in 1950.")
    log.add(Case(id="q05", answer=answer, error="", seconds=1.0))
    found = judged(baseline, log)
    (fault,) = found.faults
    assert fault.startswith("unsupported 0.000 → 0.025")
    assert "  q05  unsupported 0 → 1  Number 5?" in report(found)


def test_a_metric_that_is_not_scored_any_more_fails(baseline: Baseline, tmp_path: Path) -> None:
    log = RunLog.create(tmp_path / "a", RUN, ASKED)
    for number, question in enumerate(ASKED):
        answer = said(question.question, "It is hot." if number > 1 else "It is cold.")
        del answer["claims"]
        log.add(Case(id=question.id, answer=answer, error="", seconds=1.0))
    faults = judged(baseline, log).faults
    assert "unsupported isn't scored any more on any of 40 questions" in faults


def test_every_metric_that_is_guarded_exists() -> None:
    assert {one.name for one in GUARDED} == {*HIGHER, *LOWER}


def test_an_error_fails(baseline: Baseline, tmp_path: Path) -> None:
    log = run_of(tmp_path / "a", {0, 1})
    log.add(Case(id="q07", answer=None, error="OSError: the disk is full", seconds=1.0))
    assert judged(baseline, log).faults == ("q07: OSError: the disk is full",)


def test_changed_questions_and_settings_are_told(baseline: Baseline, tmp_path: Path) -> None:
    settings = {"home": "/elsewhere", "threads": 8, "model": "extractive", "answerable_at": 0.7}
    log = run_of(tmp_path / "a", {0, 1}, settings=settings)
    changed = replace(ASKED[3], must_include=(("warm",),))
    log = replace(log, questions=(*ASKED[:3], changed, *ASKED[4:]))
    found = judged(baseline, log)
    assert found.faults == ()
    assert found.notes == (
        "1 of the baseline's questions are gone or have changed",
        "settings differ: answerable_at 0.5 → 0.7",
    )
    few = judged(baseline, replace(log, questions=ASKED[:19]))
    assert any("make it anew" in one for one in few.faults)


def test_baseline_is_written_a_line_a_question_and_read_back(baseline: Baseline) -> None:
    baseline.write()
    text = baseline.path.read_text()
    assert sum(line.startswith('  "q') for line in text.splitlines()) == 40
    read = Baseline.read(baseline.path)
    assert read == baseline
    assert read.questions["q01"] == Kept(
        version=version(ASKED[1]), scores=baseline.questions["q01"].scores
    )
    assert read.questions["q01"].scores["facts"] == 0.0
    assert read.made["commit"] == "abc"
    assert read.made["settings"] == {"model": "extractive", "answerable_at": 0.5}
    assert read.made["figures"]["facts"] == 0.95
    assert read.made["entailment"] == "features"
    assert "words" not in read.questions["q01"].scores
    baseline.path.write_text("{}")
    with pytest.raises(UnreadableFileError, match="gate --update"):
        Baseline.read(baseline.path)


def test_sample_gives_each_type_its_share() -> None:
    types = ["a"] * 6 + ["b"] * 3 + ["c"]
    asked = [Question(id=str(number), type=name, question="?") for number, name in enumerate(types)]
    # Shares of 5: 3, 1.5 and 0.5; the half that is left over goes to b, named first.
    chosen = stratified(asked, 5, seed=0)
    assert [question.type for question in chosen] == ["a", "a", "a", "b", "b"]
    assert chosen == stratified(asked, 5, seed=0)
    assert chosen != stratified(asked, 5, seed=1)
    assert stratified(asked, 10, seed=0) == stratified(asked, 99, seed=0) == asked


def test_update_then_check_of_real_answers(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", models=tmp_path / "none", offline=True)
    gate = Gate(
        settings=settings, questions=load([QUESTIONS]), folder=tmp_path, logs=tmp_path / "logs"
    )
    part = Part(name="extractive", limit=12)
    assert gate.check(part).skipped
    assert "12 questions written" in gate.update(part).text
    checked = gate.check(part)
    assert checked.passed
    assert not checked.skipped
    assert checked.text.startswith("extractive: 12 questions in ")

    path = tmp_path / "extractive.json"
    record = json.loads(path.read_text())
    for one in record["questions"].values():
        one["scores"] = {"mrr": 1.5} if "mrr" in one["scores"] else {}
    path.write_text(json.dumps(record))
    dropped = gate.check(part)
    assert not dropped.passed
    assert "FAILED: mrr 1.500 → " in dropped.text
    assert not replace(gate, questions=[]).check(part).passed


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--require-local",), 1)])
def test_a_local_model_that_cannot_be_had_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], code: int
) -> None:
    monkeypatch.setenv("ASSISTANT_OFFLINE", "1")
    monkeypatch.setenv("ASSISTANT_MODELS", str(tmp_path))
    done = CliRunner().invoke(main, ["gate", "--part", "local", *options])
    assert done.exit_code == code, done.output
    assert done.stdout.startswith("local: ")
    assert f"gate {'FAILED' if code else 'passed'} in " in done.stdout
