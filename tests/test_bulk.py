"""Adding by workers: what the library holds is what one process would have added."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.app import Assistant
from assistant.errors import WorkersError
from assistant.protocols import Vectors
from assistant.readers import read_file
from assistant.settings import Settings
from assistant.types import Paper, Problem
from tests.fakes import WordEmbedder

COUNT = 150


class HereWorkers:
    """Does in this process what workers do elsewhere, the last batch first; may be lost."""

    def __init__(self, lives: int | None = None) -> None:
        self.lives = lives
        self.embedded = 0
        self.read_files: list[str] = []

    def read(self, files: Sequence[tuple[Path, str]]) -> Iterator[Paper | Problem]:
        for path, source in files:
            self.read_files.append(source)
            yield from read_file(path, source)

    def embed(self, batches: Sequence[Sequence[str]]) -> Iterator[tuple[int, Vectors]]:
        for place in reversed(range(len(batches))):
            if self.lives == 0:
                raise WorkersError("The cluster is lost.")
            self.lives = None if self.lives is None else self.lives - 1
            self.embedded += len(batches[place])
            yield place, WordEmbedder().embed(batches[place])


def made_up(number: int) -> dict[str, Any]:
    return {
        "title": f"Study {number} of bees",
        "abstract": f"We measured {number} hives in amber light. " + "They hummed. " * (number % 9),
        "doi": f"10.1234/bees.{number}",
    }


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Return three files; every fifth paper is in two of them."""
    parts: list[list[dict[str, Any]]] = [[], [], []]
    for number in range(COUNT):
        parts[number % 3].append(made_up(number))
        if number % 5 == 0:
            parts[(number + 1) % 3].append(made_up(number))
    folder = tmp_path / "shards"
    folder.mkdir()
    for number, part in enumerate(parts):
        lines = "\n".join(map(json.dumps, part))
        (folder / f"{number}.jsonl").write_text(lines + "\n", encoding="utf-8")
    return sorted(folder.iterdir())


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Any]:
    """Return a maker of assistants with a library of its own and an embedder that counts words."""
    made: list[Assistant] = []

    def make(name: str) -> Assistant:
        settings = Settings(home=tmp_path / name, models=tmp_path, model="extractive")
        made.append(Assistant(settings, embed_model=WordEmbedder()))
        return made[-1]

    yield make
    for assistant in made:
        assistant.close()


def content(assistant: Assistant) -> tuple[list[dict[str, Any]], list[tuple[str, str]], int]:
    """Return papers, passages and what of the vectors is left to do."""
    papers = [paper.to_dict() for paper in assistant.papers()]
    passages = sorted(assistant.library.store().passages())
    return papers, passages, assistant.catalog.todo_count("vectors")


def test_library_is_as_one_process_makes_it(empty: Any, shards: list[Path]) -> None:
    plain, by_workers = empty("plain"), empty("workers")
    expected = plain.add(*shards)
    report = by_workers.library.add_by(HereWorkers(), shards)
    assert (report.added, report.merged) == (expected.added, expected.merged) == (COUNT, 30)
    assert content(by_workers) == content(plain)
    assert len(content(plain)[1]) == COUNT
    assert content(plain)[2] == 0


def test_a_folder_is_its_files_by_the_same_names(empty: Any, shards: list[Path]) -> None:
    workers = HereWorkers()
    assistant = empty("home")
    assistant.library.add_by(workers, [shards[0].parent])
    assert workers.read_files == ["shards/0.jsonl", "shards/1.jsonl", "shards/2.jsonl"]
    assert not assistant.sync(shards[0].parent).added.added


def test_what_a_lost_cluster_left_is_done_by_the_next_call_alone(
    empty: Any, shards: list[Path]
) -> None:
    assistant = empty("home")
    with pytest.raises(WorkersError):
        assistant.library.add_by(HereWorkers(lives=1), shards)
    papers, passages, left = content(assistant)
    assert len(papers) == COUNT
    assert 0 < len(passages) < COUNT
    assert left == COUNT - len(passages)
    assert assistant.library.lexical.count() == COUNT

    again = HereWorkers()
    report = assistant.library.add_by(again, shards)
    assert (report.added, report.pending) == (0, 0)
    assert again.embedded == left
    assert len(content(assistant)[1]) == len(set(content(assistant)[1])) == COUNT

    third = HereWorkers()
    assistant.library.add_by(third, shards)
    assert third.embedded == 0


def test_an_edited_paper_alone_is_embedded_anew(empty: Any, shards: list[Path]) -> None:
    assistant = empty("home")
    assistant.library.add_by(HereWorkers(), shards)
    edited = made_up(1) | {"abstract": "We measured one hive at night, and it was silent."}
    shards[1].write_text(
        shards[1].read_text(encoding="utf-8").replace(json.dumps(made_up(1)), json.dumps(edited)),
        encoding="utf-8",
    )
    workers = HereWorkers()
    report = assistant.library.add_by(workers, shards)
    assert (report.replaced, workers.embedded) == (1, 1)
    assert len(content(assistant)[1]) == COUNT


def test_a_file_that_cannot_be_read_is_told_and_the_others_go_in(
    empty: Any, shards: list[Path], tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.bin"
    damaged.write_bytes(b"\x00\x01\x02" * 100)
    report = empty("home").library.add_by(
        HereWorkers(), [damaged, tmp_path / "missing.jsonl", *shards]
    )
    assert report.added == COUNT
    assert {problem.source for problem in report.problems} == {"damaged.bin", "missing.jsonl"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--actors", "2", "a.jsonl"], "add --ray local"),
        (["--ray", "local"], "name some"),
        (["--ray", "local", "--no-vectors", "a.jsonl"], "computes their vectors"),
        (["--ray", "local", "-"], "standard input"),
    ],
)
def test_options_that_do_not_go_together(run: Any, arguments: list[str], said: str) -> None:
    result = run("add", *arguments)
    assert result.exit_code == 2
    assert said in result.output
