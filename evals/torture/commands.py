"""Run the command `assistant` as a process of its own, and end it before its time."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from evals.torture.outcome import Outcome

LONGEST_RUN = 300.0
_REPAIR = "assistant "


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended: its exit status, None where it was killed, and what it printed."""

    code: int | None
    said: str


@dataclass(frozen=True, kw_only=True)
class Commands:
    """Runs commands on the library in `home`; what they print is looked through for tracebacks."""

    home: Path
    models: Path
    outcome: Outcome
    environ: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, into: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        """Start a command and return its process."""
        environ = {
            **os.environ,
            "ASSISTANT_HOME": str(self.home),
            "ASSISTANT_MODELS": str(self.models),
            "ASSISTANT_MODEL": "extractive",
            "ASSISTANT_OFFLINE": "1",
            "ASSISTANT_THREADS": "1",
            **self.environ,
        }
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "assistant", *arguments],
            env=environ,
            stdout=into,
            stderr=subprocess.STDOUT,
        )

    def run(self, *arguments: str, limit: float = LONGEST_RUN) -> Ended:
        """Run a command; kill it with SIGKILL after `limit` seconds."""
        process = self.start(*arguments)
        try:
            said, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            said, _ = process.communicate()
            return self._ended(None, said)
        if process.returncode < 0:
            signal_name = signal.Signals(-process.returncode).name
            self.outcome.wrong.append(f"'{' '.join(arguments)}' died of {signal_name}")
        return self._ended(process.returncode, said)

    def _ended(self, code: int | None, said: bytes) -> Ended:
        text = said.decode(errors="replace")
        self.outcome.heard(text)
        return Ended(code=code, said=text)

    def must(self, *arguments: str) -> Ended:
        """Run a command that has no reason to fail."""
        ended = self.run(*arguments)
        if ended.code:
            self.outcome.wrong.append(f"'{' '.join(arguments)}' failed: {ended.said[-600:]}")
        return ended

    def findings(self) -> list[dict[str, str]]:
        """Return what `assistant doctor` finds that isn't well."""
        ended = self.run("doctor", "--json")
        try:
            checks = json.loads(ended.said.splitlines()[-1])
        except (ValueError, IndexError):
            self.outcome.wrong.append(f"doctor gave no findings: {ended.said[-600:]}")
            return []
        return [check for check in checks if check["state"] != "ok"]

    def repair(self) -> list[dict[str, str]]:
        """Run each command that `assistant doctor` names; return what it had found."""
        found = self.findings()
        named = [check["repair"] for check in found if check["repair"].startswith(_REPAIR)]
        for command in dict.fromkeys(named):
            self.must(*command.removeprefix(_REPAIR).split())
        return found
