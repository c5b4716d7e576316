"""Answers as bibliographies, kept on disk, and shown as trees."""

import json
import stat
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import Assistant
from assistant.adapters.answer_store import AnswerStore
from assistant.adapters.csl_styles import references
from assistant.cli.answers import spent, tree
from assistant.errors import InputError
from assistant.exports.answers import cited, export_answer
from assistant.pricing import usd
from assistant.readers import read_papers
from assistant.types import Paper
from tests import fakes
from tests.fakes import KEY, FakeServer
from tests.samples import SAMPLE, STORYLINE, TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"
REMOVES = "TwigNet removes 92% of the weights of a ResNet-50 [1]."


# --- bibliographies -------------------------------------------------------------------------


@pytest.fixture
def asked(library: Library) -> Assistant:
    """Return an assistant, of a home of its own, that was asked a question."""
    assistant = library(answerable_at=0.0)
    assistant.ask(QUESTION)
    return assistant


def test_markdown_has_the_text_and_its_references(asked: Assistant) -> None:
    text = asked.cite("last")
    assert text.startswith(f"**{QUESTION}**\n\nTwigNet removes 92%")
    assert "\n## References\n\n1. Birch, A., Oak, B. (2021). *TwigNet: Pruning Before" in text
    assert "<https://doi.org/10.1234/twignet>" in text


@pytest.mark.parametrize("kind", ["bibtex", "ris", "csl-json"])
def test_cited_papers_are_read_back_the_same(asked: Assistant, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "cited"
    path.write_text(asked.cite(asked.ask(QUESTION), kind), encoding="utf-8")
    read = [one for one in read_papers(path) if isinstance(one, Paper)]
    assert read[0].title == TWIGNET.title
    assert read[0].doi == TWIGNET.doi


def test_csl_json_is_clean_for_a_csl_processor() -> None:
    from citeproc.source.json import CiteProcJSON

    answer = {"question": "", "text": "", "citations": []}
    items = json.loads(export_answer(answer, list(enumerate(SAMPLE, 1)), "csl-json"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert set(CiteProcJSON(items)) == {paper.id for paper in SAMPLE}


def test_styles_are_those_of_the_csl_repository() -> None:
    papers = [STORYLINE, TWIGNET]
    assert references(papers, "apa")[1] == (
        "Birch, A., & Oak, B. (2021). TwigNet: Pruning Before the First Step. "
        "https://doi.org/10.1234/twignet"
    )
    first, second = references(papers, "ieee")
    assert first.startswith("C. Reel, “Storyline")
    assert second.startswith("A. Birch and B. Oak")
    assert references([], "apa") == []
    for style in ("nature", "modern-language-association", "chicago-author-date"):
        found = references(papers, style)
        assert "Storyline" in found[0]
        assert "TwigNet" in found[1]
        assert "abstract-assistant" not in "".join(found)


def test_an_unknown_style_or_format_is_named(asked: Assistant, tmp_path: Path) -> None:
    for style in ("nonsense", str(tmp_path / "none.csl")):
        with pytest.raises(InputError, match="there is no such"):
            asked.cite("last", style=style)
    broken = tmp_path / "broken.csl"
    broken.write_text("<style>")
    with pytest.raises(InputError, match="can't be used"):
        asked.cite("last", style=str(broken))
    with pytest.raises(InputError, match="take one of markdown"):
        asked.cite("last", "docx")


def test_a_paper_that_is_gone_is_cited_by_what_the_answer_says() -> None:
    told = {"id": "x", "title": "Gone", "year": 2001, "url": "https://a.example/x"}
    answer = {"question": "Q?", "text": "A [1].", "citations": [{"number": 1, "paper": told}]}
    papers = cited(answer, lambda name: None)
    assert "1. (2001). *Gone*. <https://a.example/x>" in export_answer(answer, papers, "markdown")
    for broken in ({}, {"citations": [{}]}, {"citations": [1], "text": ""}):
        with pytest.raises(InputError, match="no answer as"):
            cited(broken, lambda name: None)


def test_markdown_of_a_hostile_answer_has_no_markup() -> None:
    paper = Paper(id="1", title="<script> [x](http://e)", abstract="", authors=("*A* <b>",))
    answer = {"question": "<i>Q</i>", "text": "![x](y) [1].", "citations": []}
    shown = export_answer(answer, [(1, paper)], "markdown")
    assert "\\<script\\>" in shown
    assert "](" not in shown
    assert "<i>" not in shown


def test_cite_takes_files_and_ids(run: Callable[..., Any], tmp_path: Path) -> None:
    papers = tmp_path / "p.jsonl"
    papers.write_text("".join(json.dumps(one.to_dict()) + "\n" for one in SAMPLE), "utf-8")
    assert run("add", papers).exit_code == 0
    file = tmp_path / "answer.json"
    file.write_text(run("ask", "--json", QUESTION).stdout, "utf-8")
    styled = run("cite", file, "--style", "apa")
    assert "1. Birch, A., & Oak, B. (2021)." in styled.stdout.replace("\\", "")
    assert run("cite", "last", "-f", "ris").stdout.startswith("TY  - ")
    name = json.loads(file.read_text())["answer_id"]
    assert run("cite", name, "-f", "bibtex").stdout.startswith("@")
    shown = run("trace", name)
    assert "├─ retrieve: papers found" in shown.stdout
    assert TWIGNET.title in shown.stdout
    assert QUESTION in run("trace").stdout
    assert json.loads(run("trace", "--json").stdout)["answer_id"] == name
    assert json.loads(run("trace", "--json", "last").stdout)["question"] == QUESTION
    for wrong in (("cite", "nonsense"), ("trace", "nonsense"), ("cite", papers)):
        failed = run(*wrong)
        assert failed.exit_code == 1
        assert "Error: " in failed.stderr
    assert run("cite", "last", "-f", "ris", "--style", "apa").exit_code == 2


# --- kept -----------------------------------------------------------------------------------


def test_ids_of_the_same_second_sort_as_they_were_made(tmp_path: Path) -> None:
    store = AnswerStore(tmp_path, 1)
    ids = []
    for _ in range(50):
        ids.append(store.new_id())
        time.sleep(2e-6)
    assert ids == sorted(set(ids))


def test_an_answer_is_kept_as_it_was_given(asked: Assistant) -> None:
    answer = asked.ask("How do honeybees find home in fog?")
    assert answer.id
    assert asked.answers.get(answer.id) == json.loads(answer.to_json())
    assert asked.answers.get(answer.id[:-1])["answer_id"] == answer.id
    (path,) = (asked.settings.home / "answers").glob(f"{answer.id}.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_more_are_kept_than_the_settings_say(library: Library) -> None:
    none = library([], answers_kept=0)
    assert none.answers.new_id() == ""
    store = AnswerStore(none.settings.home / "answers", 3)
    for number in range(5):
        store.put(f"{number}", {"answer_id": str(number)})
    assert [one["answer_id"] for one in store.recent()] == ["4", "3", "2"]
    (none.settings.home / "answers" / "4.json").write_text("{")
    assert [one["answer_id"] for one in store.recent()] == ["3", "2"]
    with pytest.raises(InputError, match="sets it aside"):
        store.get("4")
    with pytest.raises(InputError, match="no past answer"):
        store.get("../x")


def test_a_disk_that_is_full_keeps_no_answer_back(library: Library, tmp_path: Path) -> None:
    assistant = library(answerable_at=0.0)
    (assistant.settings.home / "answers").write_text("in the way")
    assert assistant.ask(QUESTION).status == "answered"


# --- shown ----------------------------------------------------------------------------------


def test_the_tree_tells_every_stage_tokens_and_cost(online: Library, server: FakeServer) -> None:
    server.will(fakes.says(f"{REMOVES} TwigNet flies [1].", usage=(1000, 100)))
    answer = online(openai_model="gpt-4.1-mini", answers_kept=0).ask(QUESTION)
    assert answer.trace.usd == pytest.approx(0.00112)
    assert answer.trace.paid == "gpt-4.1-mini"
    lines = tree(answer.to_dict())
    shown = "\n".join(lines)
    for part in (
        "├─ condense: ",
        "├─ select: ",
        "│  └─ tokens: requests 2, unreported 0, prompt 2,000, completion 200, 0.001120 US dollars",
        "TwigNet flies",
        "└─ partial, confidence",
        f"[1] {TWIGNET.title}",
    ):
        assert part in shown
    assert KEY not in shown
    assert list(spent([answer.to_dict()] * 2)) == [
        "\ngpt-4.1-mini: 4 requests, 4,000 tokens read, 400 written, 0.0022 US dollars"
    ]


def test_what_is_not_known_is_not_counted() -> None:
    assert usd("gpt-4.1-mini", {"requests": 1, "unreported": 1}) is None
    assert usd("gpt-4.1-mini", {}) is None
    assert usd("unheard-of", {"requests": 1, "prompt": 1, "completion": 1}) is None
    told = {"paid": "m", "usd": None, "tokens": {"requests": 1, "unreported": 1}}
    assert "1 answers of unknown price" in next(spent([{"trace": told}, {"trace": {}}]))


@given(st.text(), st.text())
def test_a_reference_of_any_text_is_one_line_of_markdown(title: str, author: str) -> None:
    paper = Paper(id="1", title=title, abstract="", authors=(author,))
    answer = {"question": "Q", "text": "T", "citations": []}
    shown = export_answer(answer, [(1, paper)], "markdown").split("## References\n\n")[1]
    assert len(shown.rstrip("\n").split("\n")) == 1


def test_last_is_the_latest_answer_where_the_clock_was_set_back(tmp_path: Path) -> None:
    now = [1_800_000_000_000_000_000]
    store = AnswerStore(tmp_path, 2, lambda: now[0])
    for question, clock in (("one", 0), ("two", 5_000), ("three", -(10**17)), ("four", 0)):
        now[0] += clock
        store.put(store.new_id(), {"question": question})
    assert store.get("last")["question"] == "four"
    assert [one["question"] for one in store.recent()] == ["four", "three"]


def test_ids_of_other_files_in_the_folder_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "zzz-not-an-answer.json").write_text("{}")
    store = AnswerStore(tmp_path, 2, lambda: 1_800_000_000_000_000_000)
    assert store.new_id().startswith("270115-080000000000-")
