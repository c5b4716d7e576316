"""Damage each file of a home; each must be noticed, said, and repaired by the command named."""

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.settings import Settings
from evals.torture.commands import Commands
from evals.torture.compare import compare_at_the_end
from evals.torture.made import Texts, made_up, write_overlapping
from evals.torture.outcome import Outcome
from evals.torture.plan import Plan

_CONVERSATIONS = 20
_QUESTION = "How many times did we measure amber?"


def flip(path: Path, chance: random.Random) -> None:
    """Change a run of bytes in the middle half of a file."""
    content = bytearray(path.read_bytes())
    start = len(content) // 4 + chance.randrange(max(1, len(content) // 2))
    for place in range(start, min(len(content), start + max(8, len(content) // 20))):
        content[place] ^= 0xFF
    path.write_bytes(content)


def cut(path: Path, chance: random.Random) -> None:
    """Leave a part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(1, max(2, len(content)))])


def empty(path: Path, _: random.Random) -> None:
    """Leave nothing of a file but its name."""
    path.write_bytes(b"")


def delete(path: Path, _: random.Random) -> None:
    """Delete a file."""
    path.unlink()


WAYS = (flip, cut, empty, delete)


@dataclass(frozen=True, kw_only=True)
class Part:
    """Files that are damaged alike; `remade` where the library holds what they can be made of."""

    name: str
    pattern: str
    ways: tuple[Callable[[Path, random.Random], None], ...] = WAYS
    remade: bool = True

    def files(self, home: Path) -> list[Path]:
        """Return those there are, the larger ones of a kind."""
        found = [path for path in home.glob(self.pattern) if path.is_file()]
        return sorted(found, key=lambda path: (-path.stat().st_size, path.name))


PARTS = (
    Part(name="Chroma's segment", pattern="library/chroma/*-*/*"),
    Part(name="Chroma's database", pattern="library/chroma/chroma.sqlite3"),
    Part(name="the word index", pattern="library/words/*"),
    Part(name="the catalog", pattern="library/papers.sqlite", remade=False),
    Part(name="the kept settings", pattern="settings.env", ways=(flip, cut, empty)),
    Part(name="the conversations", pattern="**/conversations*", ways=(flip, cut, empty)),
    Part(name="a past answer", pattern="answers/*.json", ways=(flip, cut, empty)),
    Part(name="a cached answer", pattern="cache/**/*.json", ways=(flip, cut, empty)),
)


def run_damage(plan: Plan) -> list[Outcome]:
    """Damage one file of a sound home at a time; each part of it in each way, again and again.

    A question must be answered or refused in plain words; `assistant doctor` must see what the
    damage does; and what it names must bring everything back that anything intact tells of.
    """
    chance, settings = plan.dice(), plan.settings
    outcomes = {part.name: Outcome(fault=f"damage to {part.name}") for part in PARTS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = made_up(plan.papers, chance)
        base = _sound(folder, settings, first, outcomes["the catalog"])
        for part, way in _chosen(plan.trials, chance):
            if plan.is_over:
                break
            outcome = outcomes[part.name]
            home = folder / "home"
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(base, home)
            file = chance.choice([path for path in part.files(home) if path.stat().st_size])
            way(file, chance)
            outcome.trials += 1
            what = f"{way.__name__} {file.relative_to(home)}"
            before = len(outcome.wrong)
            run = Commands(home=home, models=settings.models, outcome=outcome)
            _live_through(run, settings, part, what, first, folder / "papers")
            if len(outcome.wrong) > before:
                plan.say(f"{what}: {outcome.wrong[before:]}")
        for one in outcomes.values():
            plan.say(str(one))
    return list(outcomes.values())


def _chosen(
    trials: int, chance: random.Random
) -> Iterator[tuple[Part, Callable[[Path, random.Random], None]]]:
    """Yield parts and ways, no pair a second time before all had their turn."""
    pairs = [(part, way) for part in PARTS for way in part.ways]
    for number in range(trials):
        if number % len(pairs) == 0:
            chance.shuffle(pairs)
        yield pairs[number % len(pairs)]


def _sound(folder: Path, settings: Settings, papers: Texts, outcome: Outcome) -> Path:
    """Make a home in which everything that is kept is there."""
    from assistant import settings_file
    from assistant.adapters.conversation_store import SqliteConversations
    from assistant.protocols import StoredConversation

    base = folder / "base"
    write_overlapping(folder / "papers", papers)
    write_segments_early(base / "library" / "chroma")
    run = Commands(home=base, models=settings.models, outcome=outcome)
    run.must("add", str(folder / "papers"))
    run.must("ask", _QUESTION)
    kept = {"ASSISTANT_POLICY": "lenient", "ASSISTANT_EVIDENCE_SENTENCES": "7"}
    settings_file.write(base, kept)
    conversations = SqliteConversations(base / "conversations.sqlite")
    for number in range(_CONVERSATIONS):
        content = f'{{"format": 1, "number": {number}, "said": "{"amber " * 50}"}}'
        one = StoredConversation(id=f"c{number}", title=f"Amber {number}", content=content)
        conversations.save("", one, "amber")
    return base


def write_segments_early(folder: Path) -> None:
    """Make the collection so that Chroma writes its index files after some papers, not a thousand.

    Until it does, all that it searches is in its database.
    """
    import chromadb

    from assistant.adapters.chroma_store import COLLECTION
    from assistant.adapters.embedders import EMBEDDED

    folder.mkdir(parents=True)
    client: Any = chromadb.PersistentClient(str(folder))
    client.create_collection(
        COLLECTION,
        metadata={"embedder": EMBEDDED, "dimension": 384, "distance": "cosine"},
        embedding_function=None,
        configuration={"hnsw": {"space": "cosine", "batch_size": 10, "sync_threshold": 20}},
    )
    client.close()


def _live_through(
    run: Commands, settings: Settings, part: Part, what: str, expected: Texts, source: Path
) -> None:
    """Ask, examine, repair and compare; note whatever went wrong in silence."""
    outcome = run.outcome
    asked = run.run("ask", _QUESTION)
    if asked.code and "Error:" not in asked.said:
        outcome.wrong.append(f"{what}: 'ask' gave no reason: {asked.said[-300:]}")
    found = run.repair()
    still = [check for check in run.findings() if check["state"] == "fault"] if found else []
    if still:
        outcome.wrong.append(f"{what}: still, after the repair: {still}")
    name = f"{what} ({'; '.join(check['detail'] for check in found) or 'nothing was found'})"
    if not part.remade and found:
        # What no other file holds must be named; the files that it came from bring it back.
        run.must("add", str(source))
    compare_at_the_end(run.home, replace(settings, home=run.home), expected, outcome, name[:300])
    _compare_conversations(run.home, outcome, name[:300], whole=not found)


def _compare_conversations(home: Path, outcome: Outcome, name: str, *, whole: bool) -> None:
    """All must be there where nothing was said to be wrong; else the file must be sound."""
    try:
        with closing(sqlite3.connect(home / "conversations.sqlite")) as database:
            count = database.execute("select count(*) from conversation").fetchone()[0]
    except sqlite3.Error as error:
        outcome.wrong.append(f"{name}: conversations: {error}")
        return
    if whole and count < _CONVERSATIONS:
        outcome.wrong.append(f"{name}: {count} conversations left, and nobody said so")
