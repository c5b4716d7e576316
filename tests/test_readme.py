"""What the README says is so: its snippet runs, its commands and variables exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

from assistant.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPET = README.partition("```python\n")[2].partition("```")[0]


def test_the_python_snippet_runs(tmp_path: Path, models_folder: Path) -> None:
    assert "from assistant import Assistant" in SNIPPET
    environ = {
        **os.environ,
        "ASSISTANT_HOME": str(tmp_path),
        "ASSISTANT_MODELS": str(models_folder),
        "ASSISTANT_MODEL": "extractive",
    }
    done = subprocess.run(
        [sys.executable, "-c", SNIPPET],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Lottery Ticket" in done.stdout
    assert done.stdout.strip().endswith("answered")


def test_every_command_named_exists() -> None:
    named = set(re.findall(r"`assistant ([a-z]+)", README))
    assert named >= {"add", "ask", "search", "doctor"}
    assert named <= set(main.commands)


def test_every_command_is_named() -> None:
    table = README.split("## Use it from the shell")[1].split("### For scripts")[0]
    assert {name for name in main.commands if f"{name}" not in table} == set()


def test_every_variable_has_its_line_in_the_example_and_is_read() -> None:
    named = set(re.findall(r"\b(?:ASSISTANT|OPENAI)_[A-Z_]+", README))
    read = (ROOT / "assistant" / "settings.py").read_text(encoding="utf-8")
    assert {name for name in named if f'"{name}"' not in read} == set()
    shown = (ROOT / ".env.example").read_text(encoding="utf-8")
    unnamed = {name for name in re.findall(r"#([A-Z_]+)=", shown) if f"`{name}`" not in README}
    assert unnamed == set()


def test_the_two_commands_come_first() -> None:
    first = README.index("```sh\nmake run")
    assert README.index("make test") - first < 120
    assert README[:first].count("\n## ") == 0
