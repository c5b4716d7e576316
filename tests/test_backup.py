"""`assistant backup` and `restore`: a drill, under a writer, with damaged and hostile files."""

import io
import json
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from assistant import Assistant
from assistant.errors import LibraryError, UnreadableFileError
from assistant.library.archive import FORMAT, VERSION, sha256
from assistant.library.backup import backup
from assistant.library.copying import copy
from assistant.library.restore import restore
from assistant.settings import Settings
from assistant.types import Paper
from tests.chroma import ChromaProcess
from tests.samples import HIVE, SAMPLE, STORYLINE, TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"
LONG = " ".join(
    f"Sentence {n} tells of bees that fly home by hedges and ditches." for n in range(60)
)
PAPERS = (*SAMPLE, Paper(id="long", title="A long one", abstract=LONG))


def silent(what: str, done: int, total: int) -> None:
    """Report no progress."""


@pytest.fixture
def made(library: Library, tmp_path: Path) -> Assistant:
    return library(PAPERS, home=tmp_path / "home")


@pytest.fixture
def file(made: Assistant, tmp_path: Path) -> Path:
    """Return a backup of the library."""
    report = backup(made.settings, tmp_path / "b.tar", silent)
    assert (report.papers, report.lacking) == (6, 0)
    assert report.passages == made.passage_count()
    return tmp_path / "b.tar"


def elsewhere(made: Assistant, home: Path, **settings: object) -> Settings:
    from dataclasses import replace

    return replace(made.settings, home=home, **settings)


def seen(assistant: Assistant) -> tuple[str, list[str], int, int]:
    answer = assistant.ask(QUESTION)
    assert answer.notices == ()
    hits = [hit.paper.id for hit in assistant.search("insects that fly home by hedges")]
    return answer.text, hits, assistant.passage_count(), assistant.count()


# --- the drill ------------------------------------------------------------------------------


def test_restore_drill(library: Library, tmp_path: Path) -> None:
    """Take a backup, lose the machine, restore: papers, vectors, words, conversations, answers."""
    from assistant.adapters.conversation_store import SqliteConversations
    from assistant.protocols import StoredConversation

    made = library(PAPERS, home=tmp_path / "home")
    (tmp_path / "home" / "settings.env").write_text("OPENAI_API_KEY='sk-planted'\n")
    talks = SqliteConversations(tmp_path / "home" / "conversations.sqlite")
    talks.save("me", StoredConversation(id="1", title="Bees", content="{}"), "bees")
    before = seen(made)
    backup(made.settings, tmp_path / "b.tar.gz", silent)
    made.close()
    settings = made.settings
    shutil.rmtree(tmp_path / "home")
    report = restore(settings, tmp_path / "b.tar.gz", silent)
    assert (report.papers, report.passages, report.aside) == (6, before[2], ())
    assert seen(library((), home=tmp_path / "home")) == before
    restored = SqliteConversations(tmp_path / "home" / "conversations.sqlite")
    assert restored.titles("me") == [("1", "Bees")]
    assert not (tmp_path / "home" / "settings.env").exists()
    assert b"sk-planted" not in (tmp_path / "b.tar.gz").read_bytes()
    assert {path.name for path in (tmp_path / "home").iterdir()} >= {"library"}
    assert not list((tmp_path / "home").glob(".restoring-*"))


def test_a_backup_of_a_folder_is_restored_to_a_server_and_back(
    library: Library, made: Assistant, file: Path, tmp_path: Path
) -> None:
    before = seen(made)
    chroma = ChromaProcess(tmp_path / "server")
    try:
        server = {"chroma_url": chroma.url, "chroma_timeout": 30.0}
        restore(elsewhere(made, tmp_path / "there", **server), file, silent)
        there = library((), home=tmp_path / "there", **server)
        assert seen(there) == before
        backup(there.settings, tmp_path / "c.tar", silent)
    finally:
        chroma.kill()
    restore(elsewhere(made, tmp_path / "back"), tmp_path / "c.tar", silent)
    assert seen(library((), home=tmp_path / "back")) == before


@pytest.mark.parametrize("name", ["a#b", "a?b", "a%41b"])
def test_folders_of_odd_names_are_backed_up_restored_and_copied(
    library: Library, tmp_path: Path, name: str
) -> None:
    """SQLite takes addresses, in which these letters mean something."""
    made = library(PAPERS, home=tmp_path / name)
    before = seen(made)
    assert backup(made.settings, tmp_path / "b.tar", silent).papers == len(PAPERS)
    restore(elsewhere(made, tmp_path / f"{name} restored"), tmp_path / "b.tar", silent)
    copy(str(tmp_path / name), str(tmp_path / f"{name} copied"), made.settings, silent)
    for other in ("restored", "copied"):
        assert seen(library((), home=tmp_path / f"{name} {other}")) == before
    assert {path.name for path in tmp_path.iterdir()} >= {name, "b.tar"}
    assert not (tmp_path / "a").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from assistant.library.restore import restore
from assistant.settings import Settings

def progress(what, done, total):
    if what == "storing vectors" and done == total:
        os.kill(os.getpid(), signal.SIGKILL)

home, models, url, file = sys.argv[1:]
settings = Settings(home=Path(home), models=Path(models), offline=True, chroma_url=url)
restore(settings, Path(file), progress)
"""


def test_what_a_killed_restore_began_on_a_server_goes_with_the_next(
    library: Library, made: Assistant, file: Path, tmp_path: Path
) -> None:
    import chromadb.errors

    from assistant.adapters.chroma_places import server_of
    from assistant.adapters.sqlite_catalog import SqliteCatalog

    before = seen(made)
    chroma = ChromaProcess(tmp_path / "server")
    try:
        there = tmp_path / "there"
        models = str(made.settings.models)
        command = [sys.executable, "-c", KILLED, str(there), models, chroma.url, str(file)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        settings = elsewhere(made, there, chroma_url=chroma.url, chroma_timeout=30.0)
        (catalog,) = there.glob(".restoring-*/work/library/papers.sqlite")
        left = SqliteCatalog(catalog)
        begun = f"passages-{left.meta('id')}"
        left.close()
        client = server_of(settings, chroma.url).open()
        assert client.get_collection(begun).count() == made.passage_count()
        restore(settings, file, silent)
        with pytest.raises(chromadb.errors.NotFoundError):
            client.get_collection(begun)
        client.close()
        assert seen(library((), home=there, chroma_url=chroma.url)) == before
        assert not list(there.glob(".restoring-*"))
    finally:
        chroma.kill()


def test_a_library_without_vectors_is_backed_up_too(library: Library, tmp_path: Path) -> None:
    bare = library((), home=tmp_path / "bare", models=tmp_path / "none")
    bare.library.add_papers(SAMPLE, vectors=False)
    report = backup(bare.settings, tmp_path / "b.tar", silent)
    assert (report.papers, report.passages, report.lacking) == (5, 0, 5)
    restore(elsewhere(bare, tmp_path / "r"), tmp_path / "b.tar", silent)
    again = library((), home=tmp_path / "r")
    assert again.index() == 0
    assert again.search("insects that fly home")[0].paper == HIVE


def test_a_paper_whose_vectors_are_of_an_earlier_text_gets_new_ones(
    library: Library, made: Assistant, tmp_path: Path
) -> None:
    """As it is while a writer is between the catalog and the vectors."""
    from dataclasses import replace

    edited = replace(TWIGNET, abstract=TWIGNET.abstract + " It is edited now.")
    made.library.add_papers([edited], vectors=False)
    report = backup(made.settings, tmp_path / "b.tar", silent)
    assert (report.papers, report.lacking) == (6, 1)
    restore(elsewhere(made, tmp_path / "r"), tmp_path / "b.tar", silent)
    again = library((), home=tmp_path / "r")
    assert again.catalog.todo("vectors", 9) == [TWIGNET.id]
    assert again.index() == 0
    assert set(again.library.store().passages()) == {
        (paper.id, paper.content_hash) for paper in again.papers()
    }


def test_backups_taken_while_papers_are_added_are_each_of_one_instant(
    library: Library, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    writer = library([TWIGNET], home=home)
    reader = library((), home=home)
    papers = [
        Paper(id=f"p{n}", title=f"Bees {n}", abstract=f"Bee {n} flies home over {n} hedges.")
        for n in range(60)
    ]

    def add() -> None:
        for start in range(0, 60, 10):
            writer.add_papers(papers[start : start + 10])
        writer.library.leave_thread()

    adding = threading.Thread(target=add)
    adding.start()
    reports = []
    while adding.is_alive() or not reports:
        file = tmp_path / f"{len(reports)}.tar"
        reports.append((file, backup(reader.settings, file, silent)))
    adding.join()
    for number, (file, report) in enumerate([reports[0], reports[-1]]):
        restore(elsewhere(reader, tmp_path / f"r{number}"), file, silent)
        restored = library((), home=tmp_path / f"r{number}")
        assert restored.count() == report.papers
        assert restored.passage_count() == report.passages == report.papers - report.lacking
        restored.index()
        assert set(restored.library.store().passages()) == {
            (paper.id, paper.content_hash) for paper in restored.papers()
        }


# --- what is there --------------------------------------------------------------------------


def test_a_library_with_papers_is_replaced_with_force_only_and_set_aside(
    library: Library, made: Assistant, file: Path, tmp_path: Path
) -> None:
    other = library([STORYLINE], home=tmp_path / "other")
    with pytest.raises(LibraryError, match=r"library of 1 papers.*--force"):
        restore(other.settings, file, silent)
    assert [paper.id for paper in other.papers()] == [STORYLINE.id]
    other.close()
    report = restore(other.settings, file, silent, force=True)
    assert library((), home=tmp_path / "other").count() == 6
    (aside,) = report.aside
    (tmp_path / "again").mkdir()
    Path(aside).rename(tmp_path / "again" / "library")
    assert library((), home=tmp_path / "again").search("films")[0].paper == STORYLINE


# --- damaged and hostile files --------------------------------------------------------------


def test_every_damaged_file_is_refused_and_changes_nothing(
    made: Assistant, file: Path, tmp_path: Path
) -> None:
    whole = file.read_bytes()
    settings = elsewhere(made, tmp_path / "r")
    damaged = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "text": b"no archive, certainly not " * 100,
        "a byte": whole[: len(whole) // 3] + b"\x5a\xa5" + whole[len(whole) // 3 + 2 :],
        "no end": whole[:20480],
    }
    for name, content in damaged.items():
        (tmp_path / "bad.tar").write_bytes(content)
        with pytest.raises(UnreadableFileError, match=r"bad\.tar") as caught:
            restore(settings, tmp_path / "bad.tar", silent)
        assert "Nothing was changed" in str(caught.value), name
    assert not (tmp_path / "r" / "library").exists()
    assert not list((tmp_path / "r").iterdir())


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def manifest(**files: tuple[int, str]) -> tuple[tarfile.TarInfo, bytes]:
    told = {
        "format": FORMAT, "version": VERSION, "program": "0", "made": "", "papers": 0,
        "passages": 0, "lacking": 0, "catalog_sha256": "", "files": files,
    }  # fmt: skip
    return tarfile.TarInfo("manifest.json"), json.dumps(told).encode()


def link(name: str, kind: bytes, to: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member, b""


EVIL = b"evil"
HOSTILE = {
    "a path that leads out": [
        manifest(**{"papers.sqlite": (4, "x"), "../evil": (4, "x")}),
        (tarfile.TarInfo("../evil"), EVIL),
    ],
    "a path that isn't named": [
        manifest(**{"papers.sqlite": (4, "x")}),
        (tarfile.TarInfo("../../evil"), EVIL),
    ],
    "an absolute path": [
        manifest(**{"papers.sqlite": (4, "x")}),
        (tarfile.TarInfo("/tmp/evil-restore"), EVIL),
    ],
    "a symbolic link": [
        manifest(**{"papers.sqlite": (0, "x")}),
        link("papers.sqlite", tarfile.SYMTYPE, "/etc/passwd"),
    ],
    "a hard link": [
        manifest(**{"papers.sqlite": (0, "x")}),
        link("papers.sqlite", tarfile.LNKTYPE, "manifest.json"),
    ],
    "a device": [
        manifest(**{"papers.sqlite": (0, "x")}),
        link("papers.sqlite", tarfile.CHRTYPE, ""),
    ],
    "twice the same": [
        manifest(**{"papers.sqlite": (4, "x")}),
        (tarfile.TarInfo("papers.sqlite"), EVIL),
        (tarfile.TarInfo("papers.sqlite"), EVIL),
    ],
    "longer than it says": [
        manifest(**{"papers.sqlite": (2, "x")}),
        (tarfile.TarInfo("papers.sqlite"), EVIL),
    ],
    "no manifest first": [(tarfile.TarInfo("papers.sqlite"), EVIL)],
    "a manifest that is a list": [(tarfile.TarInfo("manifest.json"), b"[]")],
    "a manifest of something else": [(tarfile.TarInfo("manifest.json"), b'{"files": {}}')],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_writes_nothing_anywhere(name: str, tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    settings = Settings(home=home, models=tmp_path, model="extractive", offline=True)
    file = tar_of(tmp_path / "hostile.tar", *HOSTILE[name])
    with pytest.raises(UnreadableFileError, match="can't be restored"):
        restore(settings, file, silent)
    left = [path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()]
    assert left == [file]
    assert not Path("/tmp/evil-restore").exists()


def test_a_catalog_that_is_none_is_refused(tmp_path: Path) -> None:
    content = b"no database " * 50
    (tmp_path / "x").write_bytes(content)
    named = {"papers.sqlite": (len(content), sha256(tmp_path / "x"))}
    file = tar_of(
        tmp_path / "b.tar", manifest(**named), (tarfile.TarInfo("papers.sqlite"), content)
    )
    settings = Settings(home=tmp_path / "r", models=tmp_path, model="extractive", offline=True)
    with pytest.raises(LibraryError, match="couldn't be copied"):
        restore(settings, file, silent)
    assert not (tmp_path / "r" / "library").exists()


# --- the commands ---------------------------------------------------------------------------


def test_the_commands_say_what_they_did(
    run: Callable[..., Result], made: Assistant, tmp_path: Path
) -> None:
    """The runner's home is that of the library."""
    done = run("backup", tmp_path / "b.tar")
    assert done.exit_code == 0, done.output
    assert "6 papers and" in done.output
    refused = run("restore", tmp_path / "b.tar")
    assert refused.exit_code == 1
    assert "--force" in refused.output
    restored = run("restore", "--force", tmp_path / "b.tar")
    assert restored.exit_code == 0, restored.output
    assert "what was there before" in restored.output
    assert run("backup", tmp_path / "none" / "b.tar").exit_code == 1
