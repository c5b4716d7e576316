"""The kill test itself: it passes on a sound library, and sees each kind of damage."""

from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.settings import Settings
from assistant.types import Paper
from evals.readings import Reading
from evals.torture.compare import compare_at_the_end, compare_while_unfinished
from evals.torture.kills import run_kills
from evals.torture.outcome import Outcome
from evals.torture.plan import Plan

PAPERS = [
    Paper(id=f"p{n}", title=f"Study {n}", abstract=f"We measured {n} bees in amber.", source="a")
    for n in range(4)
]
EXPECTED = {paper.title: paper.abstract for paper in PAPERS}


@pytest.fixture
def settings(tmp_path: Path, models_folder: Path) -> Settings:
    return Settings(home=tmp_path / "home", models=models_folder, model="extractive", offline=True)


@pytest.fixture
def assistant(settings: Settings) -> Assistant:
    """Return a closed assistant with four papers."""
    made = Assistant(settings)
    made.add_papers(PAPERS)
    made.close()
    return made


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_commands_lose_and_double_nothing(settings: Settings) -> None:
    said: list[str] = []
    plan = Plan(settings=settings, trials=7, papers=20, seed=1, say=said.append)
    outcomes = run_kills(plan)
    assert all(outcome.is_clean for outcome in outcomes), "\n".join(map(str, outcomes))
    assert sum(outcome.trials for outcome in outcomes) == 7
    names = [outcome.fault.removeprefix("kill -9 of ") for outcome in outcomes]
    assert names == ["add", "sync", "doctor --rebuild", "reembed", "serve", "copy"]


def ended(settings: Settings, expected: dict[str, str]) -> Outcome:
    outcome = Outcome()
    compare_at_the_end(settings.home, settings, expected, outcome, "step")
    return outcome


def test_sound_library_is_clean(settings: Settings, assistant: Assistant) -> None:
    assert ended(settings, EXPECTED).is_clean


def test_missing_and_changed_papers_are_seen(settings: Settings, assistant: Assistant) -> None:
    more = ended(settings, EXPECTED | {"Study 9": "We measured 9 bees."})
    assert more.lost == 1
    other = ended(settings, EXPECTED | {"Study 1": "We measured nothing."})
    assert not other.is_clean
    assert "other papers or texts" in str(other)


def test_missing_vectors_and_words_are_seen(settings: Settings, assistant: Assistant) -> None:
    with Assistant(settings) as damaged:
        damaged.library.store().remove(["p1"])
        damaged.library.lexical.update([], ["p2"])
    outcome = ended(settings, EXPECTED)
    assert outcome.lost == 1
    assert any("vectors are of other papers" in fault for fault in outcome.wrong)


def test_half_done_steps_may_hold_either_text_but_no_third(
    settings: Settings, assistant: Assistant
) -> None:
    edited = EXPECTED | {"Study 1": "We measured nothing."}
    outcome = Outcome()
    compare_while_unfinished(settings.home, settings, EXPECTED, edited, outcome, "step")
    assert outcome.is_clean
    third = EXPECTED | {"Study 1": "One text."}, EXPECTED | {"Study 1": "Another text."}
    compare_while_unfinished(settings.home, settings, *third, outcome, "step")
    assert "a text that was never given" in str(outcome)
    gone = EXPECTED | {"Study 7": "Of both states."}
    compare_while_unfinished(settings.home, settings, gone, gone, outcome, "step")
    assert outcome.lost == 1


def test_readings_stand_beside_their_limits() -> None:
    most = str(Reading(name="a", value=0.5, limit=2, unit="s"))
    assert most.split() == ["a", "0.5", "s", "≤", "2", "0.25"]
    least = str(Reading(name="b", value=0.95, limit=0.9, unit="", at_least=True))
    assert "≥    0.9" in least
