"""`assistant copy`: between folders and a server, both ways, through kills, compared at the end."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from assistant import Assistant
from assistant.adapters.sqlite_catalog import SqliteCatalog
from assistant.errors import InputError, LibraryError
from assistant.library.copying import UNFINISHED, copy, copy_vectors
from assistant.settings import Settings
from assistant.types import Paper
from tests.chroma import ChromaProcess
from tests.samples import HIVE, SAMPLE, STORYLINE, TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"
LONG = " ".join(
    f"Sentence {n} tells of bees that fly home by hedges and ditches." for n in range(60)
)
PAPERS = (*SAMPLE, Paper(id="long", title="A long one", abstract=LONG, authors=("Bee, A.",)))


def silent(what: str, done: int, total: int) -> None:
    """Report no progress."""


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaProcess]:
    """Return a running server."""
    process = ChromaProcess(tmp_path_factory.mktemp("chroma"))
    yield process
    process.kill()


@pytest.fixture
def home(tmp_path: Path, library: Library) -> Path:
    """Return the home of a library of six papers, with several passages of one."""
    assistant = library(PAPERS, home=tmp_path / "home")
    assert assistant.passage_count() > len(PAPERS)
    assistant.close()
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path, models_folder: Path) -> Settings:
    return Settings(
        home=home, models=models_folder, model="extractive", offline=True, chroma_timeout=30.0
    )


def answers(assistant: Assistant) -> tuple[str, list[str], int]:
    answer = assistant.ask(QUESTION)
    assert answer.notices == ()
    hits = [hit.paper.id for hit in assistant.search("insects that fly home by hedges")]
    return answer.text, hits, assistant.passage_count()


def test_to_a_server_and_back_answers_are_the_same(
    library: Library, settings: Settings, chroma: ChromaProcess, tmp_path: Path
) -> None:
    home = settings.home
    here = library((), home=home)
    before = answers(here)
    here.close()
    there = copy(str(home), chroma.url, settings, silent)
    assert there.faults == ()
    assert (there.papers, there.passages, there.written) == (6, before[2], before[2])
    served = library((), home=home, chroma_url=chroma.url)
    assert answers(served) == before
    served.close()
    # Nothing was written since: either serves.
    assert answers(library((), home=home)) == before
    again = copy(str(home), chroma.url, settings, silent)
    assert (again.written, again.removed, again.faults) == (0, 0, ())
    assert again.sha256 == there.sha256
    # What is written to the one is brought to the other.
    served = library((), home=home, chroma_url=chroma.url)
    served.remove(HIVE.id)
    edited = replace(TWIGNET, abstract=f"{TWIGNET.abstract} It is edited.")
    served.add_papers([edited, Paper(id="new", title="News", abstract="Hedges are new here.")])
    changed = answers(served)
    served.close()
    back = copy(chroma.url, str(home), settings, silent)
    assert back.faults == ()
    assert (back.removed, back.written, back.papers) == (2, 2, 6)
    folder = library((), home=home)
    assert answers(folder) == changed
    folder.close()
    other = copy(chroma.url, str(tmp_path / "other"), settings, silent)
    assert (other.papers, other.faults) == (6, ())
    whole = library((), home=tmp_path / "other")
    assert answers(whole) == changed
    assert whole.library.library_id() != library((), home=home).library.library_id()


def test_to_another_folder_it_is_a_library_of_its_own(
    library: Library, settings: Settings, tmp_path: Path
) -> None:
    report = copy(str(settings.home), str(tmp_path / "copy"), settings, silent)
    assert report.faults == ()
    copied, original = library((), home=tmp_path / "copy"), library((), home=settings.home)
    assert answers(copied) == answers(original)
    copied.remove(TWIGNET.id)
    assert original.paper(TWIGNET.id) is not None
    assert original.passage_count() == copied.passage_count() + 1
    with pytest.raises(LibraryError, match="There is a library in"):
        copy(str(settings.home), str(tmp_path / "copy"), settings, silent)


def test_what_differs_is_found_and_mended(
    library: Library, settings: Settings, chroma: ChromaProcess
) -> None:
    copy(str(settings.home), chroma.url, settings, silent)
    one = library((), home=settings.home)
    target = library((), home=settings.home, chroma_url=chroma.url).library.store()
    records, vectors = target.read([HIVE.id])
    target.upsert(records, vectors[:, ::-1].copy())  # Another vector in the same place.
    target.remove([TWIGNET.id])
    target.retag({STORYLINE.id: (1900, ["author:nobody"])})
    target.upsert([replace(records[0], paper_id="nobody")], vectors)
    with one.library.writing():
        report = copy_vectors(one.library, target, silent)
    assert report.faults == ()
    assert (report.written, report.removed) == (3, 2)
    # A target that writes nothing is found out by comparing.
    target.remove([TWIGNET.id])
    target.upsert = lambda *_: None  # type: ignore[method-assign]
    with one.library.writing():
        report = copy_vectors(one.library, target, silent)
    assert any("another SHA-256" in fault for fault in report.faults)


def test_places_that_are_none_are_refused(settings: Settings, tmp_path: Path) -> None:
    home = str(settings.home)
    with pytest.raises(InputError, match="are the same"):
        copy(home, home, settings, silent)
    with pytest.raises(InputError, match="There is no library in"):
        copy(str(tmp_path / "none"), home, settings, silent)


def test_the_command_tells_what_it_did_and_fails_where_it_differs(
    run: Callable[..., Result], settings: Settings, tmp_path: Path, chroma: ChromaProcess
) -> None:
    done = run("copy", settings.home, tmp_path / "b")
    assert done.exit_code == 0, done.output
    assert "6 papers" in done.output
    assert f"ASSISTANT_HOME={tmp_path / 'b'}" in done.output
    chroma.kill()
    failed = run("copy", settings.home, chroma.url)
    chroma.start()
    assert failed.exit_code == 1
    assert "can't be reached" in failed.output
    assert "Traceback" not in failed.output


def test_vectors_that_a_kill_has_cut_amid_a_write_are_copied_anew(
    library: Library, settings: Settings, tmp_path: Path
) -> None:
    target = tmp_path / "b"
    copy(str(settings.home), str(target), settings, silent)
    original = library((), home=settings.home)
    catalog = SqliteCatalog(target / "library" / "papers.sqlite")
    catalog.set_meta(UNFINISHED, original.library.library_id())
    catalog.close()
    cut = target / "library" / "chroma" / "0b9d7b3f-621b-4a84-b6e4-1f48f991434a"
    cut.mkdir()
    (cut / "header.bin").write_bytes(bytes(50))
    with pytest.raises(LibraryError, match="are damaged"):
        library((), home=target).library.store()
    report = copy(str(settings.home), str(target), settings, silent)
    assert report.faults == ()
    assert report.written == original.passage_count()
    assert answers(library((), home=target)) == answers(original)


@pytest.mark.slow
def test_killed_at_any_instant_it_goes_on_where_it_was(
    library: Library, settings: Settings, tmp_path: Path
) -> None:
    environ = {
        **os.environ,
        "ASSISTANT_HOME": str(settings.home),
        "ASSISTANT_MODELS": str(settings.models),
        "ASSISTANT_MODEL": "extractive",
        "ASSISTANT_OFFLINE": "1",
    }
    command = [sys.executable, "-m", "assistant", "copy", str(settings.home), str(tmp_path / "b")]
    killed = 0
    for seconds in (1.0, 2.0, 3.0, 4.5, 6.0):
        process = subprocess.Popen(
            command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    assert killed
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    # It ended before a kill: then it is whole, and refused a second time.
    assert done.returncode == 0 or "There is a library in" in done.stderr
    copied = library((), home=tmp_path / "b")
    assert answers(copied) == answers(library((), home=settings.home))
