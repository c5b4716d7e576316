import pytest

from evals.questions import Question
from evals.scorers import (
    SCORERS,
    AllFacts,
    CitationPrecision,
    CitationRecall,
    Facts,
    HitAt,
    ReciprocalRank,
    RightAbstention,
    Seconds,
    Violations,
    Words,
    WrongAbstention,
    score_case,
)
from evals.solver import Case, solve

SINGLE = Question(
    id="s",
    type="single",
    question="?",
    gold=("Kettle",),
    must_include=(("3.5", "three and a half"), ("12 cups",), ("graph",)),
    must_not_include=("Teapot",),
)
MULTI = Question(id="m", type="multi", question="?", gold=("Kettle", "Teapot", "Mug"))
UNANSWERABLE = Question(id="u", type="unanswerable", question="?")


def answer(*, text="", status="answered", hits=(), cited=(), seconds=1.0):
    return {
        "text": text,
        "status": status,
        "citations": [{"paper": {"title": title}} for title in cited],
        "seconds": {"retrieve": 0.1, "total": seconds},
        "trace": {"hits": [{"title": title} for title in hits]},
    }


def value(scorer, question, given):
    return scorer.score(question, given).value


@pytest.mark.parametrize(
    ("question", "k", "expected"),
    [
        (SINGLE, 1, 0.0),
        (SINGLE, 2, 1.0),
        # Of three gold papers none, one and two are among the first 1, 2 and 5.
        (MULTI, 1, 0.0),
        (MULTI, 2, 1 / 3),
        (MULTI, 5, 2 / 3),
        (UNANSWERABLE, 5, None),
    ],
)
def test_hits(question, k, expected):
    hits = ["Spoon", "KETTLE.", "Fork", "Knife", "Mug", "Teapot"]
    assert value(HitAt(k=k), question, answer(hits=hits)) == expected


@pytest.mark.parametrize(
    ("question", "hits", "expected"),
    [
        (SINGLE, ["Spoon", "Fork", "Kettle"], 1 / 3),
        (SINGLE, ["Spoon"], 0.0),
        (SINGLE, [], 0.0),
        (MULTI, ["Spoon", "Mug", "Kettle"], 1 / 2),
        (UNANSWERABLE, ["Kettle"], None),
    ],
)
def test_reciprocal_rank(question, hits, expected):
    assert value(ReciprocalRank(), question, answer(hits=hits)) == expected


@pytest.mark.parametrize(
    ("question", "cited", "precision", "recall"),
    [
        (SINGLE, ["Kettle", "kettle", "Spoon"], 2 / 3, 1.0),
        (SINGLE, ["Spoon"], 0.0, 0.0),
        (SINGLE, [], None, 0.0),
        (MULTI, ["Kettle", "Mug", "Mug", "Fork"], 3 / 4, 2 / 3),
        (UNANSWERABLE, ["Kettle"], None, None),
    ],
)
def test_citations(question, cited, precision, recall):
    given = answer(cited=cited)
    assert value(CitationPrecision(), question, given) == precision
    assert value(CitationRecall(), question, given) == recall


def test_citations_of_an_abstention_are_not_scored():
    given = answer(status="abstained")
    assert value(CitationPrecision(), SINGLE, given) is None
    assert value(CitationRecall(), SINGLE, given) is None


def test_facts_are_counted_in_any_wording():
    given = answer(text="It takes THREE and a half minutes for 112 cups [1]. A Graph [12].")
    score = Facts().score(SINGLE, given)
    assert score.value == pytest.approx(2 / 3)
    assert score.reason == "missing: 12 cups"
    assert value(AllFacts(), SINGLE, given) == 0.0


def test_all_facts():
    given = answer(text="On a graph, 12 cups take 3.5 minutes.")
    assert value(Facts(), SINGLE, given) == 1.0
    assert value(AllFacts(), SINGLE, given) == 1.0


def test_a_citation_mark_states_no_fact():
    question = Question(id="n", type="single", question="?", must_include=(("3",),))
    assert value(Facts(), question, answer(text="Several [3].")) == 0.0


def test_an_abstention_states_no_fact_and_violates_nothing():
    given = answer(text="Nearest: “12 cups, 3.5, graph, Teapot”.", status="abstained")
    assert value(Facts(), SINGLE, given) == 0.0
    assert value(AllFacts(), SINGLE, given) == 0.0
    assert value(Violations(), SINGLE, given) is None
    assert value(Facts(), UNANSWERABLE, given) is None
    assert value(AllFacts(), UNANSWERABLE, given) is None


def test_violations():
    assert value(Violations(), SINGLE, answer(text="The teapot does.")) == 1.0
    assert value(Violations(), SINGLE, answer(text="The kettle does.")) == 0.0
    assert value(Violations(), MULTI, answer(text="The teapot does.")) is None


@pytest.mark.parametrize(
    ("question", "status", "right", "wrong"),
    [
        (SINGLE, "answered", None, 0.0),
        (SINGLE, "partial", None, 0.0),
        (SINGLE, "abstained", None, 1.0),
        (UNANSWERABLE, "answered", 0.0, None),
        (UNANSWERABLE, "abstained", 1.0, None),
    ],
)
def test_abstention(question, status, right, wrong):
    assert value(RightAbstention(), question, answer(status=status)) == right
    assert value(WrongAbstention(), question, answer(status=status)) == wrong


def test_words_and_seconds():
    given = answer(text="It takes 3.5 minutes [1][2]. Yes [1].", seconds=2.5)
    assert value(Words(), SINGLE, given) == 5
    assert value(Words(), SINGLE, answer(status="abstained", text="No.")) is None
    assert value(Seconds(), SINGLE, given) == 2.5


def test_an_error_is_recorded_and_not_scored():
    def broken(question, history, *, where):
        raise ZeroDivisionError("no tea")

    case = solve(SINGLE, broken)
    assert (case.answer, case.error) == (None, "ZeroDivisionError: no tea")
    scores = score_case(SINGLE, case)
    assert set(scores) == {scorer.name for scorer in SCORERS}
    assert all(score.value is None for score in scores.values())
    assert scores["facts"].reason == "error: ZeroDivisionError: no tea"


def test_an_answer_is_scored_by_every_scorer():
    case = Case(id="s", answer=answer(hits=["Kettle"]), error="", seconds=1.0)
    scores = score_case(SINGLE, case)
    assert scores["hit@1"].value == scores["mrr"].value == 1.0
    assert scores["abstention_recall"].value is None
