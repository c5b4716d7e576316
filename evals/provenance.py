"""What a run was made with: code, machine, prompts, library."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistant.prompts import load_prompt
from assistant.types import Paper
from evals.readings import processor

ROOT = Path(__file__).resolve().parent.parent


def git_state(folder: Path = ROOT) -> dict[str, Any]:
    """Return the commit, and whether files differ from it; None where git can't say."""
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603  The arguments are this module's own.
            command, capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def machine() -> dict[str, Any]:
    """Return what the seconds depend on."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "cpus": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
    }


def prompt_versions(folder: Path = ROOT / "prompts") -> dict[str, str]:
    """Return the version of every prompt by name."""
    return {file.stem: load_prompt(file.stem).version for file in sorted(folder.glob("*.md"))}


def library_fingerprint(papers: Iterable[Paper]) -> dict[str, Any]:
    """Return the number of papers, and a hash over ids and contents, whatever their order."""
    lines = sorted(f"{paper.id} {paper.content_hash}" for paper in papers)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    return {"papers": len(lines), "hash": digest}


def now() -> str:
    """Return the time in ISO form, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
