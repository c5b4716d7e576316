"""Kill the command `assistant` at random instants, and count what is lost or doubled."""

import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from assistant.app import Assistant
from assistant.library.copying import CATALOG, copied_from
from assistant.readers import read_papers
from assistant.settings import Settings
from evals.torture.commands import LONGEST_RUN, Commands, Ended
from evals.torture.compare import compare_at_the_end, compare_while_unfinished
from evals.torture.made import Texts, edited, made_up, write, write_overlapping
from evals.torture.outcome import Outcome
from evals.torture.plan import Plan

MOST_A_STEP = 10
HOME = "home"
REPAIR = "'assistant doctor --rebuild'"
_FIRST_LIMIT, _LONGEST_LIMIT = 6.0, 60.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command, and what the library holds after it; `fault` is its row in the table."""

    fault: str
    arguments: tuple[str, ...]
    after: Texts
    environ: dict[str, str] = field(default_factory=dict)
    source: Path | None = None
    """Of a service, which never ends: the folder whose papers it finds without vectors."""
    target: Path | None = None
    """Of a copy: where it goes."""


def run_kills(plan: Plan) -> list[Outcome]:
    """Run each command on made-up papers, killed again and again, until all kills are spent.

    Each step is a process of its own, killed with SIGKILL after a random time and started anew
    until it comes to its end; after each kill, and at the end of each step, the library is
    compared with what it must hold.
    """
    outcomes: dict[str, Outcome] = {}
    chance = plan.dice()
    while (left := plan.trials - sum(one.trials for one in outcomes.values())) > 0:
        if plan.is_over:
            break
        with tempfile.TemporaryDirectory() as folder:
            _cycle(Path(folder), plan, left, chance, outcomes)
    return list(outcomes.values())


def _cycle(
    folder: Path,
    plan: Plan,
    kills: int,
    chance: random.Random,
    outcomes: dict[str, Outcome],
) -> None:
    """Take one library through all steps."""
    settings = plan.settings
    home = folder / HOME
    before: Texts = {}
    steps = list(_steps(folder, settings, plan.papers, chance))
    most = max(1, min(MOST_A_STEP, -(-kills // len(steps))))
    for make in steps:
        if plan.is_over:
            return
        step = make()
        outcome = outcomes.setdefault(step.fault, Outcome(fault=f"kill -9 of {step.fault}"))
        run = Commands(home=home, models=settings.models, outcome=outcome, environ=step.environ)
        spent = min(kills, most)
        if step.source:
            _kill_service(run, settings, step, step.source, before, spent, chance)
        else:
            _kill(run, settings, step, before, spent, chance)
        kills -= spent
        compare_at_the_end(step.target or home, settings, step.after, outcome, step.fault)
        plan.say(str(outcome))
        before = step.after


def _steps(
    folder: Path, settings: Settings, count: int, chance: random.Random
) -> Iterator[Callable[[], Step]]:
    """Yield what makes each step's files, and returns the step."""
    source = folder / "papers"
    first = made_up(count, chance)
    changed = edited(first, chance)
    kept = dict(list(changed.items())[: count // 2])
    again = edited(kept, chance)

    def add() -> Step:
        write_overlapping(source, first)
        return Step(fault="add", arguments=("add", str(source)), after=first)

    def add_edited() -> Step:
        write_overlapping(source, changed)
        return Step(fault="add", arguments=("add", str(source)), after=changed)

    def sync() -> Step:
        (source / "b.jsonl").unlink()
        return Step(fault="sync", arguments=("sync", "--yes", str(source)), after=kept)

    def rebuild() -> Step:
        return Step(
            fault="doctor --rebuild", arguments=("doctor", "--quick", "--rebuild"), after=kept
        )

    def reembed() -> Step:
        other = {"ASSISTANT_EMBEDDER": str(_second_embedder(folder / "encoder", settings))}
        return Step(fault="reembed", arguments=("reembed",), after=kept, environ=other)

    def serve() -> Step:
        write(source / "a.jsonl", again)
        arguments = ("serve", "--no-page", "--port", "0")
        return Step(fault="serve", arguments=arguments, after=again, source=source)

    def copy() -> Step:
        target = folder / "second"
        arguments = ("copy", str(folder / HOME), str(target))
        return Step(fault="copy", arguments=arguments, after=again, target=target)

    yield from (add, add_edited, sync, rebuild, reembed, serve, copy)


def _second_embedder(folder: Path, settings: Settings) -> Path:
    """Lay out the embedded encoder as one of the user's own: another name, other vectors."""
    from assistant.adapters.model_files import known_model

    model = known_model("embedder").folder(settings.models)
    folder.mkdir()
    for path in (model / "tokenizer.json", model / "config.json", model / "model.safetensors"):
        (folder / path.name).symlink_to(path)
    return folder


def _kill(
    run: Commands,
    settings: Settings,
    step: Step,
    before: Texts,
    kills: int,
    chance: random.Random,
) -> None:
    """Kill a command so often, then let it come to its end."""
    longest, mended = _FIRST_LIMIT, False
    while True:
        limit = chance.uniform(0.05, longest) if kills else LONGEST_RUN
        began = time.monotonic()
        ended = run.run(*step.arguments, limit=limit)
        if ended.code is not None:
            if not mended and _was_mended(run, ended):
                mended = True
                continue
            run.outcome.to_the_end += 1
            if ended.code:
                run.outcome.wrong.append(f"{step.fault}: exit {ended.code}: {ended.said[-600:]}")
            if not kills or ended.code:
                return
            if step.target:
                shutil.rmtree(step.target)  # It would refuse to copy over a library.
            # It has nothing left to do: killed while it finds that out, it must harm nothing.
        else:
            kills -= 1
            run.outcome.trials += 1
        mended = False
        compare_while_unfinished(run.home, settings, before, step.after, run.outcome, step.fault)
        if ended.code is None and step.target and _is_finished(step.target):
            compare_at_the_end(step.target, settings, step.after, run.outcome, step.fault)
            shutil.rmtree(step.target)
        # So that kills reach into the late parts of the work too, and few come after its end.
        took = time.monotonic() - began
        longest = min(_LONGEST_LIMIT, longest * 1.1 + 0.1 * took)
        if ended.code is not None:
            longest = min(longest, 1.2 * took)


def _was_mended(run: Commands, ended: Ended) -> bool:
    """Whether the command found vectors that a kill had cut amid a write; mend them as it says."""
    if not (ended.code and "are damaged" in ended.said and REPAIR in ended.said):
        return False
    run.must("doctor", "--quick", "--rebuild")
    run.outcome.mended += 1
    return True


def _is_finished(target: Path) -> bool:
    """Whether a copy was whole before its process was killed: given again, it would be refused."""
    catalog = target / "library" / CATALOG
    return catalog.is_file() and not copied_from(catalog)


def _kill_service(
    run: Commands,
    settings: Settings,
    step: Step,
    source: Path,
    before: Texts,
    kills: int,
    chance: random.Random,
) -> None:
    """Kill a service while it computes the vectors of papers that came without them."""
    for number in range(kills):
        with Assistant(settings, home=run.home, model="extractive") as assistant:
            assistant.library.add_papers(read_papers(source), vectors=False)
            if number % 2:  # So that there is work each time.
                assistant.catalog.redo("vectors", "words", "sentences")
        process = run.start(*step.arguments)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=chance.uniform(1.0, 20.0))
            run.outcome.wrong.append("serve ended by itself")
        process.send_signal(signal.SIGKILL)
        run.outcome.heard(process.communicate()[0].decode(errors="replace"))
        run.outcome.trials += 1
        compare_while_unfinished(run.home, settings, before, step.after, run.outcome, step.fault)
    if _was_mended(run, ended := run.run("add", str(source))):
        run.must("add", str(source))
    elif ended.code:
        run.outcome.wrong.append(f"'add' failed: {ended.said[-600:]}")
