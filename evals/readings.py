"""Measurements beside their limits, and the machine they were taken on."""

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One measurement beside the limit it is held against: at most, or `at_least`."""

    name: str
    value: float
    limit: float
    unit: str
    at_least: bool = False

    def __str__(self) -> str:
        """A line of the table."""
        ratio = self.value / self.limit
        sign = "≥" if self.at_least else "≤"
        measured = f"{self.value:9.3g} {self.unit:<3}"
        return f"{self.name:<58} {measured} {sign} {self.limit:6.4g}   {ratio:5.2f}"


def seconds(work: Callable[[], object]) -> float:
    """Return how long the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def hardware() -> str:
    """Say what machine this is."""
    load, python = os.getloadavg()[0], platform.python_version()
    return f"{processor()}, {os.cpu_count()} cores, load {load:.2f}, Python {python}"


def processor() -> str:
    """Return what the processor calls itself."""
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def rows(readings: list[Reading]) -> str:
    """Return the table: what, measured, limit, and their ratio."""
    head = f"{'':<58} {'measured':>9}       {'limit':>6}   ratio"
    return "\n".join([head, *map(str, readings)])


def as_json(readings: list[Reading]) -> str:
    """Return the readings as JSON."""
    return json.dumps([vars(reading) for reading in readings])
