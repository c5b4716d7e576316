"""What is published: the wheel, installed where nothing else is, runs the README's snippet."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.test_readme import ROOT, SNIPPET

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def run(*command: Any, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )


def did(*command: Any, **options: Any) -> str:
    done = run(*command, **options)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    """Return the Python of a new environment, deleted at the end; skip where no registry is."""
    folder = tmp_path / "venv"
    did(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    probe = run(python, "-m", "pip", "download", "--no-deps", "--dest", tmp_path / "probe", "click")
    if probe.returncode:
        pytest.skip(f"no package registry answers: {probe.stderr.strip().splitlines()[-1]}")
    yield python
    shutil.rmtree(folder)


def test_the_wheel_runs_in_an_empty_environment(
    empty: Path, tmp_path: Path, models_folder: Path
) -> None:
    built, work = tmp_path / "dist", tmp_path / "work"
    work.mkdir()
    did(sys.executable, "-m", "build", "--wheel", "--outdir", built, ROOT)
    [wheel] = built.glob("*.whl")
    install = (empty, "-m", "pip", "install", "--quiet", "--no-deps")
    did(*install, "--require-hashes", "-r", ROOT / "requirements.lock")
    did(*install, wheel)
    did(empty, "-m", "pip", "check")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ASSISTANT_HOME": str(tmp_path / "home"),
        "ASSISTANT_MODELS": str(models_folder),
        "ASSISTANT_MODEL": "extractive",
        "ASSISTANT_OFFLINE": "1",
    }
    said = did(empty, "-c", SNIPPET, cwd=work, env=environ)
    assert "Lottery Ticket" in said
    assert said.strip().endswith("answered")
    command = empty.with_name("assistant")
    found = did(command, "search", "-k", 1, "DDRNet Cityscapes", cwd=work, env=environ)
    assert "Deep Dual-resolution Networks" in found
