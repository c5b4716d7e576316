import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from evals import report
from evals.__main__ import main
from evals.questions import Question
from evals.report.cases import reply
from evals.report.data import (
    asked_alike,
    judgements,
    load_runs,
)
from evals.report.header import header
from evals.report.look import DARK, LIGHT
from evals.report.quality import measure
from tests.logs import EVIL, QUESTIONS, SAID, hostile_log, made_log, write_log

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
