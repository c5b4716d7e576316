"""Asks every system the same questions, each into a log of its own, and shows one table."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np

from assistant.app import Assistant
from assistant.errors import InputError, ModelError, SettingsError
from assistant.protocols import Embedder
from assistant.settings import Settings
from assistant.types import Answer, Message
from evals import runner
from evals.chat_server import ChatServer, server_of
from evals.log import RunLog
from evals.peers.peer import Peer
from evals.questions import Question
from evals.scoring import Scoring
from evals.solver import Ask
from evals.summary import ALL, Group, summarise

GOLD_F1 = "gold_citation_f1"
ROWS = (
    ("hit@1", "right paper first"),
    ("facts", "must-include facts"),
    ("gold_citation_precision", "citation precision (gold papers)"),
    ("gold_citation_recall", "citation recall (gold papers)"),
    (GOLD_F1, "citation F1 (gold papers)"),
    ("alce_citation_precision", "citation precision (ALCE)"),
    ("alce_citation_recall", "citation recall (ALCE)"),
    ("alce_citation_f1", "citation F1 (ALCE)"),
    ("unsupported", "unsupported sentences"),
    ("abstention_precision", "abstention precision"),
    ("abstention_recall", "abstention recall"),
    ("abstention_f1", "abstention F1"),
    ("wrong_abstention", "wrong abstention"),
    ("words", "answer words"),
    ("seconds_median", "seconds, median"),
    ("seconds_p95", "seconds, p95"),
)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What systems are made of: an assistant, its chat server, and a folder for their data."""

    assistant: Assistant
    server: ChatServer
    folder: Path

    @property
    def embedder(self) -> Embedder:
        """Our encoder.

        Raises:
            ModelError: it can't be had.
        """
        embedder = self.assistant.library.embedder()
        if embedder is None:
            raise ModelError("The embedder can't be had; 'assistant doctor' says why.")
        return embedder


@dataclass(frozen=True, kw_only=True)
class Entry:
    """How to make a system, and the packages that it needs beyond the project's own."""

    make: Callable[[Parts], Peer]
    packages: tuple[str, ...] = ()


def _ours(parts: Parts) -> Peer:
    from evals.peers.ours import Ours

    return Ours(parts.assistant)


def _bare(parts: Parts) -> Peer:
    from evals.peers.bare import Bare

    return Bare(parts.server, parts.embedder)


def _citation_engine(parts: Parts) -> Peer:
    from evals.peers.citation_engine import CitationEngine

    return CitationEngine(parts.server, parts.embedder, parts.folder / "citation-engine")


def _paper_qa(parts: Parts) -> Peer:
    from evals.peers.paper_qa import PaperQA

    return PaperQA(parts.server)


def _paper_qa_dense(parts: Parts) -> Peer:
    from evals.peers.paper_qa import PaperQA

    return PaperQA(parts.server, parts.embedder)


PEERS: Mapping[str, Entry] = {
    "ours": Entry(make=_ours),
    "bare": Entry(make=_bare),
    "citation-engine": Entry(
        make=_citation_engine, packages=("llama-index-core", "llama-index-vector-stores-chroma")
    ),
    "paper-qa": Entry(make=_paper_qa, packages=("paper-qa",)),
    "paper-qa-dense": Entry(make=_paper_qa_dense, packages=("paper-qa",)),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which systems are asked what, of which papers (none: the bundled ones); logs in `out`.

    All are scored alike.
    """

    names: Sequence[str]
    settings: Settings
    questions: Sequence[Question]
    papers: tuple[Path, ...]
    out: Path
    scoring: Scoring = field(default_factory=Scoring)


def available() -> tuple[str, ...]:
    """Return the systems that are asked by default: those whose packages are installed.

    PaperQA with our encoder is asked only by name: each question costs it as much again.
    """
    return tuple(name for name in PEERS if name != "paper-qa-dense" and not missing(name))


def missing(name: str) -> list[str]:
    """Return the packages that the system lacks."""
    return [package for package in PEERS[name].packages if _version(package) is None]


def sample(questions: Sequence[Question], limit: int | None, seed: int) -> list[Question]:
    """Return `limit` questions in file order, a third of them unanswerable.

    In a plain sample those would be too few to tell how well a system declines. Where there
    are too few of one kind, the other fills up. All are returned where there is no limit.
    """
    if limit is None or limit >= len(questions):
        return list(questions)
    kinds: dict[bool, list[int]] = {True: [], False: []}
    for place, question in enumerate(questions):
        kinds[question.answerable].append(place)
    declined = min(len(kinds[False]), max(limit // 3, limit - len(kinds[True])))
    rng = np.random.default_rng(seed)
    drawn = [
        rng.choice(kinds[answerable], size=size, replace=False).tolist()
        for answerable, size in ((True, limit - declined), (False, declined))
    ]
    return [questions[place] for place in sorted(itertools.chain(*drawn))]


def run(plan: Plan) -> dict[str, RunLog]:
    """Ask what the logs in `plan.out` still lack; return the log of each system.

    Raises:
        SettingsError: a system's package isn't installed.
        InputError: a log there was begun with other questions or settings.
        ModelError: the chat model can't be had.
    """
    packages = {name: _versions(name) for name in plan.names}
    logs = {name: log for name in plan.names if (log := _begun(name, plan))}
    if all(name in logs and not logs[name].pending() for name in plan.names):
        return logs
    chosen = runner.Plan(settings=plan.settings, papers=plan.papers)
    with runner.opened(chosen) as assistant, TemporaryDirectory(prefix="peers-") as folder:
        parts = Parts(assistant=assistant, server=server_of(assistant), folder=Path(folder))
        state = runner.state_of(assistant) | chosen.places()
        for name in plan.names:
            log = logs.get(name)
            if log is None or log.pending():
                click.echo(f"\n{name}", err=True)
                peer = PEERS[name].make(parts)
                logs[name] = _ask(peer, log, plan, state | {"packages": packages[name]}, assistant)
    return {name: logs[name] for name in plan.names}


def _versions(name: str) -> dict[str, str]:
    """Return the versions of the system's packages."""
    lacking = missing(name)
    if lacking:
        raise SettingsError(
            f"{name} needs {', '.join(lacking)}, which isn't installed: "
            "\"pip install -e '.[peers]'\" in the checkout, or name other systems with --peer."
        )
    return {package: version(package) for package in PEERS[name].packages}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _begun(name: str, plan: Plan) -> RunLog | None:
    """Return the log of an earlier run, which must be of the same questions."""
    path = plan.out / f"{name}.jsonl"
    if not path.exists():
        return None
    if b"\n" not in path.read_bytes():  # killed before its first line was written
        path.unlink()
        return None
    log = RunLog.read(path)
    if log.questions != tuple(plan.questions):
        raise InputError(f"{path} was made with other questions; name another folder with --out.")
    return log


def _ask(
    peer: Peer,
    log: RunLog | None,
    plan: Plan,
    state: Mapping[str, Any],
    assistant: Assistant,
) -> RunLog:
    """Fill the system with the library's papers and put the questions that are left."""
    state = {**state, "settings": {**state["settings"], "peer": peer.name, **peer.settings}}
    if log is None:
        log = RunLog.create(plan.out / f"{peer.name}.jsonl", state, tuple(plan.questions))
    else:
        log.resume(state)
    try:
        peer.add(list(assistant.papers()))
        way = runner.Way(scoring=plan.scoring)
        runner.ask_pending(log, _alone(peer), way, going_on="the same command again")
    finally:
        peer.close()
    return log


def _alone(peer: Peer) -> Ask:
    """Return what puts a question to the system as it stands: it takes no history or filter."""

    def ask(question: str, history: Sequence[Message], /, *, where: str | None) -> Answer:
        if history or where:
            raise InputError("A peer takes no history and no filter; leave such questions out.")
        return peer.ask(question)

    return ask


def figures(logs: Mapping[str, RunLog], scoring: Scoring) -> dict[str, Group]:
    """Return each system's metrics over all its questions.

    F1 by gold papers is the harmonic mean of the two means.
    """
    found = {}
    for name, log in logs.items():
        group = summarise(log, scoring)[ALL]
        means = [group[f"gold_citation_{half}"]["value"] for half in ("precision", "recall")]
        found[name] = group | {GOLD_F1: {"value": harmonic(*means)}}
    return found


def harmonic(first: float | None, second: float | None) -> float | None:
    """Return the harmonic mean; None where a value is missing."""
    if first is None or second is None:
        return None
    return 2 * first * second / (first + second) if first + second else 0.0


def table(found: Mapping[str, Group]) -> str:
    """Show a Markdown table with a column for each system."""
    rows = [["", *found], ["---", *("---:" for _ in found)]]
    rows.append(["questions", *(str(group["n"]) for group in found.values())])
    for key, label in ROWS:
        rows.append([label, *(_cell(group[key]["value"]) for group in found.values())])
    rows.append(["errors", *(str(group["errors"]) for group in found.values())])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
