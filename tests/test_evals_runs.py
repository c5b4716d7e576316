import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from assistant.errors import InputError, UnreadableFileError
from assistant.types import Message, Paper
from evals.__main__ import main
from evals.compare import compare, permutation_p, report
from evals.log import RunLog
from evals.provenance import git_state, library_fingerprint, prompt_versions
from evals.questions import Question, Source
from evals.runner import ask_pending
from evals.summary import aligned, percentile, summarise, table

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


def ask(question, history, where=None):
    return reply(question)


def finished(path, asking=ask, questions=QUESTIONS):
    log = RunLog.create(path, STATE | {"papers": [], "home": None}, questions)
    ask_pending(log, asking)
    return log


@pytest.fixture
def log(tmp_path):
    return finished(tmp_path / "logs" / "run.jsonl")


def values(group):
    return {name: metric["value"] for name, metric in group.items() if name not in ("n", "errors")}


def test_summary_by_hand(log):
    summary = summarise(log)
    assert list(summary) == ["single", "multi", "unanswerable", "all"]
    assert values(summary["all"]) == {
        "hit@1": pytest.approx((1 + 0 + 1 / 2) / 3),
        "hit@5": 1.0,
        "mrr": pytest.approx((1 + 1 / 2 + 1) / 3),
        "citation_precision": pytest.approx((1 / 2 + 1) / 2),
        "citation_recall": 1.0,
        "facts": 0.5,
        "all_facts": 0.5,
        "violations": None,
        # Declined: s2 wrongly, u1 rightly; u2 should have been.
        "abstention_precision": 1 / 2,
        "abstention_recall": 1 / 2,
        "abstention_f1": 1 / 2,
        "wrong_abstention": pytest.approx(1 / 3),
        "words": pytest.approx((4 + 1 + 3) / 3),
        "seconds": 3.0,
        "seconds_median": 3.0,
        "seconds_p95": 5.0,
    }
    assert summary["single"]["n"] == 2
    assert summary["single"]["citation_precision"] == {"value": 0.5, "n": 1}
    assert summary["single"]["abstention_f1"] == {"value": None, "n": 0}
    assert summary["unanswerable"]["hit@1"] == {"value": None, "n": 0}


def test_never_abstaining_has_no_precision_and_an_f1_of_0(tmp_path):
    said = SAID | {"Cold?": ("4.", [], 1.0), "Price?": ("5.", [], 1.0)}
    group = summarise(finished(tmp_path / "a", lambda asked, *_, where: reply(asked, said)))["all"]
    assert group["abstention_precision"]["value"] is None
    assert group["abstention_f1"]["value"] == 0.0


def test_percentile_is_the_nearest_rank():
    assert percentile([], 0.95) is None
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([float(n) for n in range(1, 101)], 0.95) == 95.0
    assert percentile([float(n) for n in range(1, 21)], 0.95) == 19.0


def test_table(log):
    lines = table(summarise(log)).splitlines()
    assert lines[0].split() == ["single", "multi", "unanswerable", "all"]
    assert lines[1].split() == ["n", "2", "1", "2", "5"]
    assert lines[5].split() == [
        "citation",
        "precision",
        "0.500",
        "(1)",
        "1.000",
        "–",
        "0.750",
        "(2)",
    ]
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
    assert lines[-1]["summary"] == summarise(log)


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

    def counting(question, history, *, where):
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
    def interrupted(question, history, *, where):
        if question == "Both?":
            raise KeyboardInterrupt
        return reply(question)

    with pytest.raises(KeyboardInterrupt):
        finished(tmp_path / "a", interrupted)
    assert list(RunLog.read(tmp_path / "a").cases) == ["s1", "s2"]


def test_errors_are_asked_again(tmp_path):
    def failing(question, history, *, where):
        if question == "Cold?":
            raise OSError("the fridge is open")
        return reply(question)

    log = finished(tmp_path / "a", failing)
    assert summarise(log)["all"]["errors"] == 1
    assert summarise(log)["all"]["facts"] == {"value": 1.0, "n": 1}
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
    other = finished(tmp_path / "b", lambda asked, *_, where: reply(asked, said), QUESTIONS[:4])
    found = compare(log, other)
    rows = {one.metric: (one.n, one.before, one.after, one.change) for one in found.differences}
    assert rows["facts"] == (2, 0.5, 0.5, 0.0)
    assert rows["mrr"] == (3, pytest.approx(5 / 6), pytest.approx(4 / 6), pytest.approx(-1 / 6))
    assert rows["wrong_abstention"] == (3, pytest.approx(1 / 3), 0.0, pytest.approx(-1 / 3))
    assert rows["citation_precision"][0] == 2
    assert "violations" not in rows
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


def test_permutation_p():
    assert permutation_p([]) == permutation_p([0.0, 0.0]) == 1.0
    # Only all signs alike is as extreme: 2 of 2^10 = 0.00195.
    assert permutation_p([1.0] * 10) == pytest.approx(2 / 2**10, abs=0.0015)
    # Sums of three signs: |3| or |1|; an observed 1 is reached always.
    assert permutation_p([1.0, 1.0, -1.0]) == 1.0
    # 3 + 1 - 1 = 3: reached unless the 1s both oppose the 3, in 6 of 8.
    assert permutation_p([3.0, 1.0, -1.0]) == pytest.approx(6 / 8, abs=0.02)
    assert permutation_p([3.0, 1.0, -1.0], seed=4) == permutation_p([3.0, 1.0, -1.0], seed=4)


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


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_score_command(log, tmp_path):
    assert json.loads(invoke("score", log.path, "--json").stdout) == summarise(log)
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
    assert summary["all"]["hit@1"] == {"value": 1.0, "n": 2}
    log = RunLog.read(path)
    assert log.run["library"]["papers"] == 2
    assert log.run["papers"] == [str(one) for one in papers]

    assert "exists" in invoke(*base, "--papers", *papers, "--out", path).stderr
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    again = invoke("run", "--resume", path, "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["all"]["n"] == 2
    assert RunLog.read(path).cases["s1"] == log.cases["s1"]
