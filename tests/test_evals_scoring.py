"""Scores of one answer, by hand."""

import math

import pytest

from assistant.pricing import prices
from evals.questions import Question, Source
from evals.scoring import JUDGED, Scoring
from evals.scoring.abstention import Confidence, Loss, RightAbstention, WrongAbstention
from evals.scoring.citations import GoldCitationPrecision, GoldCitationRecall
from evals.scoring.cost import Cost, SecondsTo, Tokens, Words
from evals.scoring.evidence import CitedEvidenceRecall, EvidenceRecall
from evals.scoring.facts import AllFacts, Facts, Violations
from evals.scoring.papers import HitAt, NdcgAt, RecallAt, ReciprocalRank
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


def answer(*, text="", status="answered", hits=(), cited=(), seconds=1.0, **more):
    """Return an answer as the first logs held it; `more` is what later ones add."""
    return {
        "text": text,
        "status": status,
        "citations": [{"paper": {"title": title}} for title in cited],
        "seconds": {"retrieve": 0.1, "total": seconds},
        "trace": {"hits": [{"title": title} for title in hits]},
        **more,
    }


def value(scorer, question, given):
    return scorer.score(question, given).value


# --- papers ---------------------------------------------------------------------------------

HITS = ["Spoon", "KETTLE.", "Fork", "Knife", "Mug", "Teapot"]


@pytest.mark.parametrize(
    ("question", "k", "hit", "recall"),
    [
        (SINGLE, 1, 0.0, 0.0),
        (SINGLE, 2, 1.0, 1.0),
        # Of three gold papers none, one and two are among the first 1, 2 and 5.
        (MULTI, 1, 0.0, 0.0),
        (MULTI, 2, 1.0, 1 / 3),
        (MULTI, 5, 1.0, 2 / 3),
        (UNANSWERABLE, 5, None, None),
    ],
)
def test_hits_and_recall(question, k, hit, recall):
    assert value(HitAt(k=k), question, answer(hits=HITS)) == hit
    assert value(RecallAt(k=k), question, answer(hits=HITS)) == recall


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
    ("question", "k", "expected"),
    [
        (SINGLE, 1, 0.0),
        (SINGLE, 5, 1 / math.log2(3)),
        # Gold papers at ranks 2, 5 and 6; the best order has them at 1, 2 and 3.
        (
            MULTI,
            5,
            (1 / math.log2(3) + 1 / math.log2(6)) / (1 + 1 / math.log2(3) + 1 / 2),
        ),
        # Of two places the best order fills both.
        (MULTI, 2, (1 / math.log2(3)) / (1 + 1 / math.log2(3))),
        (UNANSWERABLE, 5, None),
    ],
)
def test_ndcg(question, k, expected):
    found = value(NdcgAt(k=k), question, answer(hits=HITS))
    assert found == (expected if expected is None else pytest.approx(expected))


def test_a_paper_found_twice_gains_once():
    assert value(NdcgAt(k=5), SINGLE, answer(hits=["Kettle", "kettle"])) == 1.0


# --- evidence -------------------------------------------------------------------------------

SOURCED = Question(
    id="e",
    type="multi",
    question="?",
    gold=("Kettle", "Mug"),
    evidence=(
        Source(paper="Kettle", find=("3.5 minutes", "12 cups")),
        Source(paper="Mug", find=("red",)),
    ),
)


def sentence(title, text):
    return {"paper": {"title": title}, "sentence": text}


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        ([("KETTLE", "It boils 12 cups in 3.5 minutes."), ("Mug", "Mugs are red.")], 1.0),
        # All words of a source in one sentence, of the source's own paper.
        ([("Kettle", "It takes 3.5 minutes."), ("Kettle", "It holds 12 cups.")], 0.0),
        ([("Spoon", "It boils 12 cups in 3.5 minutes."), ("Mug", "Mugs are red.")], 1 / 2),
        ([], 0.0),
    ],
)
def test_recall_of_gold_sentences(sentences, expected):
    found = [sentence(*one) for one in sentences]
    other = [sentence("Mug", "Mugs break.")]
    read = answer(evidence=found) | {"citations": other}
    cited = answer(evidence=other) | {"citations": found}
    assert value(EvidenceRecall(), SOURCED, read) == expected
    assert value(CitedEvidenceRecall(), SOURCED, cited) == expected


def test_recall_of_gold_sentences_is_not_scored_where_it_cannot_be():
    assert value(EvidenceRecall(), SINGLE, answer(evidence=[])) is None
    assert value(EvidenceRecall(), SOURCED, answer()) is None
    assert value(CitedEvidenceRecall(), SOURCED, answer(cited=["Kettle"])) is None
    declined = answer(status="abstained", evidence=[sentence("Mug", "Mugs are red.")])
    assert value(EvidenceRecall(), SOURCED, declined) == 1 / 2
    assert value(CitedEvidenceRecall(), SOURCED, declined) is None


# --- citations by gold papers ---------------------------------------------------------------


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
def test_citations_of_gold_papers(question, cited, precision, recall):
    given = answer(cited=cited)
    assert value(GoldCitationPrecision(), question, given) == precision
    assert value(GoldCitationRecall(), question, given) == recall


def test_citations_of_an_abstention_are_not_scored():
    given = answer(status="abstained")
    assert value(GoldCitationPrecision(), SINGLE, given) is None
    assert value(GoldCitationRecall(), SINGLE, given) is None


# --- facts ----------------------------------------------------------------------------------


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


# --- abstention -----------------------------------------------------------------------------


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


def test_confidence_and_loss():
    given = answer(text="3.5 on a graph.", confidence=0.0)
    assert value(Confidence(), SINGLE, given) == 0.0
    assert value(Confidence(), SINGLE, answer()) is None
    assert value(Loss(), SINGLE, given) == pytest.approx(1 / 3)
    assert value(Loss(), SINGLE, answer(text="3.5", status="abstained")) == 1.0
    assert value(Loss(), UNANSWERABLE, given) == 1.0
    # Answerable, but nothing says what an answer must state.
    assert value(Loss(), MULTI, given) is None


# --- cost -----------------------------------------------------------------------------------


def test_words_and_seconds():
    given = answer(text="It takes 3.5 minutes [1][2]. Yes [1].", seconds=2.5)
    assert value(Words(), SINGLE, given) == 5
    assert value(Words(), SINGLE, answer(status="abstained", text="No.")) is None
    assert value(SecondsTo(name="seconds", point="total"), SINGLE, given) == 2.5
    first = SecondsTo(name="seconds_first_text", point="first_text")
    assert value(first, SINGLE, given) is None
    assert value(first, SINGLE, answer() | {"seconds": {"first_text": 0.0}}) == 0.0


def spent(model="gpt-4.1-mini", **tokens):
    return answer(model=model, trace={"hits": [], "tokens": tokens})


def test_tokens_and_money():
    given = spent(requests=2, unreported=0, prompt=1_000_000, completion=500_000)
    assert value(Tokens(), SINGLE, given) == 1_500_000
    price = prices()["gpt-4.1-mini"]
    assert value(Cost(), SINGLE, given) == pytest.approx(price["prompt"] + price["completion"] / 2)
    unpriced = given | {"model": "some-model"}
    assert value(Tokens(), SINGLE, unpriced) == 1_500_000
    assert value(Cost(), SINGLE, unpriced) is None


@pytest.mark.parametrize(
    "given",
    [
        answer(model="gpt-4.1-mini"),
        spent(),
        spent(unreported=1),
        spent(requests=2, unreported=1, prompt=10, completion=2),
    ],
)
def test_tokens_that_nobody_told_are_not_zero(given):
    assert value(Tokens(), SINGLE, given) is None
    assert value(Cost(), SINGLE, given) is None


# --- all of them ----------------------------------------------------------------------------


def test_an_error_is_recorded_and_not_scored():
    def broken(question, history, **_):
        raise ZeroDivisionError("no tea")

    case = solve(SINGLE, broken)
    assert (case.answer, case.error) == (None, "ZeroDivisionError: no tea")
    scoring = Scoring()
    scores = scoring.score(SINGLE, case)
    assert set(scores) == {*(scorer.name for scorer in scoring.scorers), JUDGED}
    assert all(score.value is None for score in scores.values())
    assert scores["facts"].reason == "error: ZeroDivisionError: no tea"


def test_an_answer_of_the_first_logs_is_scored_as_far_as_it_goes():
    case = Case(id="s", answer=answer(hits=["Kettle"]), error="", seconds=1.0)
    scores = Scoring().score(SINGLE, case)
    assert scores["hit@1"].value == scores["mrr"].value == scores["ndcg@5"].value == 1.0
    missing = {"evidence_recall", "alce_citation_recall", "unsupported", "confidence", "tokens"}
    assert {name for name in missing if scores[name].value is not None} == set()
