import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from assistant.errors import InputError, UnreadableFileError
from assistant.settings import Settings
from assistant.types import Message, Paper
from evals import runner
from evals.__main__ import main
from evals.compare import compare, report
from evals.log import RunLog
from evals.provenance import git_state, library_fingerprint, machine, prompt_versions
from evals.questions import Question, Source, choose
from evals.runner import Way, ask_pending, jobs_for
from evals.solver import at_once
from evals.summary import aligned, summarise, table
from tests import fakes
from tests.fakes import FakeServer
from tests.samples import SAMPLE

STATE = {
    "started": "2026-01-01T00:00:00+00:00",
    "git": {"commit": "abc", "dirty": False},
    "settings": {"home": "/a", "model": "extractive", "answerable_at": 0.5},
    "prompts": {"answer": "1"},
    "machine": {"cpus": 2},
    "library": {"papers": 2, "hash": "x"},
}
QUESTIONS = (
    Question(id="s1", type="single", question="Hot?", gold=("Kettle",), must_include=(("3.5",),)),
    Question(id="s2", type="single", question="Cold?", gold=("Fridge",), must_include=(("4",),)),
    Question(id="m1", type="multi", question="Both?", gold=("Kettle", "Fridge")),
    Question(id="u1", type="unanswerable", question="Price?"),
    Question(id="u2", type="unanswerable", question="Colour?"),
)
# What is answered: text (empty: an abstention), titles found and cited, seconds.
SAID = {
    "Hot?": ("It takes 3.5 minutes [1].", ["Kettle", "Mug"], 1.0),
    "Cold?": ("", ["Mug", "Fridge"], 2.0),
    "Both?": ("Yes [1][2].", ["Fridge", "Kettle"], 3.0),
    "Price?": ("", ["Kettle"], 4.0),
    "Colour?": ("It is red [1].", ["Mug"], 5.0),
}


def reply(question, said=SAID):
    text, titles, seconds = said[question]
    plain = {
        "question": question,
        "text": text or "These papers don't answer that.",
        "status": "answered" if text else "abstained",
        "citations": [{"paper": {"title": title}} for title in titles if text],
        "seconds": {"total": seconds},
        "trace": {"hits": [{"title": title} for title in titles]},
    }
    return SimpleNamespace(to_dict=lambda: plain)


def ask(question, history, **_):
    return reply(question)


def finished(path, asking=ask, questions=QUESTIONS, jobs=1):
    log = RunLog.create(path, STATE | {"papers": [], "home": None}, questions)
    ask_pending(log, asking, Way(jobs=jobs))
    return log


@pytest.fixture
def log(tmp_path):
    return finished(tmp_path / "logs" / "run.jsonl")


def values(group):
    return {
        name: metric["value"]
        for name, metric in group.items()
        if name not in ("n", "errors") and metric["value"] is not None
    }


def figure(group, name):
    return group[name]["value"], group[name]["n"]


def test_summary_by_hand(log):
    summary = summarise(log)
    assert list(summary) == ["single", "multi", "unanswerable", "all"]
    multi = (1 + 1 / 2) / (1 + 1 / 2)
    # What the answers of the first logs don't tell, as confidence and sentences, is missing.
    assert values(summary["all"]) == {
        "hit@1": pytest.approx((1 + 0 + 1) / 3),
        "hit@5": 1.0,
        "recall@5": 1.0,
        "mrr": pytest.approx((1 + 1 / 2 + 1) / 3),
        "ndcg@5": pytest.approx((1 + 0.63093 + multi) / 3, abs=1e-5),
        "gold_citation_precision": pytest.approx((1 / 2 + 1) / 2),
        "gold_citation_recall": 1.0,
        "facts": 0.5,
        "all_facts": 0.5,
        # Declined: s2 wrongly, u1 rightly; u2 should have been.
        "abstention_precision": 1 / 2,
        "abstention_recall": 1 / 2,
        "abstention_f1": 1 / 2,
        "wrong_abstention": pytest.approx(1 / 3),
        "words": pytest.approx((4 + 1 + 3) / 3),
        "seconds_median": 3.0,
        "seconds_p95": 5.0,
    }
    assert summary["single"]["n"] == 2
    assert figure(summary["single"], "gold_citation_precision") == (0.5, 1)
    assert figure(summary["single"], "abstention_f1") == (None, 0)
    assert figure(summary["unanswerable"], "hit@1") == (None, 0)
    assert figure(summary["all"], "abstention_precision") == (0.5, 2)
    assert summary["single"]["gold_citation_precision"]["low"] is None
    seconds = summary["all"]["seconds_median"]
    assert 1.0 <= seconds["low"] <= 3.0 <= seconds["high"] <= 5.0


def test_the_area_under_the_curve_comes_with_the_curve(tmp_path):
    confidence = {"Hot?": 0.9, "Cold?": 0.2, "Both?": 0.5, "Price?": 0.1, "Colour?": 0.8}

    def sure(question, history, **_):
        plain = reply(question).to_dict() | {"confidence": confidence[question]}
        return SimpleNamespace(to_dict=lambda: plain)

    group = summarise(finished(tmp_path / "a", sure))["all"]["aurc"]
    # Hot right, Colour unanswerable, Cold declined, Price unanswerable; Both says no facts.
    risks = [0, 1 / 2, 2 / 3, 3 / 4]
    assert (group["value"], group["n"]) == (pytest.approx(sum(risks) / 4), 4)
    assert [share for share, _ in group["curve"]] == [tenth / 10 for tenth in range(1, 11)]
    assert [risk for _, risk in group["curve"]] == pytest.approx(
        [risks[place] for place in (0, 0, 1, 1, 1, 2, 2, 3, 3, 3)]
    )


def test_never_abstaining_has_no_precision_and_an_f1_of_0(tmp_path):
    said = SAID | {"Cold?": ("4.", [], 1.0), "Price?": ("5.", [], 1.0)}
    group = summarise(finished(tmp_path / "a", lambda asked, _, **__: reply(asked, said)))["all"]
    assert group["abstention_precision"]["value"] is None
    assert group["abstention_f1"]["value"] == 0.0


def test_table(log):
    summary = summarise(log)
    lines = table(summary).splitlines()
    assert lines[0].split() == ["single", "multi", "unanswerable", "all", "95", "%"]
    assert lines[1].split() == ["n", "2", "1", "2", "5"]
    shown = {line[:33].strip(): line[33:].split() for line in lines}
    assert shown["citation precision (gold papers)"][:7] == [
        "0.500",
        "(1)",
        "1.000",
        "–",
        "0.750",
        "(2)",
        "[0.500,",
    ]
    # A figure that no type has takes no line, and is not silently left out.
    assert "AURC" not in shown
    assert lines[-1].startswith("Not scored: gold sentences read, gold sentences cited, citation")
    both = table(summary, intervals=True).splitlines()
    assert "[0.500, 1.000]" in next(line for line in both if line.startswith("MRR"))
    assert aligned([["a", "bb"], ["cc", "d"]]) == "a   bb\ncc   d"


def test_round_trip(log):
    read = RunLog.read(log.path)
    assert read == log
    assert read.run["git"] == {"commit": "abc", "dirty": False}
    assert read.questions == QUESTIONS
    assert read.scores() == log.scores()
    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["run", *["case"] * 5, "summary"]
    assert lines[1]["answer"] == reply("Hot?").to_dict()
    assert lines[1]["scores"]["facts"] == {"value": 1.0, "reason": "all stated"}
    assert lines[-1]["summary"] == json.loads(json.dumps(summarise(log)))
    assert lines[-1]["entailment"] == "features"


def test_the_order_of_the_cases_in_the_log_does_not_matter(log):
    first, *cases, last = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join([first, *cases[::-1], last]))
    turned = RunLog.read(log.path)
    assert list(turned.cases) == ["u2", "u1", "m1", "s2", "s1"]
    assert list(turned.scores()) == [one.id for one in QUESTIONS]
    assert summarise(turned) == summarise(log)


def test_the_conversation_is_put_with_the_question(tmp_path):
    turns = (Message(role="user", content="Hot?"), Message(role="assistant", content="Yes."))
    question = Question(id="f1", type="follow_up", question="Cold?", gold=("A",), history=turns)
    seen = []

    def listening(asked, history, *, where):
        seen.append((asked, history, where))
        return reply(asked)

    log = finished(tmp_path / "a", listening, (question,))
    assert seen == [("Cold?", turns, None)]
    assert RunLog.read(log.path).questions == (question,)


def test_the_filter_is_put_with_the_question(tmp_path):
    filtered = Question(**{**vars(QUESTIONS[1]), "where": "title:fridge"})
    seen = []

    def listening(asked, history, *, where):
        seen.append(where)
        return reply(asked)

    log = finished(tmp_path / "a", listening, (filtered, QUESTIONS[0]))
    assert seen == ["title:fridge", None]
    assert RunLog.read(log.path).questions == log.questions
    # Asked of other papers, it is another question.
    assert compare(finished(tmp_path / "b"), log).unpaired == ("m1", "s2", "u1", "u2")


def test_a_log_from_before_there_were_filters_is_read(log):
    first, *rest = log.path.read_text().splitlines(keepends=True)
    older = json.loads(first)
    for question in older["questions"]:
        del question["where"]
    log.path.write_text(json.dumps(older) + "\n" + "".join(rest))
    assert RunLog.read(log.path).questions == QUESTIONS


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_resume_after_a_cut(log, cut):
    whole = log.path.read_bytes()
    # Two cases and the beginning of a third.
    kept = b"".join(whole.splitlines(keepends=True)[:3])
    log.path.write_bytes(whole[: len(kept) + cut])
    again = RunLog.read(log.path)
    assert [one.id for one in again.pending()] == ["m1", "u1", "u2"]
    again.resume(STATE)
    asked = []

    def counting(question, history, **_):
        asked.append(question)
        return reply(question)

    ask_pending(again, counting)
    assert asked == ["Both?", "Price?", "Colour?"]
    read = RunLog.read(log.path)
    assert read.scores() == log.scores()
    assert read.pending() == []
    kinds = [json.loads(line)["kind"] for line in log.path.read_text().splitlines()]
    assert kinds == ["run", "case", "case", "resumed", "case", "case", "case", "summary"]


def test_an_interrupted_run_has_kept_its_cases(tmp_path):
    def interrupted(question, history, **_):
        if question == "Both?":
            raise KeyboardInterrupt
        return reply(question)

    with pytest.raises(KeyboardInterrupt):
        finished(tmp_path / "a", interrupted)
    assert list(RunLog.read(tmp_path / "a").cases) == ["s1", "s2"]


def test_errors_are_asked_again(tmp_path):
    def failing(question, history, **_):
        if question == "Cold?":
            raise OSError("the fridge is open")
        return reply(question)

    log = finished(tmp_path / "a", failing)
    assert summarise(log)["all"]["errors"] == 1
    assert figure(summarise(log)["all"], "facts") == (1.0, 1)
    again = RunLog.read(log.path)
    assert [one.id for one in again.pending()] == ["s2"]
    again.resume(STATE)
    ask_pending(again, ask)
    read = RunLog.read(log.path)
    assert summarise(read)["all"]["errors"] == 0
    assert read.cases["s2"].error == ""


def test_resume_refuses_another_state(log):
    elsewhere = STATE | {"settings": STATE["settings"] | {"home": "/b", "models": "/c"}}
    RunLog.read(log.path).resume(elsewhere)
    for part, changed in (
        ("settings", STATE["settings"] | {"answerable_at": 0.6}),
        ("prompts", {"answer": "2"}),
        ("library", {"papers": 3, "hash": "y"}),
    ):
        with pytest.raises(InputError, match=f"made with other {part}"):
            RunLog.read(log.path).resume(STATE | {part: changed})


def test_a_log_is_never_written_over(log, tmp_path):
    with pytest.raises(InputError, match="exists"):
        RunLog.create(log.path, STATE, QUESTIONS)
    with pytest.raises(InputError, match="same id"):
        RunLog.create(tmp_path / "b", STATE, (*QUESTIONS, QUESTIONS[0]))


@pytest.mark.parametrize("text", ["", "{}\n", "tea\n", '{"kind": "run"}\n', '{"kind": "ru'])
def test_what_is_no_log_is_refused(tmp_path, text):
    (tmp_path / "a").write_text(text)
    with pytest.raises(UnreadableFileError):
        RunLog.read(tmp_path / "a")


def test_diff(log, tmp_path):
    said = SAID | {
        "Hot?": ("It is hot [1].", ["Mug", "Kettle"], 1.0),
        "Cold?": ("It is 4 degrees [1].", ["Mug", "Fridge"], 2.5),
    }
    other = finished(tmp_path / "b", lambda asked, _, **__: reply(asked, said), QUESTIONS[:4])
    found = compare(log, other)
    rows = {one.metric: (one.n, one.before, one.after, one.change) for one in found.differences}
    assert rows["facts"] == (2, 0.5, 0.5, 0.0)
    assert rows["mrr"] == (3, pytest.approx(5 / 6), pytest.approx(4 / 6), pytest.approx(-1 / 6))
    assert rows["wrong_abstention"] == (3, pytest.approx(1 / 3), 0.0, pytest.approx(-1 / 3))
    assert rows["gold_citation_precision"][0] == 2
    assert "violations" not in rows
    # Of "words" A has the answers to Hot and Both, B that to Cold, too.
    words = next(one for one in found.differences if one.metric == "words")
    assert (words.n, words.only_before, words.only_after) == (2, 0, 1)
    f1 = next(one for one in found.differences if one.metric == "abstention_f1")
    assert (f1.n, f1.before, f1.after) == (4, pytest.approx(2 / 3), 1.0)
    assert 0 < f1.p <= 1
    flips = {(one.id, one.metric, one.before, one.after) for one in found.flips}
    assert flips == {
        ("s1", "all_facts", 1.0, 0.0),
        ("s2", "all_facts", 0.0, 1.0),
        ("s2", "wrong_abstention", 1.0, 0.0),
    }
    assert found.unpaired == ("u2",)
    shown = report(found)
    assert "  s1  all_facts 1 → 0  Hot?" in shown
    assert "Not in both (1): u2" in shown


def test_diff_uses_the_newer_facts_for_both(log, tmp_path):
    mended = Question(**{**vars(QUESTIONS[0]), "must_include": (("4.5",),)})
    reworded = Question(**{**vars(QUESTIONS[1]), "question": "Price?"})
    other = finished(tmp_path / "b", questions=(mended, reworded))
    found = compare(log, other)
    facts = next(one for one in found.differences if one.metric == "facts")
    assert (facts.n, facts.before, facts.after) == (1, 0.0, 0.0)
    assert found.unpaired == ("m1", "s2", "u1", "u2")


def test_what_one_run_alone_can_say_is_not_compared_with_zero(log, tmp_path):
    def told(question, history, **_):
        plain = reply(question).to_dict()
        tokens = {"requests": 1, "unreported": 0, "prompt": 90, "completion": 10}
        return SimpleNamespace(to_dict=lambda: plain | {"trace": {"hits": [], "tokens": tokens}})

    found = compare(log, finished(tmp_path / "b", told))
    tokens = next(one for one in found.differences if one.metric == "tokens")
    assert (tokens.n, tokens.before, tokens.change, tokens.p) == (0, None, None, None)
    assert (tokens.only_before, tokens.only_after) == (0, 5)
    assert "tokens" in report(found)


def test_fingerprint_knows_contents_and_no_order():
    papers = [Paper(id=name, title=name, abstract=f"About {name}.") for name in "ab"]
    changed = Paper(id="b", title="b", abstract="About c.")
    assert library_fingerprint(papers) == library_fingerprint(papers[::-1])
    assert library_fingerprint(papers)["papers"] == 2
    assert library_fingerprint(papers) != library_fingerprint([papers[0], changed])


def test_git_and_prompts(tmp_path):
    assert git_state(tmp_path) == {"commit": None, "dirty": None}
    assert all(len(version) == 12 for version in prompt_versions().values())
    assert "answer_small" in prompt_versions()
    assert machine()["memory_gb"] > 0
    assert machine()["processor"]


# --- several at once ------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3])
def test_as_many_questions_are_asked_at_once_as_there_are_jobs(tmp_path, jobs):
    together = threading.Barrier(jobs)
    most, now, counting = 0, 0, threading.Lock()

    def slow(question, history, **_):
        nonlocal most, now
        with counting:
            now += 1
            most = max(most, now)
        together.wait(20)
        with counting:
            now -= 1
        return reply(question)

    questions = (*QUESTIONS, replace(QUESTIONS[0], id="s3"))
    log = finished(tmp_path / "a", slow, questions, jobs)
    assert most == jobs
    assert RunLog.read(log.path).pending() == []
    assert summarise(RunLog.read(log.path)) == summarise(finished(tmp_path / "b", ask, questions))


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_an_error_leaves_is_freed_in_every_thread(tmp_path, jobs):
    freed = set()

    def failing(question, history, **_):
        raise OSError("no tea")

    log = RunLog.create(tmp_path / "a", STATE, QUESTIONS)
    ask_pending(log, failing, Way(jobs=jobs), lambda: freed.add(threading.current_thread().name))
    assert summarise(log)["all"]["errors"] == 5
    assert freed
    assert all(name.startswith("question") is (jobs > 1) for name in freed)


def test_an_interrupted_parallel_run_keeps_what_was_under_way(tmp_path, capsys):
    other_began = threading.Event()

    def interrupted(question, history, **_):
        if question == "Hot?":
            other_began.wait(20)
            raise KeyboardInterrupt
        other_began.set()
        time.sleep(0.2)
        return reply(question)

    with pytest.raises(KeyboardInterrupt):
        finished(tmp_path / "a", interrupted, jobs=2)
    assert f"--resume {tmp_path / 'a'}" in capsys.readouterr().err
    log = RunLog.read(tmp_path / "a")
    assert "s2" in log.cases
    assert len(log.cases) < 4
    log.resume(STATE)
    ask_pending(log, ask, Way(jobs=2))
    assert RunLog.read(log.path).scores() == finished(tmp_path / "b").scores()


def test_no_work_is_begun_after_the_reader_has_stopped():
    begun = []

    def work(question):
        begun.append(question.id)
        time.sleep(0.05)
        return question.id

    reading = at_once(2, work, [replace(QUESTIONS[0], id=str(n)) for n in range(50)])
    next(reading)
    reading.close()
    assert len(begun) < 10


def test_jobs_suit_the_model(tmp_path):
    def settings(model):
        return Settings(home=tmp_path, models=tmp_path, model=model)

    assert jobs_for(settings("local")) == jobs_for(settings("local"), 1) == 1
    with pytest.raises(InputError, match="one question at a time"):
        jobs_for(settings("local"), 2)
    assert jobs_for(settings("extractive")) <= 4
    assert jobs_for(settings("openai")) == 8
    assert jobs_for(settings("openai"), 3) == jobs_for(settings("extractive"), 3) == 3


def made_up(tmp_path: Path) -> list[Path]:
    """Return files of the sample papers."""
    papers = []
    for number, paper in enumerate(SAMPLE):
        record = {"title": paper.title, "abstract": paper.abstract, "year": paper.year}
        papers.append(tmp_path / f"{number}.jsonl")
        papers[-1].write_text(json.dumps(record) + "\n")
    return papers


def made_up_questions() -> list[Question]:
    asked = (
        ("How much of a ResNet-50 does TwigNet remove?", 0, "92%"),
        ("How many questions has the dataset about films?", 1, "12,000"),
        ("What do honeybees follow in fog?", 2, "hedges"),
        ("To what does recall at ten rise by neighbouring harbours?", 3, "71%"),
        ("How fast are small proteins predicted on a laptop?", 4, "3.5 seconds"),
    )
    found = [
        Question(
            id=f"s{number}",
            type="single",
            question=text,
            gold=(SAMPLE[place].title,),
            must_include=((fact,),),
        )
        for number, (text, place, fact) in enumerate(asked)
    ]
    return [*found, Question(id="u", type="unanswerable", question="Who was king of Siam?")]


def test_two_runs_with_one_seed_agree_exactly(tmp_path, models_folder):
    settings = Settings(
        home=tmp_path, models=models_folder, model="extractive", offline=True, threads=2
    )
    plan = runner.Plan(settings=settings, papers=tuple(made_up(tmp_path)))
    logs = []
    for number, jobs in enumerate((1, 3)):
        chosen = choose(made_up_questions(), limit=5, seed=7)
        logs.append(runner.start(plan, chosen, tmp_path / f"log-{number}", Way(jobs=jobs)))
    assert logs[0].questions == logs[1].questions

    def timeless(log):
        cases = {one: dict(case.answer) for one, case in log.cases.items()}
        return {
            one: answer | {"seconds": None, "trace": answer["trace"] | {"stages": None}}
            for one, answer in cases.items()
        }

    assert timeless(logs[0]) == timeless(logs[1])
    one, other = (summarise(log)["all"] for log in logs)
    assert {name for name in one if one[name] != other[name]} <= {
        name for name in one if name.startswith("seconds")
    }
    assert one["facts"]["value"] > 0.5
    assert one["alce_citation_recall"]["value"] == 1.0
    assert one["seconds_first_text_median"]["n"] == 5
    found = compare(*logs)
    assert all(
        row.change == 0 and row.p == 1 for row in found.differences if "seconds" not in row.metric
    )
    assert found.flips == ()


@pytest.mark.slow
def test_ctrl_c_leaves_a_log_that_goes_on(tmp_path: Path, server: FakeServer) -> None:
    papers = made_up(tmp_path)
    file = tmp_path / "questions.jsonl"
    questions = [
        replace(
            made_up_questions()[0], id=f"s{number}", question=f"TwigNet removes how much? {number}"
        )
        for number in range(12)
    ]
    file.write_text("".join(json.dumps(one.to_dict()) + "\n" for one in questions))
    path = tmp_path / "run.jsonl"

    def slowly(handler, body):
        time.sleep(0.5)
        fakes.says("TwigNet removes 92% of the weights of a ResNet-50.")(handler, body)

    server.will(slowly)
    environ = {
        **os.environ,
        "OPENAI_BASE_URL": server.address,
        "ASSISTANT_MODELS": str(tmp_path / "none"),
        "ASSISTANT_OFFLINE": "1",
    }
    command = [sys.executable, "-m", "evals", "run"]
    begin = ["--questions", file, "--papers", *papers, "--model", "openai", "--out", path]
    process = subprocess.Popen(
        [*command, *map(str, begin), "--jobs", "2"],
        env=environ,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    until = time.monotonic() + 120
    while not path.exists() or len(path.read_bytes().splitlines()) < 4:
        assert time.monotonic() < until, "no case was written"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"--resume {path}" in said
    kept = RunLog.read(path)
    assert 3 <= len(kept.cases) < 12
    assert kept.run["jobs"] == 2
    server.will(fakes.says("TwigNet removes 92% of the weights of a ResNet-50."))
    options = ["--resume", str(path), "--jobs", "4", "--entailment", "features", "--json"]
    done = subprocess.run(
        [*command, *options], env=environ, capture_output=True, text=True, check=True, timeout=120
    )
    found = json.loads(done.stdout)["all"]
    assert (found["n"], found["errors"], found["facts"]["value"]) == (12, 0, 1.0)
    log = RunLog.read(path)
    assert {one: log.cases[one] for one in kept.cases} == kept.cases


# --- commands -------------------------------------------------------------------------------


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_score_command(log, tmp_path):
    shown = invoke("score", log.path, "--json").stdout
    assert json.loads(shown) == json.loads(json.dumps(summarise(log)))
    assert "must-include facts" in invoke("score", log.path).stdout
    mended = Question(**{**vars(QUESTIONS[0]), "must_include": (("4.5",),)})
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps(mended.to_dict()))
    rescored = json.loads(invoke("score", log.path, "--questions", file, "--json").stdout)
    assert rescored["single"]["facts"]["value"] == 0.0


def test_diff_command(log):
    assert "Flipped" not in invoke("diff", log.path, log.path).stdout
    found = json.loads(invoke("diff", log.path, log.path, "--json").stdout)
    assert {one["p"] for one in found["differences"]} == {1.0}
    assert {one["change"] for one in found["differences"]} == {0.0}


def test_validate_command(tmp_path):
    papers = []
    for title in ("Kettle", "Fridge"):
        paper = {"title": title, "abstract": f"The {title} has 3.5 legs and 4 eyes."}
        papers.append(tmp_path / f"{title}.jsonl")
        papers[-1].write_text(json.dumps(paper) + "\n")
    facts = {"Kettle": (("3.5",),), "Fridge": (("4",),)}
    asked = [
        Question(
            id=title,
            type="single",
            question=f"How well does one stand with {title}s nearby?",
            gold=(title,),
            evidence=(Source(paper=title, find=("legs",)),),
            must_include=must,
            reference="It has 3.5 legs and 4 eyes.",
        )
        for title, must in facts.items()
    ]
    questions = tmp_path / "questions"
    questions.mkdir()
    file = questions / "all.jsonl"
    file.write_text("".join(json.dumps(one.to_dict()) + "\n" for one in asked))
    sound = invoke("validate", "--papers", *papers, "--questions", questions)
    assert (sound.exit_code, sound.stdout) == (0, "2 questions, 2 papers: 0 problems\n")
    lacking = invoke("validate", "--questions", file, "--papers", papers[0])
    assert lacking.exit_code == 1
    assert "Fridge: no paper of the library is “Fridge”" in lacking.stdout


def test_the_fixed_questions_are_sound_and_enough():
    result = invoke("validate")
    assert (result.exit_code, result.stdout.endswith(", 140 papers: 0 problems\n")) == (0, True)


def test_the_fixed_questions_are_sound_of_the_real_abstracts(seeds):
    result = invoke("validate", "--papers", *seeds)
    assert result.exit_code == 0, result.stdout


def test_the_fixed_questions_must_ask_about_every_paper(tmp_path):
    another = tmp_path / "more.jsonl"
    another.write_text(
        json.dumps({"title": "Mugs", "abstract": "A mug holds three cups of any tea, always."})
        + "\n"
    )
    bundled = Path(__file__).parents[1] / "assistant" / "data" / "library.jsonl"
    result = invoke("validate", "--papers", bundled, another)
    assert result.stdout.splitlines()[0] == "no single-paper question asks about “Mugs”"
    assert result.exit_code == 1


def test_an_option_without_its_value_is_refused():
    assert invoke("validate", "--papers").exit_code == 2


def test_a_bad_log_is_one_message(tmp_path):
    (tmp_path / "a").write_text("tea\n")
    result = invoke("score", tmp_path / "a")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


def test_resume_takes_no_other_options(log):
    result = invoke("run", "--resume", log.path, "--limit", "3")
    assert result.exit_code == 2
    assert "drop limit" in result.stderr


def test_run_and_resume_commands_without_models(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSISTANT_OFFLINE", "1")
    monkeypatch.setenv("ASSISTANT_MODELS", str(tmp_path / "no-models"))
    papers = []
    for title, heat in (("Kettle", "hot"), ("Fridge", "cold")):
        record = {"title": title, "abstract": f"A {title} is {heat} within 3.5 minutes, always."}
        papers.append(tmp_path / f"{title}.jsonl")
        papers[-1].write_text(json.dumps(record) + "\n")
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(one.to_dict()) + "\n" for one in QUESTIONS))
    path = tmp_path / "run.jsonl"
    base = ("run", "--questions", file, "--model", "extractive")
    first = invoke(*base, "--papers", *papers, "--type", "single", "--out", path, "--json")
    assert first.exit_code == 0, first.stderr
    summary = json.loads(first.stdout)
    assert list(summary) == ["single", "all"]
    assert figure(summary["all"], "hit@1") == (1.0, 2)
    assert figure(summary["all"], "alce_citation_recall") == (1.0, 2)
    log = RunLog.read(path)
    assert log.run["library"]["papers"] == 2
    assert log.run["papers"] == [str(one) for one in papers]

    assert "exists" in invoke(*base, "--papers", *papers, "--out", path).stderr
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    (kept,) = RunLog.read(path).cases
    again = invoke("run", "--resume", path, "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["all"]["n"] == 2
    again_read = RunLog.read(path)
    assert again_read.cases[kept] == log.cases[kept]
    assert again_read.pending() == []
