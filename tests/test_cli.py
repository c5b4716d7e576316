"""The command line: its contract for scripts, its exit codes, its words on bad input."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

PAGE = """Daily Papers

byAK and the research community

Mar 11

Pruning Before the First Step

Large networks are costly to store. We present TwigNet, which prunes a network at initialization \
by the curvature of its loss. TwigNet removes 92\\% of the weights of a ResNet-50 and loses 0.4 \
points of accuracy on ImageNet. Training the remaining weights takes half the memory of a dense run.

A Title Whose Abstract Was Lost

How Honeybees Find Home in Fog

Honeybees return to their hive over several kilometres. We tracked 240 bees with harmonic radar in \
dense fog on nine mornings. Most bees followed hedges and ditches instead of the sun. Bees without \
landmarks did not return within two hours, and some of them never did.
"""
Run = Callable[..., Result]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Return a page with two whole entries and one without abstract."""
    path = tmp_path / "page.txt"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_adding_twice_reports_added_then_unchanged(run: Run, page: Path) -> None:
    first = run("add", page)
    assert first.exit_code == 0
    assert "2 added, 1 skipped" in first.output
    assert "page.txt, line 11" in first.output
    again = json.loads(run("add", "--json", page).stdout)
    assert (again["added"], again["unchanged"], again["skipped"]) == (0, 2, 1)
    assert again["problems"][0]["line"] == 11


def test_ask_json_keeps_the_contract(run: Run, page: Path) -> None:
    run("add", page)
    answer = json.loads(run("ask", "--json", "How many weights does TwigNet remove?").stdout)
    for name in ("question", "text", "status", "citations", "evidence", "model", "seconds"):
        assert name in answer
    assert answer["status"] == "answered"
    assert "92%" in answer["text"]
    first = answer["citations"][0]
    assert set(first) >= {"number", "paper", "sentence", "start", "end", "claim", "support"}
    assert set(first["paper"]) >= {"id", "title", "year", "url"}
    shown = json.loads(run("show", "--json", first["paper"]["id"]).stdout)
    assert shown["abstract"][first["start"] : first["end"]] == first["sentence"]


def test_ask_shows_a_comparison_as_lines(run: Run, page: Path) -> None:
    run("add", page)
    question = "Compare what TwigNet removes on ImageNet with what most honeybees followed in fog."
    answer = json.loads(run("ask", "--json", question).stdout)
    assert answer["text"].startswith("| Paper | What it says | Source |\n|---|---|---|\n| ")
    shown = run("ask", question).stdout
    assert shown.startswith("- ")
    assert "|" not in shown
    assert "\n\n[1] " in shown


def test_ask_takes_earlier_turns_from_a_file(run: Run, page: Path, tmp_path: Path) -> None:
    run("add", page)
    history = tmp_path / "turns.json"
    turns = [
        {"role": "user", "content": "How did honeybees find home in fog?"},
        {"role": "assistant", "content": "They followed hedges."},
    ]
    history.write_text(json.dumps(turns), encoding="utf-8")
    result = run("ask", "--json", "--history", history, "How many of them were tracked?")
    assert "240 bees" in json.loads(result.stdout)["text"]


def test_batch_prints_one_object_a_line_and_survives_a_bad_one(
    run: Run, page: Path, tmp_path: Path
) -> None:
    run("add", page)
    batch = tmp_path / "batch.jsonl"
    lines = ['{"id": "a", "question": "What does TwigNet prune?"}', "{broken", '{"id": "c"}']
    lines += ['{"id": "d", "question": ""}', "7", '{"id": "e", "question": "Who tracked bees?"}']
    batch.write_text("\n".join(lines), encoding="utf-8")
    result = run("ask", "--json", "--batch", batch)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == ["a", 2, "c", "d", 5, "e"]
    assert [("error" in answer) for answer in answers] == [False, True, True, True, True, False]
    assert "batch.jsonl, line 2" in answers[1]["error"]


def test_ask_prints_text_and_the_sentences_behind_it(run: Run, page: Path) -> None:
    run("add", page)
    result = run("ask", "How many bees were tracked in fog?")
    assert "[1]" in result.stdout
    assert "“We tracked 240 bees with harmonic radar" in result.stdout


def test_search_ranks_papers_with_scores(run: Run, page: Path) -> None:
    run("add", page)
    found = json.loads(run("search", "--json", "-k", "1", "bees in fog").stdout)
    assert [row["paper"]["title"] for row in found["results"]] == ["How Honeybees Find Home in Fog"]
    assert found["results"][0]["score"] > 0


def test_list_show_and_remove(run: Run, page: Path) -> None:
    run("add", page)
    listed = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert len(listed) == 2
    removed = run("remove", listed[0]["id"])
    assert removed.exit_code == 0
    assert len(run("list").stdout.splitlines()) == 1
    assert run("remove", "no-such-id").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ask", ""), "empty"),
        (("ask", "x" * 20_000), "20,000 characters"),
        (("add", "missing.txt"), "No such file"),
        (("show", "no-such-id"), "assistant list"),
        (("ask", "--history", "missing.json", "What?"), "no such file"),
    ],
)
def test_bad_input_gets_one_clear_message(
    run: Run, page: Path, arguments: tuple[str, ...], words: str
) -> None:
    run("add", page)
    result = run(*arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_an_empty_library_says_how_to_fill_it(run: Run) -> None:
    result = run("ask", "What is there?")
    assert result.exit_code == 1
    assert "assistant add" in result.stderr


def test_a_question_in_another_language_is_told_so(run: Run, page: Path) -> None:
    run("add", page)
    answer = json.loads(run("ask", "--json", "蜜蜂在雾中如何找到回家的路?").stdout)
    if answer["status"] == "abstained":
        assert any("language" in notice for notice in answer["notices"])
    else:
        assert answer["citations"]


def test_one_unreadable_file_does_not_keep_the_others_out(
    run: Run, page: Path, tmp_path: Path
) -> None:
    binary = tmp_path / "picture.png"
    binary.write_bytes(bytes(range(256)) * 40)
    result = run("add", binary, page)
    assert result.exit_code == 0
    assert "2 added" in result.output
    assert "binary" in result.output


def test_a_read_only_home_is_a_message(run: Run, page: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("ASSISTANT_HOME", "/proc/nowhere")
    result = run("add", page)
    assert result.exit_code == 1
    assert "ASSISTANT_HOME" in result.stderr


def test_doctor_names_the_repair_and_never_the_key(
    run: Run, page: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    run("add", page)
    assert run("doctor", "--quick").exit_code == 0
    monkeypatch.setenv("ASSISTANT_MODELS", str(tmp_path / "nothing"))
    monkeypatch.setenv("ASSISTANT_MODEL", "openai")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-secret")
    result = run("doctor")
    assert result.exit_code == 1
    assert "assistant doctor --repair" in result.output
    assert "a key is set" in result.output
    assert "planted" not in result.output


def test_chat_keeps_the_conversation(run: Run, page: Path) -> None:
    run("add", page)
    typed = "How did honeybees find home in fog?\nHow many of them were tracked?\n\n"
    result = run("chat", input=typed)
    assert result.exit_code == 0
    assert "240 bees" in result.stdout


def test_help_loads_no_heavy_package() -> None:
    script = (
        "import sys; from assistant.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'llama_index', 'chromadb', 'gradio', 'openai', 'onnxruntime', 'numpy', 'mcp'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
