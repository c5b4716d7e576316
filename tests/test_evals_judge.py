"""The judge that compares an answer with the reference, with a chat server faked at the wire."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from assistant.errors import ModelError
from assistant.settings import Settings
from evals.__main__ import main
from evals.log import RunLog
from evals.questions import Question
from evals.runner import Way, ask_pending, judge_all
from evals.scoring import JUDGED, Scoring
from evals.scoring.judge import open_judge
from evals.summary import summarise
from tests import fakes
from tests.fakes import FakeServer, prompt_of

QUESTIONS = (
    Question(id="s1", type="single", question="Hot?", gold=("A",), reference="In 3.5 minutes."),
    Question(id="s2", type="single", question="Cold?", gold=("A",), reference="At 4 degrees."),
    Question(id="s3", type="single", question="Red?", gold=("A",)),
    Question(id="s4", type="single", question="Lid?", gold=("A",), reference="It has none."),
    Question(id="u1", type="unanswerable", question="Price?", reference="No price is given."),
)


def ask(question, history, **_):
    plain = {
        "text": f"About {question} it says 3.5 [1].",
        "status": "abstained" if question == "Lid?" else "answered",
        "citations": [],
        "seconds": {"total": 1.0},
        "trace": {"hits": []},
    }
    return SimpleNamespace(to_dict=lambda: plain)


@pytest.fixture
def settings(tmp_path: Path, server: FakeServer) -> Settings:
    return Settings(home=tmp_path, models=tmp_path, openai_base_url=server.address)


def says_by_reference(body):
    return "Yes." if "3.5 minutes" in prompt_of(body) else "No, it isn't."


def judged(log, **how):
    scores = RunLog.read(log.path).scores()
    return {one: found[JUDGED].value for one, found in scores.items()}


def begun(path, way=None):
    log = RunLog.create(path, {}, QUESTIONS)
    ask_pending(log, ask, way)
    return log


def test_a_run_is_judged_as_it_goes(tmp_path, settings, server):
    server.will(fakes.says(says_by_reference))
    log = begun(tmp_path / "a", Way(jobs=2, judge=open_judge("grader", settings)))
    # s3 has no reference, s4 declines, and of u1 there is nothing to state.
    assert judged(log) == {"s1": 1.0, "s2": 0.0, "s3": None, "s4": 0.0, "u1": None}
    assert len(server.bodies) == 2
    (body,) = (one for one in server.bodies if "3.5 minutes" in prompt_of(one))
    assert (body["model"], body["temperature"]) == ("grader", 0)
    assert prompt_of(body) == (
        "Question:\nHot?\n\nReference:\nIn 3.5 minutes.\n\nAnswer:\nAbout Hot? it says 3.5.\n\n"
        "Does the answer state what the reference states? Answer yes or no."
    )
    verdict = RunLog.read(log.path).cases["s2"].verdict
    assert verdict["reply"] == "No, it isn't."
    assert (verdict["model"], len(verdict["prompt"])) == ("grader", 12)
    assert summarise(RunLog.read(log.path))["all"][JUDGED]["n"] == 3


def test_without_a_judge_nothing_is_asked_and_nothing_scored(tmp_path, server):
    log = begun(tmp_path / "a")
    assert server.bodies == []
    assert judged(log) == {"s1": None, "s2": None, "s3": None, "s4": None, "u1": None}


def test_a_log_is_judged_later_and_once(tmp_path, settings, server):
    log = begun(tmp_path / "a")
    server.will(fakes.says(says_by_reference))
    for _ in range(2):
        judge_all(RunLog.read(log.path), open_judge("grader", settings), Scoring())
    assert judged(log)["s1"] == 1.0
    assert len(server.bodies) == 2
    # Another judge, or another reference, is another matter.
    judge_all(RunLog.read(log.path), open_judge("other", settings), Scoring())
    assert len(server.bodies) == 4
    changed = Question(**{**vars(QUESTIONS[0]), "reference": "In 5 minutes."})
    mended = RunLog.read(log.path).scored_by({"s1": changed})
    assert mended.scores()["s1"][JUDGED].value is None
    judge_all(mended, open_judge("other", settings), Scoring())
    assert len(server.bodies) == 5
    assert mended.scores()["s1"][JUDGED].value == 0.0


@pytest.mark.parametrize(
    ("behaviour", "reply"),
    [(fakes.fails(401), "OPENAI_API_KEY"), (fakes.says("Perhaps."), "Perhaps.")],
)
def test_a_judge_that_cannot_tell_is_not_a_no(tmp_path, settings, server, behaviour, reply):
    server.will(behaviour)
    log = begun(tmp_path / "a", Way(judge=open_judge("grader", settings)))
    assert judged(log)["s1"] is None
    assert reply in RunLog.read(log.path).cases["s1"].verdict["reply"]
    # It is asked again.
    server.will(fakes.says("yes"))
    judge_all(log, open_judge("grader", settings), Scoring())
    assert judged(log)["s1"] == 1.0


def test_without_address_and_key_there_is_no_judge(tmp_path):
    with pytest.raises(ModelError, match="OPENAI_BASE_URL"):
        open_judge("grader", Settings(home=tmp_path, models=tmp_path))


def test_score_command_with_a_judge(tmp_path, server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.address)
    server.will(fakes.says(says_by_reference))
    log = begun(tmp_path / "a")
    command = ["score", str(log.path), "--judge", "grader", "--entailment", "features", "--json"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)["all"][JUDGED]
    assert (found["value"], found["n"]) == (pytest.approx(1 / 3), 3)
    assert judged(log)["s1"] == 1.0
