"""Ray's workers: two actors here, and two nodes of which one is killed."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from assistant.app import Assistant
from assistant.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
HAS_RAY = find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="needs the extra ray: pip install -e '.[ray]'")


def command(*arguments: str, home: Path, models: Path) -> "subprocess.CompletedProcess[str]":
    """Run a module in a process of its own: Ray binds sockets that tests may not."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "ASSISTANT_HOME": str(home),
            "ASSISTANT_MODELS": str(models),
            "ASSISTANT_MODEL": "extractive",
            "ASSISTANT_OFFLINE": "1",
            "PYTHONPATH": str(ROOT),
            "RAY_worker_niceness": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_the_extra_it_is_named(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"title": "A", "abstract": "We measured."}))
    result = run("add", "--ray", "local", "a.jsonl")
    assert result.exit_code == 1
    assert "pip install 'abstract-assistant[ray]'" in result.output


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_actors_add_what_one_process_does(tmp_path: Path, models_folder: Path) -> None:
    bundled = ROOT / "assistant" / "data" / "library.jsonl"
    homes = tmp_path / "plain", tmp_path / "ray"
    options = (["--no-vectors"], ["--ray", "local", "--actors", "2"])
    for home, option in zip(homes, options, strict=True):
        done = command("assistant", "add", *option, str(bundled), home=home, models=models_folder)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    found = []
    for home in homes:
        settings = Settings(home=home, models=models_folder, model="extractive", offline=True)
        with Assistant(settings) as assistant:
            found.append([paper.to_dict() for paper in assistant.papers()])
            passages = sorted(assistant.library.store().passages())
    assert found[0] == found[1]
    assert {paper_id for paper_id, _ in passages} == {paper["id"] for paper in found[1]}


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_node_loses_and_doubles_nothing(tmp_path: Path, models_folder: Path) -> None:
    papers = tmp_path / "papers.jsonl"
    with papers.open("w", encoding="utf-8") as file:
        for number in range(256):
            text = f"We measured {number} hives in amber light. " + "The bees hummed. " * 20
            paper = {"id": f"bees-{number}", "title": f"Study {number}", "abstract": text}
            file.write(json.dumps(paper) + "\n")
    done = command(
        *("evals", "bulk", "--no-speed", "--papers", "512", "--corpus", str(papers)),
        home=tmp_path / "home",
        models=models_folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 passages lost, 0 doubled" in done.stdout
    assert "embedded 0 papers" in done.stdout
