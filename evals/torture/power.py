"""Cut the power at random instants: what was not synced is gone, and the library goes on."""

import random
import shutil
import signal
import subprocess
import tempfile
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from evals.torture import disks
from evals.torture.commands import Commands
from evals.torture.compare import compare_at_the_end, compare_while_unfinished
from evals.torture.made import Texts, edited, made_up, write_overlapping
from evals.torture.outcome import Outcome
from evals.torture.plan import Plan

_LONGEST = 15.0


def run_power_cuts(plan: Plan) -> list[Outcome]:
    """Cut the power while papers are added, edited and removed, and right after each command.

    Where a file system may be mounted, the library lies on one, of which only what was synced
    stays; else its folder is copied while the command stands still. After a command that came to
    its end, everything that it reported must be there.
    """
    real = disks.can_mount()
    kind = "unsynced writes dropped" if real else "copy of the folder"
    during = Outcome(fault=f"power cut, {kind}")
    at_end = Outcome(fault="power cut after the command's end")
    chance = plan.dice()
    while during.trials < plan.trials and not plan.is_over:
        with tempfile.TemporaryDirectory() as folder:
            _Trial(Path(folder), plan, chance, during, at_end, real=real).run()
        plan.say(str(during))
        plan.say(str(at_end))
    return [during, at_end]


class _Trial:
    """One library on a drive of its own."""

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        chance: random.Random,
        during: Outcome,
        at_end: Outcome,
        *,
        real: bool,
    ) -> None:
        self._folder = folder
        self._plan = plan
        self._settings = plan.settings
        self._chance = chance
        self._during, self._at_end = during, at_end
        self._drive = disks.Drive(folder / "drive") if real else None
        self._at = folder / "mounted"
        self._home = self._at / "home"
        self._source = folder / "papers"

    def run(self) -> None:
        """Take the library through its steps, the power cut in each."""
        papers = self._plan.papers
        if self._drive is None:
            self._at.mkdir()
        first = made_up(papers, self._chance)
        changed = edited(first, self._chance)
        kept = dict(list(changed.items())[: papers // 2])
        whole: AbstractContextManager[Path] = (
            disks.mounted(self._drive.image, self._at) if self._drive else nullcontext(self._at)
        )
        with whole:
            before: Texts = {}
            for after, arguments in (
                (first, ("add", str(self._source))),
                (changed, ("add", str(self._source))),
                (kept, ("sync", "--yes", str(self._source))),
            ):
                if self._during.trials >= self._plan.trials or self._plan.is_over:
                    return
                self._write(after, last=after is kept)
                self._step(arguments, before, after)
                before = after

    def _write(self, papers: Texts, *, last: bool) -> None:
        if last:
            (self._source / "b.jsonl").unlink()
        else:
            write_overlapping(self._source, papers)

    def _step(self, arguments: tuple[str, ...], before: Texts, after: Texts) -> None:
        run = self._commands(self._home, self._during)
        process = run.start(*arguments, into=subprocess.DEVNULL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=self._chance.uniform(1.0, _LONGEST))
        process.send_signal(signal.SIGSTOP)
        copy = self._copy()
        process.send_signal(signal.SIGCONT)
        self._during.trials += 1
        self._examine(copy, arguments, before, after)
        if process.wait():
            self._during.wrong.append(f"'{' '.join(arguments)}' failed")
        copy = self._copy()
        self._at_end.trials += 1
        self._examine(copy, (), after, after)

    def _copy(self) -> Path:
        copy = self._folder / "copy"
        if self._drive:
            self._drive.after_power_cut(copy)
        else:
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(self._at, copy)
        return copy

    def _examine(self, copy: Path, arguments: tuple[str, ...], before: Texts, after: Texts) -> None:
        """Look at what is left, run the command again, and look once more.

        Where the command had come to its end, what `assistant doctor` names is run in its place.
        """
        outcome = self._during if arguments else self._at_end
        again = self._folder / "again"
        context: AbstractContextManager[Path] = (
            disks.mounted(copy, again) if self._drive else nullcontext(copy)
        )
        with context as at:
            home = at / "home"
            settings = replace(self._settings, home=home)
            name = "during" if arguments else "at the end"
            compare_while_unfinished(home, settings, before, after, outcome, name)
            run = self._commands(home, outcome)
            if arguments:
                run.must(*arguments)
            else:
                run.repair()
            compare_at_the_end(home, settings, after, outcome, name)

    def _commands(self, home: Path, outcome: Outcome) -> Commands:
        return Commands(home=home, models=self._settings.models, outcome=outcome)
