import json

import pytest

from assistant.errors import InputError, UnreadableFileError
from assistant.types import Message, Paper
from evals.matching import contains, without_marks
from evals.questions import Question, Source, choose, copied, load, validate

KETTLE = Paper(
    id="kettle",
    title="Kettle: Boiling Water with Graphs",
    abstract="Kettle heats water on a graph. It needs 3.5 minutes for 12 cups.",
)
TEAPOT = Paper(id="teapot", title="The Teapot", abstract="Teapots keep tea warm. They are round.")
GOOD = Question(
    id="k1",
    type="single",
    question="How long until a dozen servings are hot?",
    gold=("KETTLE – boiling water with graphs",),
    evidence=(Source(paper=KETTLE.title, find=("12 cups", "3.5")),),
    must_include=(("3.5 minutes", "210 seconds"),),
)


def faulty(**changes):
    question = Question(**{**vars(GOOD), **changes})
    return validate([question], [KETTLE, TEAPOT])


def test_a_sound_question_has_no_fault():
    unanswerable = Question(id="u1", type="unanswerable", question="Who sells it?")
    assert validate([GOOD, unanswerable], [KETTLE, TEAPOT]) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"gold": (*GOOD.gold, "The Mug")},
            "k1: no paper of the library is “The Mug”",
        ),
        (
            {"evidence": (Source(paper=KETTLE.title, find=("12 cups", "graph")),)},
            f"k1: no sentence of “{KETTLE.title}” holds all of ['12 cups', 'graph']",
        ),
        (
            {"evidence": (Source(paper="The Teapot", find=("tea",)),)},
            "k1: evidence from “The Teapot”, which is not a gold paper",
        ),
        (
            {"must_include": (("5 minutes", "2 cups"),)},
            "k1: no gold abstract holds any of ['5 minutes', '2 cups']",
        ),
        (
            {"question": "Does Kettle boil water?"},
            # kettl, boil, water: two of three stand in the first sentence.
            "k1: 67% of its words stand in one sentence: “Kettle heats water on a graph.”",
        ),
        ({"type": "unanswerable"}, "k1: of type unanswerable with 1 gold papers"),
        (
            {"gold": (), "evidence": (), "must_include": ()},
            "k1: of type single with 0 gold papers",
        ),
    ],
)
def test_each_kind_of_fault_is_found(changes, fault):
    assert faulty(**changes) == [fault]


def test_an_id_that_stands_twice_is_a_fault():
    assert validate([GOOD, GOOD], [KETTLE]) == ["k1: 2 questions have this id"]


def test_half_the_words_may_stand_in_one_sentence():
    # water, graph of water, graph, brew, leaf.
    share, sentence = copied("Graphs and water: which brew leaves?", [KETTLE.abstract])
    assert (share, sentence) == (0.5, "Kettle heats water on a graph.")
    assert faulty(question="Graphs and water: which brew leaves?") == []


def test_a_question_of_stop_words_copies_nothing():
    assert copied("What is it?", [KETTLE.abstract]) == (0.0, "")


@pytest.mark.parametrize(
    ("text", "phrase", "stands"),
    [
        ("It has 5 layers.", "5", True),
        ("It gains 5%.", "5", True),
        ("It has 15 layers.", "5", False),
        ("It has 0.5 layers.", "5", False),
        ("It has 5.1 layers.", "5", False),
        ("It has 1,785 models.", "785", False),
        ("It has five, or 5.", " 5 ", True),
        ("GROUP  Normalization", "group norm", True),
        ("4–8 times, 1‑D", "4-8", True),
        ("4–8 times, 1‑D", "1-D", True),
        ("anything", "", False),
    ],
)
def test_phrases_and_numbers(text, phrase, stands):
    assert contains(text, phrase) is stands


def test_citation_marks_are_not_text():
    assert without_marks("It is big [1][2]. It is (3) [4].") == "It is big. It is (3)."


def test_files_and_folders_load_alike(tmp_path):
    follow_up = Question(
        id="f1",
        type="follow-up",
        question="And how round?",
        gold=("The Teapot",),
        history=(Message(role="user", content="What keeps tea warm?"),),
    )
    lines = [json.dumps(one.to_dict(), ensure_ascii=False) for one in (GOOD, follow_up)]
    (tmp_path / "a.jsonl").write_text("\n\n".join(lines), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no questions")
    assert load([tmp_path]) == load([tmp_path / "a.jsonl"]) == [GOOD, follow_up]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"id": "a"}', '{"id": "a", "type": "b", "question": "c", "answers": 1}']
)
def test_a_line_that_is_no_question_is_named(tmp_path, line):
    file = tmp_path / "bad.jsonl"
    file.write_text(json.dumps(GOOD.to_dict()) + "\n" + line)
    with pytest.raises(UnreadableFileError, match="line 2: not a question"):
        load([file])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadableFileError, match=r"gone\.jsonl"):
        load([tmp_path / "gone.jsonl"])


def test_a_sample_is_seeded_and_keeps_the_order():
    many = [Question(id=f"{n:02}", type="ab"[n % 2], question="?") for n in range(40)]
    sample = choose(many, limit=10, seed=1)
    assert sample == choose(many, limit=10, seed=1)
    assert sample != choose(many, limit=10, seed=2)
    assert len(sample) == 10
    assert [one.id for one in sample] == sorted(one.id for one in sample)
    assert choose(many, types=["a"]) == many[::2]
    with pytest.raises(InputError, match="the types there are: a, b"):
        choose(many, types=["c"])
