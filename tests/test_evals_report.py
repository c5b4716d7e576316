import re
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import InputError
from evals.compare import compare
from evals.questions import Question
from evals.report.cases import reply, shown_cases
from evals.report.confidence_figures import calibration_figure, calibration_summary, risk_figure
from evals.report.data import (
    Run,
    confidences,
    judgements,
    load_runs,
    retrieval_scores,
    risks_of,
    stage_seconds,
    supports,
)
from evals.report.header import details, header
from evals.report.measures import (
    Bin,
    calibration_bins,
    calibration_error,
    edges,
    histogram,
    spread,
)
from evals.report.quality import measure
from evals.report.quality_figures import quality_figures, quality_table
from evals.report.spread_figures import score_figures, seconds_figures
from evals.scoring.base import Score
from tests.logs import QUESTIONS, SAID, STATE, made_log

JUDGED = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30)


# The numbers, by hand.


def test_calibration_by_hand():
    bins = calibration_bins([(0.0, False), (0.3, True), (0.35, False), (1.0, True)])
    filled = {place: one for place, one in enumerate(bins) if one.n}
    assert filled == {
        0: Bin(low=0.0, high=0.1, n=1, confidence=0.0, right=0.0),
        3: Bin(low=0.3, high=0.4, n=2, confidence=pytest.approx(0.325), right=0.5),
        9: Bin(low=0.9, high=1.0, n=1, confidence=1.0, right=1.0),
    }
    assert bins[1] == Bin(low=0.1, high=0.2, n=0, confidence=None, right=None)
    assert calibration_error(bins) == pytest.approx(2 / 4 * (0.5 - 0.325))
    assert calibration_error(calibration_bins([])) is None


@given(JUDGED)
def test_every_reply_is_in_one_bin(judged):
    bins = calibration_bins(judged)
    assert sum(one.n for one in bins) == len(judged)
    assert all(one.low - 1e-9 <= one.confidence <= one.high + 1e-9 for one in bins if one.n)


def test_histogram_by_hand():
    bounds = edges([0.1, 0.95])
    assert bounds == pytest.approx([place / 10 for place in range(11)])
    assert histogram([0.0, 0.1, 0.3, 0.39, 1.0], bounds) == [1, 1, 0, 2, 0, 0, 0, 0, 0, 1]
    assert edges([-1.0, 3.0], count=4) == [-1, 0, 1, 2, 3]
    assert spread([]) is None
    assert (spread([0.0, 1.0, 2.0]).p50, spread([0.0, 1.0, 2.0]).p25) == (1.0, 0.5)


# What is read from logs.


@pytest.fixture
def run():
    return load_runs([made_log()])[0]


def test_right_and_wrong(run):
    found = judgements(run)
    # Declined: s3 with 1 - 0.2, wrongly, and u1 with 1 - 0.1, rightly.
    assert sorted(found.decisions) == [
        (0.6, False), (0.7, False), (0.8, False), (0.9, True), (0.9, True),
    ]  # fmt: skip
    assert sorted(found.answers) == [(0.6, False), (0.7, False), (0.9, True)]
    assert found.left_out == 2  # Nothing to look for in d1, an error in e1.


def test_summary_of_confidence(run):
    row = calibration_summary([run], measure([run])).rows[0]
    # (2·0.1 + 0.7 + 0.8 + 0.6) / 5, (0.1 + 0.7 + 0.6) / 3, and the mean of the risks below.
    assert row[:5] == ("A: a.jsonl", "5", "2", "0.46", "0.467")
    assert re.fullmatch(r"0\.543 \(0[.\d]* to [\d.]+; n = 5\)", row[5])


def test_risk_and_coverage_by_hand(run):
    found = risks_of(run)
    # Losses, the surest first: s1 0, s2 1, u2 1 and s3, u1 1 each; d1 has no fact to look for.
    assert found.confidences == (0.9, 0.7, 0.6, 0.2, 0.1)
    assert found.risks == pytest.approx((0, 1 / 2, 2 / 3, 3 / 4, 4 / 5))
    assert sum(found.risks) / 5 == pytest.approx(measure([run]).values["A", "aurc", "all"].value)
    assert found.answered == 3


def test_figures_of_confidence(run):
    diagonal, curve, counts = calibration_figure([run]).spec["data"]
    assert list(diagonal["x"]) == [0, 1]
    assert list(curve["x"]) == pytest.approx([0.6, 0.7, 0.8, 0.9])
    assert list(curve["y"]) == [0, 0, 0, 1]
    assert list(counts["y"]) == [0, 0, 0, 0, 0, 0, 1, 1, 1, 2]
    curve, mark = risk_figure([run]).spec["data"]
    assert list(curve["x"]) == pytest.approx([0.2, 0.4, 0.6, 0.8, 1])
    assert list(curve["y"]) == pytest.approx([0, 1 / 2, 2 / 3, 3 / 4, 4 / 5])
    assert (list(mark["x"]), list(mark["y"])) == ([0.6], [pytest.approx(2 / 3)])
    rows = risk_figure([run]).table.rows
    assert rows[2] == ("A", "50%", "0.667", "0.6")
    assert rows[-1] == ("A", "100%", "0.8", "0.1")


def test_no_answer_has_no_curve():
    run = load_runs([made_log(said=dict.fromkeys(SAID))])[0]
    curve, mark = risk_figure([run]).spec["data"]
    assert [list(curve["x"]), list(mark["x"])] == [[], []]
    assert risk_figure([run]).table.rows[0] == ("A", "10%", "n/a", "n/a")
    assert calibration_summary([run], measure([run])).rows[0][1:] == (
        "0", "7", "n/a", "n/a", "n/a",
    )  # fmt: skip


def rescored(run, label="A", **scores):
    """Return the run with these scores alone, by question."""
    blank = {question.id: defaultdict(lambda: Score(value=None)) for question in QUESTIONS}
    for name, values in scores.items():
        blank[name].update({metric: Score(value=value) for metric, value in values.items()})
    return Run(label=label, log=run.log, scores=blank)


def test_without_the_share_of_all_facts_the_share_of_facts_counts(run):
    found = judgements(rescored(run, s1={"facts": 1.0}, s2={"facts": 0.5}))
    assert found.answers == ((0.9, True), (0.7, False), (0.6, False))


def test_a_type_without_scores_is_not_zero(run):
    figure = quality_figures([run], measure([run]))[0]
    assert figure.title == "all facts"
    assert figure.table.headings == ("metric", "run", "single", "definition", "unanswerable", "all")
    row = figure.table.rows[0]
    assert row[:2] == ("all facts", "A")
    assert row[2].startswith("0.333 (0 to ")
    assert row[2].endswith("; n = 3)")
    assert row[3:5] == ("n/a", "n/a")
    bars = figure.spec["data"][0]
    assert list(bars["x"]) == pytest.approx([0, 3])
    assert list(bars["y"]) == pytest.approx([1 / 3, 1 / 3])
    assert [(note["x"], note["text"]) for note in figure.spec["layout"]["annotations"]] == [
        (1, "n/a"), (2, "n/a"),
    ]  # fmt: skip


def test_bars_carry_their_intervals(run):
    figure = quality_figures([run], measure([run]))[0]
    _, low, high = re.split(r" \(| to |;", figure.table.rows[0][2])[:3]
    errors = figure.spec["data"][0]["error_y"]
    assert 1 / 3 - errors["arrayminus"][0] == pytest.approx(float(low), abs=0.001)
    assert 1 / 3 + errors["array"][0] == pytest.approx(float(high), abs=0.001)


def test_a_blank_of_one_run_stands_in_its_bars_place(run):
    other = load_runs([made_log(said={**SAID, "s1": None, "s2": None, "s3": None})])[0]
    other = Run(label="B", log=other.log, scores=other.scores)
    figure = quality_figures([run, other], measure([run, other]))[0]
    notes = figure.spec["layout"]["annotations"]
    assert [round(note["x"], 2) for note in notes] == [0.2, 1, 2, 3.2]


def test_metrics_are_those_of_the_scores(run):
    newer = rescored(run, "B", s1={"mrr": 0.5, "grace": 3.0}, s2={"mrr": 0.25})
    both = measure([run, newer])
    assert both.metrics[-1].name == "grace"
    titles = [figure.title for figure in quality_figures([newer], measure([newer]))]
    assert titles == ["MRR"]
    assert "nDCG@5" in [figure.title for figure in quality_figures([run], measure([run]))]
    rows = quality_table([run, newer], both, [both.metrics[-1]]).rows
    assert rows[0] == ("grace", "A", *["n/a"] * 4)
    assert rows[1] == ("grace", "B", "3 (n = 1)", "n/a", "n/a", "3 (n = 1)")


def test_a_score_that_is_no_number_is_not_scored(run):
    found = measure([rescored(run, s1={"facts": float("nan")})])
    assert not [name for _, name, _ in found.values if name == "facts"]


def test_stages_add_up_to_the_total():
    seconds = {"retrieve": 1, "write": 5, "verify": 1, "judge": 2, "first_words": 3, "total": 7}
    assert stage_seconds({"seconds": seconds}) == {
        "retrieve": 1, "write": 2, "verify": 1, "judge": 2, "other": 1,
    }  # fmt: skip
    assert stage_seconds({}) == {}
    assert stage_seconds({"seconds": {"total": None, "retrieve": 1}}) == {"retrieve": 1}


def test_figures_of_seconds(run):
    stacked, boxes = seconds_figures([run])
    assert {one["name"]: list(one["x"]) for one in stacked.spec["data"]} == {
        "retrieve": [0.5], "extract": [0.25], "other": [0.25],
    }  # fmt: skip
    assert stacked.table.rows[-1] == ("total", "1.0000")
    assert list(boxes.spec["data"][0]["x"]) == ["retrieve", "extract", "other", "total"]
    assert list(boxes.spec["data"][0]["median"]) == [0.5, 0.25, 0.25, 1.0]


def test_spread_of_scores(run):
    # s1 has the gold paper first, s3 and d1 have it second, s2 not at all.
    assert retrieval_scores(run) == {
        "gold paper": [0.75, 0.25, 0.25],
        "other paper": [0.25, 0.75, 0.25, 0.75, 0.75],
    }
    assert supports(run) == {
        "gold paper": [0.8], "other paper": [0.8, 0.8], "nothing to cite": [0.8],
    }  # fmt: skip
    assert confidences(run) == {"answerable": [0.9, 0.7, 0.2, 0.5], "unanswerable": [0.1, 0.6]}
    retrieval, _, _ = score_figures([run])
    gold, others = retrieval[0].spec["data"]
    assert list(gold["y"]) == pytest.approx([0, 0, 2 / 3, 0, 0, 0, 0, 1 / 3, 0, 0])
    assert list(others["customdata"]) == [0, 0, 2, 0, 0, 0, 0, 3, 0, 0]
    assert retrieval[0].table.rows[-1] == ("n", "3", "5")


def test_header_and_settings():
    changed = {**STATE, "settings": {"home": "/other", "model": "extractive", "papers_read": 4}}
    runs = load_runs([made_log(), made_log("b.jsonl", state=changed)])
    rows = {row.name: row for row in header(runs)}
    assert rows["commit"].values == ("0123456789ab, with changes",) * 2
    assert rows["library"].values[0] == "papers 3, hash x"
    assert rows["questions"].values[0] == "n = 7: 6 answered, 1 errors, 0 open"
    assert [(row.name, row.values, row.differs) for row in details(runs, "settings")] == [
        ("papers_read", ("8", "4"), True),
        ("model", ("extractive", "extractive"), False),
    ]


def test_all_runs_are_scored_by_the_last_ones_facts():
    easier = tuple(
        Question(**{**vars(one), "must_include": (("long",),)}) if one.id == "s2" else one
        for one in QUESTIONS
    )
    before, after = load_runs([made_log(), made_log("b.jsonl", questions=easier)])
    assert before.scores["s2"]["all_facts"].value == after.scores["s2"]["all_facts"].value == 1


@pytest.mark.parametrize("count", [0, 7])
def test_too_few_or_too_many_logs(count):
    with pytest.raises(InputError, match=f"{count} logs; give 1 to 6"):
        load_runs([made_log()] * count)


# The worst cases.


def test_worst_cases_come_first_but_flips_are_kept():
    better = {**SAID, "s2": ("It takes 4 days.", 0.7)}
    runs = load_runs([made_log(), made_log("b.jsonl", said=better)])
    cases = list(shown_cases(runs, compare(runs[0].log, runs[1].log)))
    # e1 is an error; s3 was declined with 0.8; u2 answered with 0.6; d1 is not scored.
    assert [one.question.id for one in cases] == ["s2", "e1", "s3", "u2", "d1", "s1", "u1"]
    assert cases[0].flipped == ("all_facts",)
    assert cases[0].outcomes == {"wrong", "right", "flipped"}
    assert [one.outcome for one in cases[1].replies] == ["error", "error"]


def test_questions_that_differ_are_shown_apart():
    other = (Question(id="s1", type="single", question="Colder?", gold=("Fridge",)),)
    runs = load_runs([made_log(), made_log("b.jsonl", questions=other)])
    cases = [one for one in shown_cases(runs, None) if one.question.id == "s1"]
    assert [[reply.label for reply in one.replies] for one in cases] == [["B"], ["A"]]


def test_a_case_tells_all(run):
    found = reply(run, QUESTIONS[1])
    assert (found.outcome, found.status, found.confidence) == ("wrong", "answered", "0.7")
    (sentence,) = found.sentences
    assert sentence.text == "It takes long."
    (source,) = sentence.sources
    assert (source.mark, source.title, source.text) == ("[1]", "Kettle", "“Kettles boil.”")
    assert (source.scores, source.is_gold) == ("support 0.8 (features)", False)
    assert found.dropped[0].why == "99 isn't in the evidence (score 0.1)"
    assert [(hit.title, hit.scores) for hit in found.hits] == [
        ("Kettle", ("0.75", "9")), ("Mug", ("0.25", "3")),
    ]  # fmt: skip
    assert found.hit_scores == ("score", "bm25")
    assert found.seconds[-1] == ("total", "1")
    assert {one.name: (one.value, one.reason) for one in found.scores}["facts"] == (
        "0", "missing: 4",
    )  # fmt: skip
    assert {one.name: one.value for one in found.scores}["abstention_recall"] == "n/a"
