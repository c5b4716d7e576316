"""Commands that look after the library: filters, sync, export, faults of disk and file."""

import contextlib
import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from assistant.types import Paper
from tests.samples import FOLDWELL, HIVE, SAMPLE, STORYLINE, TIDEPOOL, TWIGNET

Run = Callable[..., Result]


def write(path: Path, papers: Sequence[Paper]) -> Path:
    """Write papers as JSON lines."""
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("".join(json.dumps(paper.to_dict()) + "\n" for paper in papers), "utf-8")
    return path


def ids(result: Result) -> set[str]:
    """Return the ids in the lines of `list --json`."""
    assert result.exit_code == 0, result.output
    return {json.loads(line)["id"] for line in result.stdout.splitlines()}


# --- filters --------------------------------------------------------------------------------


def test_filters_hold_for_every_command(run: Run, tmp_path: Path) -> None:
    run("add", write(tmp_path / "a.jsonl", SAMPLE))
    assert ids(run("list", "--json", "--year", "2021..2022")) == {TWIGNET.id, STORYLINE.id}
    assert ids(run("list", "--json", "--author", "birch")) == {TWIGNET.id}
    assert ids(run("list", "--json", "--where", "not author:birch year<2022")) < {
        one.id for one in SAMPLE
    }
    found = json.loads(run("search", "--json", "--id", HIVE.pmid, "network").stdout)["results"]
    assert [one["paper"]["id"] for one in found] == [HIVE.id]
    question = "How many of the weights does TwigNet remove?"
    answer = json.loads(run("ask", "--json", "--author", "reel", question).stdout)
    assert {one["paper"]["id"] for one in answer["evidence"]} == {STORYLINE.id}
    wrong = run("list", "--where", "colour:red")
    assert wrong.exit_code == 1
    assert "no field “colour”" in wrong.output
    assert "Traceback" not in wrong.output


def test_lines_of_a_batch_have_filters_of_their_own(run: Run, tmp_path: Path) -> None:
    run("add", write(tmp_path / "a.jsonl", SAMPLE))
    lines = [
        {"id": 1, "question": "What was measured?", "where": "author:birch"},
        {"id": 2, "question": "What was measured?", "where": "colour:red"},
    ]
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    result = run("ask", "--json", "--batch", tmp_path / "b.jsonl")
    one, two = (json.loads(line) for line in result.stdout.splitlines())
    assert {each["paper"]["id"] for each in one["evidence"]} == {TWIGNET.id}
    assert "no field" in two["error"]


# --- sync -----------------------------------------------------------------------------------


def test_sync_adds_shows_what_vanished_and_removes_it_with_yes(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "refs"
    write(folder / "a.jsonl", [TWIGNET, HIVE])
    write(folder / "sub" / "b.jsonl", [STORYLINE, HIVE])
    write(folder / "c.jsonl", [TIDEPOOL])
    run("add", write(tmp_path / "kept.jsonl", [FOLDWELL]))
    assert "4 added, 1 merged" in run("sync", folder).stdout
    write(folder / "a.jsonl", [TWIGNET])
    (folder / "c.jsonl").unlink()
    shown = run("sync", folder)
    assert shown.exit_code == 0
    assert f"gone from the folder: {TIDEPOOL.title}" in shown.stdout
    assert "1 papers stay until you add --yes" in shown.stdout
    assert "1 more are gone from it, but another file has them" in shown.stdout
    everything = {one.id for one in SAMPLE}
    assert ids(run("list", "--json")) == everything
    done = json.loads(run("sync", "--yes", "--json", folder).stdout)
    assert (done["removed"], done["papers"]) == (1, 4)
    assert [one["id"] for one in done["vanished"]] == [TIDEPOOL.id]
    assert ids(run("list", "--json")) == everything - {TIDEPOOL.id}
    assert json.loads(run("show", "--json", HIVE.id).stdout)["sources"] == ["refs/sub/b.jsonl"]
    assert json.loads(run("sync", "--yes", "--json", folder).stdout)["removed"] == 0


def test_sync_keeps_the_papers_of_a_damaged_file(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "refs"
    whole = write(folder / "a.jsonl", SAMPLE).read_bytes()
    (folder / "a.jsonl").unlink()
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(whole))
    run("sync", folder)
    packed = gzip.compress(whole)
    (folder / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    result = run("sync", "--yes", folder)
    assert "a.jsonl.gz is damaged; what it gave before stays" in result.output
    assert len(ids(run("list", "--json"))) == len(SAMPLE)


def test_sync_refuses_what_is_no_folder_and_another_of_the_same_name(
    run: Run, tmp_path: Path
) -> None:
    write(tmp_path / "one" / "refs" / "a.jsonl", [TWIGNET])
    write(tmp_path / "two" / "refs" / "a.jsonl", [HIVE])
    assert run("sync", tmp_path / "one" / "refs").exit_code == 0
    other = run("sync", "--yes", tmp_path / "two" / "refs")
    assert other.exit_code == 1
    assert "another folder of that name" in other.output
    assert run("sync", tmp_path / "one" / "refs" / "a.jsonl").exit_code == 1
    assert ids(run("list", "--json")) == {TWIGNET.id}


# --- export ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["all.bib", "all.ris", "all.json", "all.jsonl"])
def test_export_added_elsewhere_gives_the_same_papers(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run("add", "--no-vectors", write(tmp_path / "a.jsonl", SAMPLE))
    assert run("export", "-o", tmp_path / name).exit_code == 0
    before = {one.id: run("show", "--json", one.id).stdout for one in SAMPLE}
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path / "other"))
    assert "5 added" in run("add", "--no-vectors", tmp_path / name).stdout
    for paper_id, shown in before.items():
        one, other = json.loads(shown), json.loads(run("show", "--json", paper_id).stdout)
        for record in (one, other):
            for field in ("source", "sources", "raw_abstract", "record_id"):
                record.pop(field, None)
        assert other == one


def test_export_prints_what_passes_the_filter(run: Run, tmp_path: Path) -> None:
    run("add", "--no-vectors", write(tmp_path / "a.jsonl", SAMPLE))
    printed = run("export", "--author", "birch").stdout
    assert TWIGNET.abstract.split(".")[0] in printed
    assert printed.startswith("@")
    assert HIVE.title not in printed
    unknown = run("export", "-o", tmp_path / "all.docx")
    assert unknown.exit_code == 2
    assert "--format" in unknown.output


# --- indexes --------------------------------------------------------------------------------


def test_vectors_may_come_later(run: Run, tmp_path: Path) -> None:
    added = run("add", "--no-vectors", write(tmp_path / "a.jsonl", SAMPLE))
    assert "5 papers are found by their words only as yet" in added.stdout
    assert "5 of 5 papers are found by words and by meaning" in run("index").stdout
    assert "of all-MiniLM-L6-v2 already" in run("reembed").stdout


def test_strict_exits_with_one_where_a_record_was_skipped(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", SAMPLE)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"title": "Broken')
    assert run("add", "--no-vectors", path).exit_code == 0
    strict = run("add", "--no-vectors", "--strict", path)
    assert strict.exit_code == 1
    assert "a.jsonl, line 6" in strict.output
    assert "5 unchanged, 1 skipped" in strict.output
    assert run("add", "--no-vectors", "--strict", write(path, SAMPLE)).exit_code == 0


def test_near_duplicates_are_named(run: Run, tmp_path: Path) -> None:
    one = {"title": HIVE.title, "abstract": HIVE.abstract}
    two = {"title": f"{HIVE.title}.", "abstract": f"Abstract: {HIVE.abstract} All rights reserved."}
    for name, record in (("a", one), ("b", two)):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(record), "utf-8")
    run("add", "--no-vectors", tmp_path / "a.jsonl")
    result = run("add", "--no-vectors", tmp_path / "b.jsonl")
    assert "1 merged" in result.stdout
    assert "merged" in result.output


# --- faults ---------------------------------------------------------------------------------


def made_up(count: int) -> list[Paper]:
    return [
        Paper(id="", title=f"Study {n}", abstract=f"We measured {n} bees, {n} times. " * 9)
        for n in range(count)
    ]


def assistant(home: Path, models: Path, *arguments: str, most: int = 0) -> Any:
    """Run the command in a process that may write files of `most` bytes only."""

    def limit() -> None:
        if most:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    environ = {
        **os.environ,
        "ASSISTANT_HOME": str(home),
        "ASSISTANT_MODELS": str(models),
        "ASSISTANT_MODEL": "extractive",
        "ASSISTANT_OFFLINE": "1",
    }
    command = [sys.executable, "-m", "assistant", *arguments]
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, check=False, preexec_fn=limit
    )


@pytest.mark.parametrize("most", [60_000, 400_000, 900_000])
def test_full_disk_is_named_and_loses_nothing(
    tmp_path: Path, models_folder: Path, most: int
) -> None:
    file = str(write(tmp_path / "a.jsonl", made_up(1200)))
    home = tmp_path / "home"
    full = assistant(home, models_folder, "add", "--no-vectors", file, most=most)
    assert full.returncode == 1
    assert "Error: " in full.stderr
    assert "disk" in full.stderr
    assert "Traceback" not in full.stderr
    stored = len(assistant(home, models_folder, "list").stdout.splitlines())
    assert stored in (0, 500, 1000, 1200)
    again = json.loads(assistant(home, models_folder, "add", "--no-vectors", "--json", file).stdout)
    assert (again["unchanged"], again["added"], again["papers"]) == (stored, 1200 - stored, 1200)
    found = json.loads(assistant(home, models_folder, "search", "--json", "Study 77").stdout)
    assert found["results"][0]["paper"]["title"] == "Study 77"


def test_interrupted_command_says_that_nothing_is_lost(tmp_path: Path, models_folder: Path) -> None:
    environ = {
        **os.environ,
        "ASSISTANT_HOME": str(tmp_path),
        "ASSISTANT_MODELS": str(models_folder),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "assistant", "add", "--no-vectors", "-"],
        env=environ,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "library" / "write.lock").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        while process.poll() is None:
            assert time.monotonic() < deadline
            process.send_signal(signal.SIGINT)
            # An import that is written in C may swallow it: then one presses again.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
        said = process.stderr.read() if process.stderr else ""
    assert process.returncode == 130
    assert "What was stored stays" in said
    assert "Traceback" not in said


def test_folder_that_cannot_be_written_is_named(tmp_path: Path, models_folder: Path) -> None:
    (tmp_path / "home").write_text("a file in the way")
    file = str(write(tmp_path / "a.jsonl", SAMPLE))
    result = assistant(tmp_path / "home", models_folder, "add", file)
    assert result.returncode == 1
    assert "ASSISTANT_HOME" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_named(tmp_path: Path, models_folder: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    file = str(write(tmp_path / "a.jsonl", SAMPLE))
    result = assistant(home, models_folder, "add", file)
    assert result.returncode == 1
    assert "writable" in result.stderr
