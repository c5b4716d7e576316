"""Let the disk be full after a random number of bytes."""

import os
import re
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant.settings import Settings
from evals.torture import disks
from evals.torture.commands import Commands
from evals.torture.compare import compare_at_the_end, compare_while_unfinished
from evals.torture.made import Texts, edited, made_up, write, write_overlapping
from evals.torture.outcome import Outcome
from evals.torture.plan import Plan

_MOST_ROOM = 4_000_000
_SAID = re.compile(r"Error: .*disk", re.DOTALL)


def run_full_disks(plan: Plan) -> list[Outcome]:
    """Add and edit papers on a disk with little room; then with enough, the same command again.

    The disk is a file system in memory where one may be mounted. Elsewhere no file may grow
    beyond a size.
    """
    real = disks.can_mount()
    outcome = Outcome(fault=f"disk full{'' if real else ' (limit on files)'}")
    chance, settings, papers = plan.dice(), plan.settings, plan.papers
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = made_up(papers, chance)
        write_overlapping(folder / "papers", first)
        base = folder / "base"
        Commands(home=base, models=settings.models, outcome=outcome).must(
            "add", str(folder / "papers")
        )
        changed, more = edited(first, chance), made_up(papers, chance, first=papers)
        write_overlapping(folder / "papers", changed)
        write(folder / "papers" / "c.jsonl", more)
        after = changed | more
        while outcome.trials < plan.trials and not plan.is_over:
            room = int(_MOST_ROOM * chance.random() ** 2)
            limited = _small(folder / "small", base, room) if real else _short(folder, base, room)
            with limited as (home, widen):
                _try(
                    Commands(home=home, models=settings.models, outcome=outcome),
                    settings,
                    folder / "papers",
                    first,
                    after,
                    widen,
                )
            outcome.trials += 1
            plan.say(str(outcome))
    return [outcome]


def _try(
    run: Commands,
    settings: Settings,
    source: Path,
    before: Texts,
    after: Texts,
    widen: Callable[[], None],
) -> None:
    """Add papers where they may not fit; ask; then add them where they do."""
    ended = run.run("add", str(source))
    if ended.code == 0:
        run.outcome.to_the_end += 1
    asked = run.run("ask", "How many times did we measure amber?")
    for one in (ended, asked):
        if one.code and not _SAID.search(one.said):
            run.outcome.wrong.append(f"disk full: no reason was given: {one.said[-600:]}")
    widen()
    compare_while_unfinished(run.home, settings, before, after, run.outcome, "disk full")
    run.must("add", str(source))
    compare_at_the_end(run.home, settings, after, run.outcome, "disk full")


@contextmanager
def _small(at: Path, base: Path, room: int) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Yield a copy of a home on a file system with `room` bytes left, and what makes it larger."""
    at.mkdir(exist_ok=True)
    with disks.tmpfs(at, disks.ROOMY):
        shutil.copytree(base, at / "home")
        used = shutil.disk_usage(at).used
        disks.resize(at, used + room)
        yield at / "home", lambda: disks.resize(at, disks.ROOMY)


@contextmanager
def _short(folder: Path, base: Path, room: int) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Yield a copy of a home while no file may have more than some bytes, and what ends that."""
    home = folder / "home"
    shutil.copytree(base, home)
    largest = max(path.stat().st_size for path in home.rglob("*") if path.is_file())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def widen() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    # The commands inherit it, and this process writes nothing meanwhile.
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 2 + room, before[1]))
    try:
        yield home, widen
    finally:
        widen()
        shutil.rmtree(home)
        os.sync()
