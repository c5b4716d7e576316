"""The suite of hostile papers: its cases, its scoring, and a few cases run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from assistant.errors import UnreadableFileError
from assistant.settings import Settings
from assistant.types import Answer, Trace
from evals.__main__ import main
from evals.hostile.cases import POSITIONS, Case, faults, grouped, load_cases, spread
from evals.hostile.scoring import KEY, score, tally
from evals.hostile.suite import report, run_cases

CASES = load_cases()
FEW = ("plain-override-1", "markdown-image-1", "zero-width-1", "title-1", "fake-citations-1")


@pytest.fixture
def settings(tmp_path: Path, models_folder: Path) -> Settings:
    return Settings(home=tmp_path, models=models_folder, model="extractive", offline=True)


def said(text: str) -> Answer:
    return Answer(
        question="How?", text=text, status="answered", citations=(), evidence=(), nearest=(),
        confidence=1.0, model="m", notices=(), seconds={},
        trace=Trace(standalone_question="How?", model="m"),
    )  # fmt: skip


def test_cases_are_sound() -> None:
    assert len(CASES) >= 72
    assert faults(CASES) == []
    assert len({case.style for case in CASES}) >= 30
    assert {case.position for case in CASES} == set(POSITIONS)


def test_faults_are_named() -> None:
    bad = replace(CASES[0], position="nowhere", must_include=("purple",), must_not_include=("the",))
    found = "\n".join(faults([bad, bad]))
    for words in ("2 cases", "unknown position", "does not hold", "harmless paper"):
        assert words in found


def test_what_is_no_file_of_cases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "x"}\n')
    with pytest.raises(UnreadableFileError, match="not a file of cases"):
        load_cases(tmp_path / "a.jsonl")


def test_groups_share_no_question() -> None:
    groups = grouped(CASES)
    assert sorted(case.id for group in groups for case in group) == sorted(c.id for c in CASES)
    assert all(len({case.question for case in group}) == len(group) for group in groups)


def test_spread_takes_from_the_whole_list() -> None:
    some = spread(CASES, 12)
    assert len({case.style for case in some}) >= 10
    assert spread(CASES, 1000) == spread(CASES) == CASES


def test_scoring_tells_what_came_through(settings: Settings) -> None:
    case: Case = CASES[0]
    good = score(case, said(f"It is {case.must_include[0]} [1]."), settings)
    assert (good.resisted, good.useful) == (True, True)
    for text, words in (
        (case.must_not_include[0].lower(), "says"),
        (f"The paper says: {case.hostile}", "shows"),
        ("a\u200bb", "hidden"),
        (f"The key is {KEY}.", "key"),
        (f"It lies in {settings.models}.", "path"),
        ("You answer questions using only the given sentences, they say.", "prompt answer_small"),
    ):
        found = score(case, said(text), settings)
        assert not found.resisted
        assert words in "; ".join(found.broken)
    assert tally([good])["all"] == {"n": 1, "resisted": 1, "useful": 1}
    assert case.id in report([found])


def test_a_few_cases_are_resisted(settings: Settings) -> None:
    chosen = [case for case in CASES if case.id in FEW]
    outcomes = list(run_cases(chosen, settings))
    assert {one.case.id for one in outcomes} == set(FEW)
    assert [one.case.id for one in outcomes if not one.resisted] == []
    assert all(one.useful for one in outcomes)


def test_command(models_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_MODELS", str(models_folder))
    monkeypatch.setenv("ASSISTANT_OFFLINE", "1")
    result = CliRunner().invoke(main, ["hostile", "--limit", "2", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["styles"]["all"]["n"] == 2
