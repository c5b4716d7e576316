import base64
import hashlib
import json
import re
from collections import defaultdict
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import InputError
from evals import report
from evals.__main__ import main
from evals.compare import compare
from evals.questions import Question
from evals.report.cases import reply, shown_cases
from evals.report.confidence_figures import calibration_figure, calibration_summary, risk_figure
from evals.report.data import (
    Run,
    asked_alike,
    confidences,
    judgements,
    load_runs,
    retrieval_scores,
    risks_of,
    stage_seconds,
    supports,
)
from evals.report.header import details, header
from evals.report.look import DARK, LIGHT
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
from tests.logs import EVIL, QUESTIONS, SAID, STATE, hostile_log, made_log, write_log

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


# The page.


class Parts(HTMLParser):
    """Notes the tags, scripts and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.scripts, self.text, self.inside = [], [], [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        (self.scripts if self.inside == "script" else self.text).append(data)


@pytest.fixture(scope="module")
def page():
    better = {**SAID, "s2": ("It takes 4 days.", 0.7)}
    return report.render([made_log(), made_log("b.jsonl", said=better)])


def test_the_page_has_all_parts(page):
    parts = Parts(page)
    ids = {attrs["id"] for _, attrs in parts.tags if "id" in attrs}
    assert ids >= {"runs", "quality", "calibration", "seconds", "scores", "changes", "cases"}
    targets = [
        attrs["href"][1:] for tag, attrs in parts.tags if tag == "a" and "#" in attrs["href"]
    ]
    assert set(targets) <= ids
    assert "case-1" in targets
    plots = [attrs["data-figure"] for _, attrs in parts.tags if "data-figure" in attrs]
    figures = json.loads(parts.scripts[0])
    assert list(figures["specs"]) == plots
    assert len(page.encode()) < 6_000_000
    text = " ".join(parts.text)
    assert "all_facts 0 → 1 (better)" in text
    assert "n/a:" in text
    assert "usd (" in text
    assert "/secret" not in page


def test_one_run_has_no_changes():
    parts = Parts(report.render([made_log()]))
    assert "changes" not in {attrs.get("id") for _, attrs in parts.tags}


def is_foreign(address):
    return not address.startswith("#")


def test_nothing_is_asked_of_any_host(page):
    parts = Parts(page)
    for tag, attrs in parts.tags:
        asked = [attrs[name] for name in ("src", "srcset", "data", "action") if name in attrs]
        assert asked == [], tag
        if "href" in attrs:
            assert tag == "a"
            assert not is_foreign(attrs["href"]) or attrs["href"] == "https://kettle.example/"
    assert not {tag for tag, _ in parts.tags} & {"link", "img", "iframe", "object", "base"}
    style = page.split("<style>")[1].split("</style>")[0]
    assert not re.search(r"url\(|@import|https?:", style)


def test_the_policy_names_the_scripts_by_their_hash(page):
    parts = Parts(page)
    policy = next(attrs["content"] for _, attrs in parts.tags if attrs.get("http-equiv"))
    data, *scripts = parts.scripts
    assert json.loads(data)["light"] == list(LIGHT)
    hashes = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    assert len(hashes) == 2
    assert "script-src " + " ".join(f"'sha256-{one}'" for one in hashes) in policy
    assert policy.startswith("default-src 'none'")


def test_hostile_text_stays_text():
    log = hostile_log()
    parts = Parts(report.render([log, log]))
    assert [tag for tag, _ in parts.tags].count("script") == 3
    assert len(parts.scripts) == 3
    assert "img" not in {tag for tag, _ in parts.tags}
    attributes = {name for _, attrs in parts.tags for name in attrs}
    assert not [name for name in attributes if name.startswith("on")]
    links = [attrs["href"] for tag, attrs in parts.tags if tag == "a"]
    assert links
    assert not [link for link in links if is_foreign(link)]
    figures = json.loads(parts.scripts[0])["specs"]
    # Plotly reads a little HTML in labels: there, too, it is text.
    assert figures["quality-0"]["layout"]["xaxis"]["ticktext"][0].startswith("&lt;/script&gt;")
    assert any(one["name"].startswith("&lt;/script&gt;") for one in figures["stages"]["data"])
    assert "".join(parts.text).count(EVIL) > 40


@pytest.mark.parametrize(
    ("address", "is_link"),
    [
        ("https://a.example/x?y=1&z=2", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//a.example", False),
        ("", False),
        (None, False),
    ],
)
def test_only_web_addresses_are_links(address, is_link):
    paper = {"title": "Kettle", "url": address}
    log = made_log(evidence=[{"key": 1, "paper": paper, "sentence": "Hot.", "score": 1.0}])
    found = reply(load_runs([log])[0], QUESTIONS[0])
    assert found.evidence[0].link == (address if is_link else "")


def test_an_old_log_still_renders():
    old = {
        "question": "Hot?",
        "text": "It takes 3.5 minutes [1].",
        "status": "answered",
        "citations": [{"paper": {"title": "Kettle"}}],
        "seconds": {"total": 1.0},
        "trace": {"hits": [{"title": "Kettle"}]},
    }
    log = made_log(questions=QUESTIONS[:1], state={})
    case = log.cases["s1"]
    log.cases["s1"] = type(case)(id="s1", answer=old, error="", seconds=1.0)
    run = load_runs([log])[0]
    assert judgements(run).left_out == 1
    found = reply(run, QUESTIONS[0])
    assert (found.confidence, found.sentences[0].sources[0].scores) == ("n/a", "support n/a")
    assert found.hits[0].scores == ("n/a",)
    assert {row.name: row.values for row in header([run])}["commit"] == ("n/a",)
    text = " ".join(Parts(report.render([log])).text)
    assert "It takes 3.5 minutes [1]." in text


def test_a_log_without_a_case_renders():
    empty = made_log(said={})
    assert measure(load_runs([empty])).types == ("single", "definition", "unanswerable", "all")
    assert "0 of 7 questions" in report.render([empty])


def test_runs_that_share_no_question():
    other = made_log("b.jsonl", {"x": ("Yes.", 0.5)}, [Question(id="x", type="x", question="X?")])
    page = report.render([made_log(), other])
    assert "share no question" in page
    assert "not asked the same questions" in page
    assert "over those that they share" not in page


def test_runs_that_were_asked_alike(page):
    assert "not asked the same questions" not in page
    fewer = made_log("b.jsonl", {name: SAID[name] for name in ("s1", "u1")})
    assert "compares A and B over those that they share" in " ".join(
        Parts(report.render([made_log(), fewer])).text
    )
    assert not asked_alike(load_runs([made_log(), fewer]))
    reworded = [replace(QUESTIONS[0], question="Warm?"), *QUESTIONS[1:]]
    assert not asked_alike(load_runs([made_log(), made_log(questions=reworded)]))
    assert asked_alike(load_runs([made_log(), made_log(said=dict.fromkeys(SAID))]))


def test_the_page_is_bounded_however_long_the_log():
    questions = [
        Question(
            id=f"q{n}", type="single", question=f"{n}?", gold=("Mug",), must_include=(("no",),)
        )
        for n in range(300)
    ]
    said = {question.id: ("word " * 1000, n / 300) for n, question in enumerate(questions)}
    said["q0"] = ("no", 0.1)
    before = made_log(said={**said, "q0": ("yes", 0.1)}, questions=questions)
    page = report.render([before, made_log("b.jsonl", said, questions)])
    assert len(page.encode()) < 6_000_000
    shown = re.findall(r'<span class="id">(q\d+)', page)
    assert 50 < len(shown) < 300
    # The surest of the wrong come first; the one that flipped is there, too.
    assert shown[:2] == ["q299", "q298"]
    assert shown[-1] == "q0"
    assert "(3,800 more characters)" in page


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrasts():
    style = (Path(report.__file__).parent / "page.css").read_text(encoding="utf-8")
    schemes = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in style.split("@media")[:2]
    ]
    for colours, hues in zip(schemes, (LIGHT, DARK), strict=True):
        pairs = [(text, page) for text in ("text", "soft", "link") for page in ("page", "panel")]
        pairs += [(name, f"{name}-fill") for name in ("good", "bad", "mark")]
        pairs += [("text", "plain-fill"), ("text", "mark-fill")]
        for text, behind in pairs:
            assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
        for hue in hues:
            assert contrast(hue, colours["page"]) >= 3, hue


# The command.


def invoke(*arguments):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_command(tmp_path):
    logs = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for path in logs:
        write_log(path)
    done = invoke(*logs)
    assert done.exit_code == 0, done.output
    assert done.output == f"Page: {tmp_path / 'a.html'}\n"
    assert "<h1>Evaluation</h1>" in (tmp_path / "a.html").read_text(encoding="utf-8")
    out = tmp_path / "new" / "page.html"
    assert invoke(logs[0], "--out", out).exit_code == 0
    assert [path.name for path in out.parent.iterdir()] == ["page.html"]
    assert invoke().exit_code == 2


@pytest.mark.parametrize("name", ["a.jsonl", "page", "page.txt"])
def test_only_pages_are_replaced(tmp_path, name):
    path = tmp_path / "a.jsonl"
    write_log(path)
    before = path.read_bytes()
    done = invoke(path, "--out", tmp_path / name)
    assert done.exit_code == 1
    assert "let it end in .html" in done.output
    assert path.read_bytes() == before


def test_a_log_that_is_named_like_a_page_is_not_replaced(tmp_path):
    path = tmp_path / "a.html"
    write_log(path)
    assert "let it end in .html" in invoke(path).output
    assert path.read_text(encoding="utf-8").startswith('{"kind": "run"')


def test_a_page_that_cannot_be_written(tmp_path):
    write_log(tmp_path / "a.jsonl")
    (tmp_path / "a.html").mkdir()
    done = invoke(tmp_path / "a.jsonl")
    assert done.exit_code == 1
    assert "name another with --out" in done.output
    assert not list(tmp_path.glob("*.partial"))


def test_a_file_that_is_no_log(tmp_path):
    (tmp_path / "a.jsonl").write_text("{}\n", encoding="utf-8")
    done = invoke(tmp_path / "a.jsonl")
    assert done.exit_code == 1
    assert "not a log" in done.output


def test_half_a_character_is_no_obstacle(tmp_path):
    report.write_report([made_log(said={**SAID, "s2": ("\ud83d", 0.5)})], tmp_path / "a.html")
    assert "</html>" in (tmp_path / "a.html").read_text(encoding="utf-8")
