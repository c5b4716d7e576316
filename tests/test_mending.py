"""Damage to what a home keeps: seen, said, and repaired by the command that is named."""

import json
import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant import settings_file
from assistant.adapters.catalog_salvage import salvage
from assistant.adapters.conversation_store import SqliteConversations, salvage_conversations
from assistant.adapters.tantivy_files import damaged_files, indexed_papers
from assistant.app import Assistant
from assistant.errors import KeptSettingsError, LibraryError
from assistant.integrity import file_faults, kept_faults, vector_faults
from assistant.protocols import StoredConversation
from assistant.settings import Settings
from assistant.types import Paper
from evals.torture.damage import write_segments_early

Run = Callable[..., Any]
PAPERS = [
    Paper(
        id=f"p{n}",
        title=f"Study {n} of {'amber basalt cobalt dune ember fjord'.split()[n % 6]}",
        abstract=f"We measured {n * 7919} bees in the hives of valley {n}.",
        source="a.jsonl",
        raw_abstract=f"raw {n} " * 600,
    )
    for n in range(60)
]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Path:
    """Return the home of a closed library of sixty papers, a page of SQLite each; to be copied."""
    home = tmp_path_factory.mktemp("sound")
    settings = Settings(home=home, models=models_folder, model="extractive", offline=True)
    write_segments_early(home / "library" / "chroma")
    with Assistant(settings) as assistant:
        assistant.add_papers(PAPERS)
    return home


@pytest.fixture
def home(sound: Path, tmp_path: Path, run: Run) -> Path:
    """Return a copy of the library, which is also the one that commands work on."""
    shutil.copytree(sound, tmp_path / "home")
    return tmp_path / "home"


def flip(path: Path, start: float, length: int = 8192) -> None:
    content = bytearray(path.read_bytes())
    first = int(len(content) * start)
    for place in range(first, min(len(content), first + length)):
        content[place] ^= 0xFF
    path.write_bytes(content)


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def faults() -> list[str]:
    """Return what `assistant doctor` would say of the library and what is kept beside it."""
    settings = Settings.load()
    found = [fault.detail for fault in file_faults(settings.home / "library")]
    if not found:
        with Assistant(settings) as assistant:
            store = assistant.library.store()
            found = [fault.detail for fault in vector_faults(assistant.catalog, store)]
    return [*found, *kept_faults(settings.home)]


def test_doctor_names_the_command_for_each_fault(home: Path, run: Run) -> None:
    next((home / "library" / "words").glob("*.pos")).unlink()
    (home / "conversations.sqlite").write_bytes(b"")
    told = json.loads(run("doctor", "--json").output)
    named = {one["repair"]: one["detail"] for one in told if one["state"] == "fault"}
    assert set(named) == {"assistant doctor --rebuild", "assistant doctor --repair"}
    assert "word index is damaged" in named["assistant doctor --rebuild"]
    assert "conversations.sqlite is damaged" in named["assistant doctor --repair"]
    (home / "settings.env").write_bytes(b"\xff")
    told = json.loads(run("doctor", "--json").output)
    assert [one["repair"] for one in told] == ["assistant doctor --repair"]


def texts(assistant: Assistant) -> dict[str, str]:
    return {paper.title: paper.abstract for paper in assistant.papers()}


EXPECTED = {paper.title: paper.abstract for paper in PAPERS}


def test_a_sound_home_has_no_faults(home: Path, run: Run) -> None:
    assert file_faults(home / "library") == []
    assert faults() == []


class TestWords:
    @pytest.mark.parametrize("suffix", ["idx", "store"])
    def test_a_changed_byte_is_seen_and_repaired(self, home: Path, run: Run, suffix: str) -> None:
        path = next((home / "library" / "words").glob(f"*.{suffix}"))
        flip(path, 0.3, 1)
        assert path.name in faults()[0]
        assert run("doctor", "--quick", "--rebuild").exit_code == 0
        assert faults() == []
        assert run("search", "fjord").output.count("fjord") >= 5

    def test_missing_files_are_seen(self, home: Path) -> None:
        words = home / "library" / "words"
        assert indexed_papers(words) == 60
        next(words.glob("*.pos")).unlink()
        assert len(damaged_files(words)) == 1
        (words / "meta.json").write_text("{")
        assert damaged_files(words) == ["meta.json"]
        assert indexed_papers(words) == 0


class TestVectors:
    @pytest.mark.parametrize(
        ("name", "start", "length"),
        [("data_level0.bin", 0.0, 60_000), ("data_level0.bin", 0.1, 30), ("header.bin", 0.1, 40)],
    )
    def test_changed_vectors_are_seen_and_repaired(
        self, home: Path, run: Run, name: str, start: float, length: int
    ) -> None:
        flip(next((home / "library" / "chroma").glob(f"*/{name}")), start, length)
        assert "vectors are damaged" in faults()[0]
        rebuilt = run("doctor", "--quick", "--rebuild")
        assert rebuilt.exit_code == 0, rebuilt.output
        assert faults() == []

    def test_a_file_cut_short_does_not_end_the_process(self, home: Path, run: Run) -> None:
        next((home / "library" / "chroma").glob("*/data_level0.bin")).write_bytes(b"")
        asked = run("ask", "How many bees were measured in valley 3?")
        assert asked.exit_code == 0
        assert "are damaged" in asked.output
        assert "'assistant doctor --rebuild'" in asked.output
        assert "data_level0.bin" in faults()[0]
        assert run("doctor", "--quick", "--rebuild").exit_code == 0
        assert faults() == []

    def test_a_lost_vector_is_seen(self, home: Path) -> None:
        with Assistant() as assistant:
            assistant.library.store().remove(["p3"])
        assert faults() == ["the vectors are damaged: 1 papers lack them"]

    @pytest.mark.parametrize("start", [0.0, 0.5])
    def test_a_damaged_database_is_made_anew(self, home: Path, run: Run, start: float) -> None:
        flip(home / "library" / "chroma" / "chroma.sqlite3", start, 60_000)
        assert "database is damaged" in faults()[0]
        assert run("doctor", "--quick", "--rebuild").exit_code == 0
        assert faults() == []


class TestCatalog:
    @pytest.mark.parametrize("start", [0.3, 0.6])
    def test_what_is_whole_is_saved_and_the_rest_counted(
        self, home: Path, run: Run, start: float
    ) -> None:
        flip(home / "library" / "papers.sqlite", start, 40_000)
        assert "catalog is damaged" in faults()[0]
        said = run("doctor", "--quick", "--rebuild").output
        assert faults() == []
        with Assistant() as assistant:
            saved = texts(assistant)
            assert saved.items() <= EXPECTED.items()
            assert f"{len(saved)} papers could be read of the damaged catalog" in said
            assert len(saved) > 20
            # The file that they came from brings the others back, and doubles none.
            assistant.add_papers(PAPERS)
            assert texts(assistant) == EXPECTED
            assert assistant.count() == 60

    @pytest.mark.parametrize("content", [b"", b"not a database" * 1000])
    def test_an_emptied_catalog_is_no_empty_library(
        self, home: Path, run: Run, content: bytes
    ) -> None:
        (home / "library" / "papers.sqlite").write_bytes(content)
        run("list")  # which makes new tables in an empty file
        assert "catalog is damaged" in faults()[0]
        assert "0 papers could be read" in run("doctor", "--quick", "--rebuild").output
        assert faults() == []

    def test_a_missing_catalog_is_seen(self, home: Path, run: Run) -> None:
        (home / "library" / "papers.sqlite").unlink()
        assert "the word index knows 60 papers" in faults()[0]

    def test_a_changed_word_is_seen(self, home: Path, run: Run) -> None:
        with closing(sqlite3.connect(home / "library" / "papers.sqlite")) as database, database:
            database.execute("UPDATE papers SET record = replace(record, 'hives', 'bikes')")
        assert "60 of its papers aren't as they were stored" in faults()[0]

    def test_a_full_disk_is_no_damage_of_what_is_read(self, home: Path) -> None:
        path = home / "library" / "papers.sqlite"
        with closing(sqlite3.connect(path)) as catalog, catalog:
            names = ((f"{'amber' * 40} {number}",) for number in range(30_000))
            catalog.executemany("insert into sources select 'p0', ?, '', 1", names)
        with full_at(2_000_000), pytest.raises(OSError, match=r"full|disk"):
            salvage(path, home / "new")


class TestSettings:
    VALUES = {"OPENAI_API_KEY": "sk-1", "ASSISTANT_POLICY": "lenient"}  # noqa: RUF012

    def test_half_a_file_is_said_and_what_is_whole_kept(self, tmp_path: Path, run: Run) -> None:
        home = tmp_path / "home"
        settings_file.write(home, self.VALUES)
        file = home / settings_file.NAME
        file.write_text(file.read_text().partition("lenient")[0])
        with pytest.raises(KeptSettingsError, match="doctor --repair"):
            settings_file.read(home)
        assert "doctor --repair" in run("list").output
        settings_file.mend(home, lambda path: path.rename(path.with_name("aside")))
        assert settings_file.read(home) == {"OPENAI_API_KEY": "sk-1"}

    @pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"OPENAI_API_KEY\n'\n"])
    def test_what_makes_no_sense_is_said(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / settings_file.NAME).write_bytes(content)
        with pytest.raises(KeptSettingsError, match="doctor --repair"):
            settings_file.read(tmp_path)
        said = settings_file.mend(tmp_path, lambda path: path.rename(path.with_name("aside")))
        assert "kept: nothing" in said
        assert settings_file.read(tmp_path) == {}


class TestKept:
    @pytest.fixture
    def conversations(self, home: Path) -> Path:
        store = SqliteConversations(home / "conversations.sqlite")
        for number in range(40):
            content = f'{{"said": "{"amber " * 400}{number}"}}'
            record = StoredConversation(id=f"c{number}", title="Amber", content=content)
            store.save("", record, "amber")
        return home / "conversations.sqlite"

    def test_whole_conversations_are_saved(self, conversations: Path, run: Run) -> None:
        flip(conversations, 0.5, 5_000)
        assert "conversations.sqlite is damaged" in faults()[0]
        assert "conversations could be read" in run("doctor", "--repair", "--quick").output
        assert faults() == []
        assert len(SqliteConversations(conversations).titles("")) > 10

    def test_a_full_disk_is_no_damage_of_what_is_read(self, tmp_path: Path) -> None:
        store = SqliteConversations(tmp_path / "old")
        for number in range(400):
            content = json.dumps({"said": "amber " * 2000})
            store.save("", StoredConversation(id=f"c{number}", title="A", content=content), "")
        with full_at(500_000), pytest.raises(LibraryError, match="free disk space"):
            salvage_conversations(tmp_path / "old", tmp_path / "new")

    def test_a_damaged_answer_is_set_aside(self, home: Path, run: Run) -> None:
        assert run("ask", "How many bees were measured in valley 3?").exit_code == 0
        [answer] = (home / "answers").glob("*.json")
        answer.write_bytes(answer.read_bytes()[:50])
        assert "1 past answers can't be read" in faults()[0]
        assert "was damaged" in run("doctor", "--repair", "--quick").output
        assert faults() == []
