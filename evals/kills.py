"""Kill the command `assistant` at random instants, and count what is lost or doubled."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assistant.app import Assistant
from assistant.settings import Settings
from assistant.types import Paper

LONGEST_RUN = 300.0
_WORDS = (
    "alder birch cedar delta ember fjord glade heath inlet juniper kelp larch marsh nettle otter "
    "poplar quartz reed spruce thistle umber vale willow yarrow zinc amber basalt cobalt dune"
).split()


@dataclass
class Outcome:
    """What the kills did: papers lost or doubled after any of them or in the end."""

    kills: int = 0
    runs_to_the_end: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line, and one for each thing that is wrong."""
        head = (
            f"{self.kills} kills, {self.runs_to_the_end} runs to the end: "
            f"{self.lost} papers lost, {self.doubled} doubled, {len(self.wrong)} other faults"
        )
        return "\n".join([head, *self.wrong[:20]])

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled or wrong."""
        return not (self.lost or self.doubled or self.wrong)


def run_kills(
    settings: Settings, kills: int, papers: int, seed: int, say: Callable[[str], object]
) -> Outcome:
    """Add, edit, sync and remove made-up papers, killed again and again, until `kills` is reached.

    Each step is a process of its own, killed with SIGKILL after a random time and started anew
    until it comes to its end; after each kill, and at the end of each step, the library is
    compared with what it must hold.
    """
    outcome = Outcome()
    chance = random.Random(seed)  # noqa: S311 - a test's dice
    while outcome.kills < kills:
        with tempfile.TemporaryDirectory() as folder:
            _cycle(Path(folder), settings, kills, papers, chance, outcome, say)
    return outcome


def _cycle(
    folder: Path,
    settings: Settings,
    kills: int,
    papers: int,
    chance: random.Random,
    outcome: Outcome,
    say: Callable[[str], object],
) -> None:
    """Take one library through all steps."""
    home = folder / "home"
    before: dict[str, str] = {}
    for name, arguments, after in _steps(folder, papers, chance):
        longest = 4.0
        while True:
            limit = chance.uniform(0.05, longest) if outcome.kills < kills else LONGEST_RUN
            began = time.monotonic()
            ended = _run(arguments, home, settings, limit)
            outcome.kills += not ended
            outcome.runs_to_the_end += ended
            if ended:
                break
            compare_while_unfinished(home, settings, before, after, outcome, name)
            # So that kills reach into the late parts of the work too.
            longest = min(60.0, longest * 1.1 + 0.1 * (time.monotonic() - began))
        compare_at_the_end(home, settings, after, outcome, name)
        say(f"{name}: {outcome}")
        before = after


def _steps(
    folder: Path, count: int, chance: random.Random
) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """Yield (name, arguments, what the library holds afterwards as text by title)."""
    source = folder / "papers"
    source.mkdir()
    first = {f"Study {number} of {chance.choice(_WORDS)}": _text(chance) for number in range(count)}
    titles = list(first)
    _write(source / "a.jsonl", {title: first[title] for title in titles[: count // 2]})
    _write(source / "b.jsonl", {title: first[title] for title in titles[count // 3 :]})
    yield "add", ["add", str(source)], first
    edited = {
        title: _text(chance) if number % 3 == 0 else text
        for number, (title, text) in enumerate(first.items())
    }
    _write(source / "a.jsonl", {title: edited[title] for title in titles[: count // 2]})
    _write(source / "b.jsonl", {title: edited[title] for title in titles[count // 3 :]})
    yield "add edited", ["add", str(source)], edited
    kept = titles[: count // 2]
    (source / "b.jsonl").unlink()
    fewer = {title: edited[title] for title in kept}
    yield "sync", ["sync", "--yes", str(source)], fewer
    yield "rebuild", ["doctor", "--quick", "--rebuild"], fewer


def _text(chance: random.Random) -> str:
    words = [chance.choice(_WORDS) for _ in range(40)]
    return f"We measured {chance.randrange(10**9)} times. " + " ".join(words).capitalize() + "."


def _write(path: Path, papers: dict[str, str]) -> None:
    lines = [json.dumps({"title": title, "abstract": text}) for title, text in papers.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _run(arguments: Sequence[str], home: Path, settings: Settings, limit: float) -> bool:
    """Run the command; kill it after `limit` seconds. Return whether it came to its end."""
    environ = {
        **os.environ,
        "ASSISTANT_HOME": str(home),
        "ASSISTANT_MODELS": str(settings.models),
        "ASSISTANT_MODEL": "extractive",
    }
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "assistant", *arguments],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _, complaint = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return False
    if process.returncode:
        raise RuntimeError(f"assistant {' '.join(arguments)}: {complaint.decode()[-2000:]}")
    return True


def compare_while_unfinished(
    home: Path,
    settings: Settings,
    before: dict[str, str],
    after: dict[str, str],
    outcome: Outcome,
    name: str,
) -> None:
    """Whatever the instant: no paper twice, and none gone that both states hold."""
    papers = _stored(home, settings)
    found = [paper.title for paper in papers]
    outcome.doubled += len(found) - len(set(found))
    outcome.lost += len((set(before) & set(after)) - set(found))
    for paper in papers:
        if paper.abstract not in (before.get(paper.title), after.get(paper.title)):
            outcome.wrong.append(f"{name}: “{paper.title}” has a text that was never given")


def _stored(home: Path, settings: Settings) -> list[Paper]:
    if not (home / "library" / "papers.sqlite").exists():
        return []
    with Assistant(settings, home=home, model="extractive") as assistant:
        return list(assistant.papers())


def compare_at_the_end(
    home: Path, settings: Settings, expected: dict[str, str], outcome: Outcome, name: str
) -> None:
    """Compare catalog, words and vectors with what must be there, each paper once."""
    with Assistant(settings, home=home, model="extractive") as assistant:
        papers = list(assistant.papers())
        found = {paper.title: paper.abstract for paper in papers}
        outcome.doubled += len(papers) - len(found)
        outcome.lost += len(set(expected) - set(found))
        if found != expected:
            outcome.wrong.append(f"{name}: the catalog holds other papers or texts")
        library = assistant.library
        if library.lexical.count() != len(expected):
            outcome.wrong.append(
                f"{name}: {library.lexical.count()} papers in the word index, not {len(expected)}"
            )
        passages = sorted(library.store().passages())
        outcome.lost += len({paper.id for paper in papers} - {one for one, _ in passages})
        outcome.doubled += len(passages) - len(set(passages))
        if passages != sorted((paper.id, paper.content_hash) for paper in papers):
            outcome.wrong.append(f"{name}: the vectors are of other papers or texts")
        _, near = library.nearest("study of amber", len(expected) + 10)
        if len({one.paper_id for one, _ in near}) < 0.9 * len(expected):
            outcome.wrong.append(f"{name}: a search reaches {len(near)} of {len(expected)} papers")
