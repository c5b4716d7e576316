"""All kinds of faults, one after the other, within a time."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from evals.torture import damage, full_disk, kills, power, surroundings
from evals.torture.load import run_load
from evals.torture.outcome import Outcome
from evals.torture.plan import Plan

ASKERS, WRITERS = 50, 2
PAPERS_ASKED = 400
# Of all kills, so many times the other faults are tried: each costs several commands.
KINDS: dict[str, tuple[float, Callable[[Plan], list[Outcome]]]] = {
    "kills": (1.0, kills.run_kills),
    "power": (0.2, power.run_power_cuts),
    "disk": (0.2, full_disk.run_full_disks),
    "readonly": (0.1, surroundings.run_read_only),
    "clock": (0.1, surroundings.run_clock_back),
    "damage": (0.3, damage.run_damage),
}
LOAD = "load"


def run_torture(
    plan: Plan, kinds: Sequence[str], minutes: float, load_minutes: float
) -> list[Outcome]:
    """Try the named kinds of faults, all together for about so many minutes at most.

    The minutes under load come after that.
    """
    began = time.monotonic()
    chosen = [name for name in KINDS if name in kinds]
    outcomes: list[Outcome] = []
    for place, name in enumerate(chosen):
        share, run = KINDS[name]
        # What one kind leaves of its time, the next ones have.
        spent = time.monotonic() - began
        left = max(0.0, minutes * 60 - spent)
        weights = [KINDS[one][0] for one in chosen[place:]]
        until = time.monotonic() + left * share / sum(weights)
        trials = max(1, round(plan.trials * share))
        outcomes += run(replace(plan, trials=trials, until=until))
    if LOAD in kinds and load_minutes:
        busy = replace(plan, papers=PAPERS_ASKED)
        outcomes.append(run_load(busy, load_minutes * 60, ASKERS, WRITERS).outcome)
    return outcomes
