"""A file system that can't be written, and a clock that is set back."""

import importlib.util
import json
import re
import tempfile
from pathlib import Path

from evals.torture import disks
from evals.torture.commands import Commands
from evals.torture.compare import compare_at_the_end
from evals.torture.made import edited, made_up, write_overlapping
from evals.torture.outcome import Outcome
from evals.torture.plan import Plan

_READING = (
    ("list",),
    ("search", "amber"),
    ("ask", "How many times did we measure amber?"),
    ("export",),
    ("trace",),
)
_NEEDS_NO_LIBRARY = (("trace",),)
_SAID = re.compile(r"read-only file system", re.IGNORECASE)


def run_read_only(plan: Plan) -> list[Outcome]:
    """Read and write a library on a file system that nobody can write."""
    outcome = Outcome(fault="read-only file system")
    if not disks.can_mount():
        plan.say("read-only file system: not tried; it needs the right to mount")
        return []
    with tempfile.TemporaryDirectory() as name:
        folder, source = Path(name), Path(name) / "papers"
        chance, settings, papers = plan.dice(), plan.settings, plan.papers
        first = made_up(papers, chance)
        write_overlapping(source, first)
        run = Commands(home=folder / "home", models=settings.models, outcome=outcome)
        run.must("add", str(source))
        write_overlapping(source, edited(first, chance))
        writing = (
            ("add", str(source)),
            ("sync", "--yes", str(source)),
            ("remove", "x"),
            ("index",),
        )
        with disks.read_only(run.home):
            for arguments in (*_READING, *writing):
                ended = run.run(*arguments)
                outcome.trials += 1
                if ended.code != (0 if arguments in _NEEDS_NO_LIBRARY else 1) or (
                    ended.code and not _SAID.search(ended.said)
                ):
                    outcome.wrong.append(f"{arguments[0]}: exit {ended.code}: {ended.said[-300:]}")
            found = run.findings()
            outcome.trials += 1
            if not any(_SAID.search(check["detail"]) for check in found):
                outcome.wrong.append(f"doctor doesn't say so: {found}")
        compare_at_the_end(run.home, settings, first, outcome, "read-only")
    plan.say(str(outcome))
    return [outcome]


def clock_library() -> str:
    """Return the library that shifts a process's clock; empty where it isn't installed."""
    spec = importlib.util.find_spec("libfaketime")
    if spec is None or spec.origin is None:
        return ""
    found = Path(spec.origin).parent.rglob("libfaketime.so*")
    return next((str(path) for path in sorted(found)), "")


def run_clock_back(plan: Plan) -> list[Outcome]:
    """Set the clock of the commands back by a year between an add and an edit, and while asking."""
    outcome = Outcome(fault="clock set back")
    library = clock_library()
    if not library:
        plan.say("clock set back: not tried; it needs the package libfaketime")
        return []
    with tempfile.TemporaryDirectory() as name:
        folder, source = Path(name), Path(name) / "papers"
        chance, settings, papers = plan.dice(), plan.settings, plan.papers
        first = made_up(papers, chance)
        changed = edited(first, chance)
        now = Commands(
            home=folder / "home", models=settings.models, outcome=outcome,
            environ={"ASSISTANT_ANSWERS_KEPT": "2"},
        )  # fmt: skip
        back = Commands(
            home=now.home, models=settings.models, outcome=outcome,
            environ=now.environ | {
                "LD_PRELOAD": library, "FAKETIME": "-400d", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1",
            },
        )  # fmt: skip
        write_overlapping(source, first)
        now.must("add", str(source))
        for run, question in ((now, "amber"), (now, "birch"), (back, "cedar")):
            run.must("ask", f"How many times did we measure {question}?")
            outcome.trials += 1
            latest = json.loads(run.must("trace", "last", "--json").said)
            if question not in latest["question"]:
                outcome.wrong.append(f"the last answer is taken for {latest['question']!r}")
        write_overlapping(source, changed)
        back.must("add", str(source))
        compare_at_the_end(now.home, settings, changed, outcome, "clock back")
        (source / "b.jsonl").unlink()
        now.must("sync", "--yes", str(source))
        kept = dict(list(changed.items())[: papers // 2])
        compare_at_the_end(now.home, settings, kept, outcome, "clock forward again")
        outcome.trials += 2
    plan.say(str(outcome))
    return [outcome]
