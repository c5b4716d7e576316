import json

import pytest

from assistant.errors import InputError, UnreadableFileError
from assistant.types import Message, Paper
from evals.matching import contains, without_marks
from evals.questions import Question, Source, choose, load
from evals.validation import DEMANDED, copied, validate

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
    must_not_include=("5 minutes",),
    reference="It takes 210 seconds.",
)
UNANSWERABLE = Question(id="u1", type="unanswerable", question="Who sells it?", reference="Nobody.")
TURNS = (
    Message(role="user", content="Which paper is about drinks for cold evenings?"),
    Message(role="assistant", content="One on kettles [1]."),
)


def changed(base, /, **changes):
    return Question(**{**vars(base), **changes})


def faulty(base=GOOD, /, **changes):
    return validate([changed(base, **changes)], [KETTLE, TEAPOT])


def test_a_sound_question_has_no_fault():
    follow_up = changed(GOOD, id="f1", type="follow_up", history=TURNS)
    declined = changed(UNANSWERABLE, id="f2", type="follow_up", history=TURNS)
    filtered = changed(GOOD, id="w1", type="wording", where="title:kettle and not title:mug")
    questions = [GOOD, UNANSWERABLE, follow_up, declined, filtered]
    assert validate(questions, [KETTLE, TEAPOT]) == []


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        (
            {"type": "wording", "gold": (*GOOD.gold, "The Mug")},
            ["k1: no paper of the library is “The Mug”", "k1: no evidence from “The Mug”"],
        ),
        (
            {"evidence": (Source(paper=KETTLE.title, find=("12 cups", "graph")),)},
            [f"k1: no sentence of “{KETTLE.title}” holds all of ['12 cups', 'graph']"],
        ),
        (
            {"evidence": (*GOOD.evidence, Source(paper="The Teapot", find=("tea",)))},
            ["k1: evidence from “The Teapot”, which is not a gold paper"],
        ),
        ({"evidence": ()}, ["k1: no evidence from “KETTLE – boiling water with graphs”"]),
        (
            {"must_include": (("5 minutes", "2 cups"),), "reference": "2 cups"},
            ["k1: no gold abstract holds any of ['5 minutes', '2 cups']"],
        ),
        ({"must_include": ()}, ["k1: 1 gold papers and 0 facts"]),
        (
            {"must_not_include": ("12 cups",)},
            ["k1: its evidence says “12 cups”, which an answer must not"],
        ),
        (
            {"must_not_include": ("210 sec",)},
            ["k1: its reference says “210 sec”, which an answer must not"],
        ),
        ({"reference": " "}, ["k1: no reference"]),
        (
            {"reference": "It takes 13.5 minutes."},
            [f"k1: its reference holds none of {list(GOOD.must_include[0])}"],
        ),
        (
            {"question": "Does Kettle boil water?"},
            # kettl, boil, water: two of three stand in the first sentence.
            ["k1: 67% of its words stand in one sentence: “Kettle heats water on a graph.”"],
        ),
        ({"type": "unanswerable"}, ["k1: of type unanswerable with 1 gold papers"]),
        ({"type": "multi"}, ["k1: of type multi with 1 gold papers"]),
        ({"where": "title:teapot"}, [f"k1: its filter keeps out “{KETTLE.title}”"]),
        (
            {"question": "-title:kettle How long until a dozen servings are hot?"},
            [f"k1: its filter keeps out “{KETTLE.title}”"],
        ),
        ({"history": TURNS}, ["k1: of type single with 2 turns before it"]),
        ({"type": "follow_up"}, ["k1: of type follow_up with 0 turns before it"]),
    ],
)
def test_each_kind_of_fault_is_found(changes, faults):
    assert faulty(**changes) == faults


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_a_question_about_papers_must_name_them(kind):
    found = faulty(UNANSWERABLE, type=kind)
    assert found == [f"u1: of type {kind} with 0 gold papers"]


def test_what_has_no_gold_paper_has_no_facts():
    assert faulty(UNANSWERABLE, type="wording") == []
    assert faulty(UNANSWERABLE, must_include=(("Nobody",),)) == ["u1: 0 gold papers and 1 facts"]


@pytest.mark.parametrize(
    "roles",
    [("user",), ("assistant", "user"), ("user", "user"), ("user", "assistant", "user")],
)
def test_turns_alternate_and_end_with_the_assistant(roles):
    turns = tuple(Message(role=role, content="Tea?") for role in roles)
    (found,) = faulty(type="follow_up", history=turns)
    assert found.startswith(f"k1: turns by {', '.join(roles)}")


def test_a_filter_that_cant_be_read_is_a_fault():
    (found,) = faulty(where="colour:red")
    assert found.startswith("k1: its filter can't be read: ")


def test_a_short_follow_up_is_compared_with_the_turns_before_it():
    # cup: it stands in the paper's sentence; of drink, cold, even, paper, cup just one does.
    assert faulty(type="follow_up", question="And cups?", history=TURNS) == []
    turns = (Message(role="user", content="Water on graphs?"), TURNS[1])
    (found,) = faulty(type="follow_up", question="Heats it?", history=turns)
    assert found.startswith("k1: 100% of its words stand in one sentence")


def test_fields_of_a_query_are_no_words_of_the_question():
    asked = "title:kettle How long until a dozen servings are hot?"
    assert faulty(question=asked) == []
    assert faulty(question='title:"kettle boiling water graphs" How long?') == []


def test_an_id_that_stands_twice_is_a_fault():
    assert validate([GOOD, GOOD], [KETTLE]) == ["k1: 2 questions have this id"]


def test_the_same_asked_twice_is_a_fault():
    again = changed(GOOD, id="k2", question="how long until a  dozen servings are HOT")
    assert validate([GOOD, again], [KETTLE]) == ["k2: asks the same as k1"]
    filtered = changed(again, where="title:kettle")
    later = changed(again, id="k3", type="follow_up", history=TURNS)
    assert validate([GOOD, filtered, later], [KETTLE]) == []


def test_a_whole_set_has_enough_of_each_type_and_asks_about_each_paper():
    assert validate([GOOD], [KETTLE, TEAPOT], whole=True) == [
        "1 questions of type single, at least 140 are demanded",
        "0 questions of type multi, at least 30 are demanded",
        "0 questions of type unanswerable, at least 30 are demanded",
        "0 questions of type follow_up, at least 20 are demanded",
        "0 questions of type wording, at least 20 are demanded",
        "no single-paper question asks about “The Teapot”",
    ]
    assert sum(DEMANDED.values()) == 240


def test_half_the_words_may_stand_in_one_sentence():
    # water, graph of water, graph, brew, leaf.
    share, sentence = copied("Graphs and water: which brew leaves?", [KETTLE.abstract])
    assert (share, sentence) == (0.5, "Kettle heats water on a graph.")
    assert faulty(question="Graphs and water: which brew leaves?") == []


def test_a_question_of_stop_words_copies_nothing():
    assert copied("What is it?", [KETTLE.abstract]) == (0.0, "")


def test_what_names_no_gold_paper_is_unanswerable():
    assert GOOD.answerable
    assert not changed(GOOD, type="follow_up", gold=()).answerable


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
        type="follow_up",
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
