"""`python -m evals gate`: a drop is caught, noise isn't, and the questions are named."""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from assistant.errors import UnreadableFileError
from evals.__main__ import main
from evals.gate.baseline import Baseline, Kept, of_run, stratified, version
from evals.gate.judging import GUARDED, HIGHER, LOWER, Judgement, judge, report
from evals.gate.run import Gate
from evals.log import RunLog
from evals.questions import Question
from evals.solver import Case
from tests.samples import HIVE, SAMPLE

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
TOLERANCE = 0.1
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


def run_of(path: Path, cold: Collection[int] = (), **changed: Any) -> RunLog:
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
    return judge(baseline, log, log.scores(), TOLERANCE)


def texts(found: Judgement) -> list[str]:
    return [one.text for one in found.faults]


def test_a_drop_is_caught_and_its_questions_are_named(baseline: Baseline, tmp_path: Path) -> None:
    found = judged(baseline, run_of(tmp_path / "a", set(range(1, 11))))
    assert [one.split()[0] for one in texts(found)] == ["facts", "all_facts", "aurc"]
    assert found.faults[0].text.startswith("facts 0.950 → 0.750 (n 40, p 0.0")
    fell = {f"q{number:02}" for number in range(2, 11)}
    assert {one.id for one in found.faults[0].questions} == fell
    assert {one.id for one in found.flips} == fell | {"q00"}
    named = report(found).partition("FAILED: facts 0.950 → 0.750")[2].partition("FAILED")[0]
    assert "  q02  facts 1 → 0  Number 2?" in named
    assert "q00" not in named  # it rose


@pytest.mark.parametrize(
    "cold",
    [
        {0, 1},  # the same
        {2, 3},  # two lost, two gained
        {0, 1, 2},  # one lost, of 40: the tolerance is a tenth
        {0, 1, 2, 3, 4, 5},  # four lost, no more than the tolerance: p = 2/16
        set(),  # better
    ],
)
def test_noise_and_gains_pass(baseline: Baseline, tmp_path: Path, cold: set[int]) -> None:
    found = judged(baseline, run_of(tmp_path / "a", cold))
    assert found.faults == ()
    assert {flip.id for flip in found.flips} == {f"q{number:02}" for number in cold ^ {0, 1}}
    assert "FAILED" not in report(found)


def test_a_mean_may_fall_by_the_tolerance_or_by_one_question(
    baseline: Baseline, tmp_path: Path
) -> None:
    def fails(path: str, cold: set[int], tolerance: float) -> bool:
        log = run_of(tmp_path / path, cold)
        return bool(judge(baseline, log, log.scores(), tolerance).faults)

    assert fails("a", {0, 1, 2, 3, 4, 5}, 0.09)  # 4 of 40, though p = 2/16
    assert not fails("b", {0, 1, 2}, 0.001)  # 1 of 40
    assert fails("c", {0, 1, 2, 3}, 0.001)


def test_of_many_questions_the_worst_are_named(baseline: Baseline, tmp_path: Path) -> None:
    shown = report(judged(baseline, run_of(tmp_path / "a", range(40))))
    named = shown.partition("FAILED: facts ")[2].partition("FAILED")[0].splitlines()
    assert len(named) == 1 + 38
    found = judged(baseline, run_of(tmp_path / "b", range(40)))
    many = replace(found.faults[0], questions=found.faults[0].questions * 2)
    assert "  … and 36 more" in report(replace(found, faults=(many,)))


def test_a_metric_where_less_is_better_is_read_the_other_way(
    baseline: Baseline, tmp_path: Path
) -> None:
    log = RunLog.create(tmp_path / "a", RUN, ASKED)
    for number, question in enumerate(ASKED):
        answer = said(question.question, "" if number % 4 == 2 else "It is hot.")
        log.add(Case(id=question.id, answer=answer, error="", seconds=1.0))
    found = judged(baseline, log)
    (fault,) = (one for one in found.faults if one.text.startswith("wrong_abstention"))
    assert fault.text.startswith("wrong_abstention 0.000 → 0.250")
    assert {one.id for one in fault.questions} == {f"q{number:02}" for number in range(2, 40, 4)}


def test_one_more_sentence_without_support_is_enough(baseline: Baseline, tmp_path: Path) -> None:
    log = run_of(tmp_path / "a", {0, 1})
    answer = said(ASKED[5].question, "It is hot.", sentence="Fridges were sold in 1950.")
    log.add(Case(id="q05", answer=answer, error="", seconds=1.0))
    found = judged(baseline, log)
    (fault,) = found.faults
    assert fault.text.startswith("unsupported 0.000 → 0.025")
    assert "  q05  unsupported 0 → 1  Number 5?" in report(found)


def test_a_metric_that_is_not_scored_any_more_fails(baseline: Baseline, tmp_path: Path) -> None:
    log = RunLog.create(tmp_path / "a", RUN, ASKED)
    for number, question in enumerate(ASKED):
        answer = said(question.question, "It is hot." if number > 1 else "It is cold.")
        del answer["claims"]
        log.add(Case(id=question.id, answer=answer, error="", seconds=1.0))
    faults = texts(judged(baseline, log))
    assert "unsupported isn't scored any more on any of 40 questions" in faults


def test_every_metric_that_is_guarded_exists() -> None:
    assert {one.name for one in GUARDED} == {*HIGHER, *LOWER}


def test_an_error_fails(baseline: Baseline, tmp_path: Path) -> None:
    log = run_of(tmp_path / "a", {0, 1})
    log.add(Case(id="q07", answer=None, error="OSError: the disk is full", seconds=1.0))
    assert texts(judged(baseline, log)) == ["q07: OSError: the disk is full"]


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
    assert any("make it anew by" in one for one in texts(few))


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


# --- the command, on real answers from the sample papers -------------------------------------

REAL = (
    Question(
        id="s1", type="single", question="How many honeybees did the radar study track in fog?",
        gold=(HIVE.title,), must_include=(("240",),),
    ),
    Question(id="u1", type="unanswerable", question="What does a fridge cost in Norway?"),
)  # fmt: skip


@pytest.fixture
def command(
    tmp_path: Path, models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Return what runs the command with a baseline of its own."""
    monkeypatch.setenv("ASSISTANT_OFFLINE", "1")
    monkeypatch.setenv("ASSISTANT_MODELS", str(models_folder))
    papers = tmp_path / "papers.jsonl"
    papers.write_text("".join(json.dumps(one.to_dict()) + "\n" for one in SAMPLE))
    own = {
        "questions": REAL, "papers": (papers,), "folder": tmp_path, "logs": tmp_path / "logs",
    }  # fmt: skip
    monkeypatch.setattr("evals.gate.run.Gate", lambda **given: Gate(**{**given, **own}))
    return lambda *options: CliRunner().invoke(main, ["gate", *options])


def test_command_writes_checks_and_fails(command: Callable[..., Result], tmp_path: Path) -> None:
    none = command()
    assert none.exit_code == 1
    assert "'python -m evals gate --update' writes one" in none.stdout
    assert command("--update").exit_code == 0
    same = command()
    assert (same.exit_code, "gate passed in " in same.stdout) == (0, True), same.output
    path = tmp_path / "extractive.json"
    better = re.sub(r'"recall@5": [01]\.\d+', '"recall@5": 3.0', path.read_text())
    path.write_text(better)
    worse = command()
    assert worse.exit_code == 1
    assert "FAILED: recall@5 3.000 → 1.000 (n 1" in worse.stdout
    assert f"  s1  recall@5 3 → 1  {REAL[0].question}" in worse.stdout
    assert "gate FAILED in " in worse.stdout


def test_the_local_model_is_asked_where_the_baseline_has_its_answers(
    command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("--update").exit_code == 0
    without = command("--local")
    assert without.exit_code == 0
    assert "local: no baseline" in without.stdout
    assert "'python -m evals gate --update --local' writes one" in without.stdout
    (tmp_path / "local.json").write_bytes((tmp_path / "extractive.json").read_bytes())
    monkeypatch.setenv("ASSISTANT_LOCAL_MODEL", str(tmp_path / "none.gguf"))
    asked = command("--local")
    assert asked.exit_code == 1
    assert "local: not checked. " in asked.stdout


def test_without_the_encoder_nothing_is_compared(
    command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("--update").exit_code == 0
    monkeypatch.setenv("ASSISTANT_MODELS", str(tmp_path / "empty"))
    done = command()
    assert done.exit_code == 1
    assert "extractive: not checked. " in done.stdout
