"""Files of Chroma's vector index that would end the process, were they loaded."""

import itertools
import os
import random
import shutil
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.adapters.chroma_places import ChromaFolder
from assistant.adapters.chroma_segments import blank_unused, damaged_segments
from assistant.adapters.chroma_store import ChromaStore
from assistant.errors import LibraryError
from assistant.protocols import PassageRecord

ELEMENTS = 400
WIDTH = 8
LINKS = 16
LIST = 4 * (LINKS + 1)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a store with an index of several levels."""
    import chromadb

    folder = tmp_path_factory.mktemp("segments") / "chroma"
    client = chromadb.PersistentClient(str(folder))
    made = client.create_collection(
        "made",
        embedding_function=None,
        configuration={"hnsw": {"space": "cosine", "batch_size": 10, "sync_threshold": 20}},
    )
    vectors = np.random.default_rng(1).normal(size=(ELEMENTS, WIDTH)).astype(np.float32)
    made.add(ids=[str(number) for number in range(ELEMENTS)], embeddings=vectors)
    client.close()
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound, tmp_path / "chroma")
    return tmp_path / "chroma"


def part(folder: Path, name: str) -> Path:
    [found] = folder.glob(f"*-*/{name}")
    return found


def write(path: Path, place: int, *numbers: int) -> None:
    content = bytearray(path.read_bytes())
    struct.pack_into(f"<{len(numbers)}I", content, place, *numbers)
    path.write_bytes(content)


def first_list(path: Path) -> int:
    """Return where the first element's list on level 1 begins that has one."""
    content, place = path.read_bytes(), 0
    while not (length := struct.unpack_from("<I", content, place)[0]):
        place += 4
    assert length % LIST == 0
    return place + 4


def lowest(path: Path) -> int:
    """Return an element that is on the lowest level only."""
    content, place, number = path.read_bytes(), 0, 0
    while length := struct.unpack_from("<I", content, place)[0]:
        place, number = place + 4 + length, number + 1
    return number


def test_sound_ones_are_let_be(folder: Path) -> None:
    assert damaged_segments(folder) == []
    ChromaFolder(folder=folder).open().close()


def to_nowhere(folder: Path) -> None:
    path = part(folder, "link_lists.bin")
    write(path, first_list(path) + 4, ELEMENTS + 7)


def to_a_lower_level(folder: Path) -> None:
    path = part(folder, "link_lists.bin")
    write(path, first_list(path) + 4, lowest(path))


def too_many(folder: Path) -> None:
    path = part(folder, "link_lists.bin")
    write(path, first_list(path), LINKS + 1)


def of_no_size(folder: Path) -> None:
    path = part(folder, "link_lists.bin")
    write(path, first_list(path) - 4, LIST + 1)


def cut(folder: Path) -> None:
    path = part(folder, "link_lists.bin")
    os.truncate(path, path.stat().st_size - 10)


@pytest.mark.parametrize("damage", [to_nowhere, to_a_lower_level, too_many, of_no_size, cut])
def test_links_above_the_lowest_level(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder)
    [wrong] = damaged_segments(folder)
    assert wrong.endswith("/link_lists.bin")
    with pytest.raises(LibraryError, match=r"damaged \(.*link_lists.bin\).*doctor --rebuild"):
        ChromaFolder(folder=folder).open()


def test_links_on_the_lowest_level(folder: Path) -> None:
    write(part(folder, "data_level0.bin"), 4, ELEMENTS)
    [wrong] = damaged_segments(folder)
    assert wrong.endswith("/data_level0.bin")


def test_where_to_enter(folder: Path) -> None:
    header = part(folder, "header.bin")
    write(header, 4 + 6 * 8 + 4, lowest(part(folder, "link_lists.bin")))
    [wrong] = damaged_segments(folder)
    assert wrong.endswith("/header.bin")


@pytest.mark.parametrize("seed", range(3))
def test_ones_that_were_changed_again_and_again_are_sound(tmp_path: Path, seed: int) -> None:
    """Added to, deleted from, overwritten, closed and opened, in any order: no false alarm."""
    import chromadb

    folder = tmp_path / "chroma"
    graph = {"space": "cosine", "batch_size": 10, "sync_threshold": 20, "max_neighbors": 8}
    client = chromadb.PersistentClient(str(folder))
    made = client.create_collection("made", embedding_function=None, configuration={"hnsw": graph})
    dice, numbers = random.Random(seed), np.random.default_rng(seed)
    names = itertools.count()
    alive: list[str] = []
    blanked: dict[Path, int] = {}
    for step in range(40):
        if len(alive) < 30 or dice.random() < 0.5:
            changed = [str(next(names)) for _ in range(dice.randint(5, 60))]
            alive += changed
        else:
            changed = dice.sample(alive, 20)
            if dice.random() < 0.5:
                made.delete(ids=changed)
                alive = [one for one in alive if one not in changed]
                changed = []
        if changed:
            vectors = numbers.normal(size=(len(changed), WIDTH)).astype(np.float32)
            made.upsert(ids=changed, embeddings=vectors)
        blanked = blank_unused(folder, blanked)
        assert damaged_segments(folder) == []
        if step % 10 == 9:
            client.close()
            client = chromadb.PersistentClient(str(folder))
            made = client.get_collection("made", embedding_function=None)
            assert made.count() == len(alive)
            vector = numbers.normal(size=(1, WIDTH)).astype(np.float32)
            [found] = made.query(query_embeddings=vector, n_results=10)["ids"]
            assert set(found) <= set(alive)
    client.close()


@pytest.mark.parametrize("name", ["data_level0.bin", "length.bin", "header.bin"])
def test_short_and_missing_ones_of_any_size(folder: Path, name: str) -> None:
    path = part(folder, name)
    os.truncate(path, path.stat().st_size // 2)
    assert [one.endswith(f"/{name}") for one in damaged_segments(folder, 0)] == [True]
    path.unlink()
    assert [one.endswith(f"/{name}") for one in damaged_segments(folder, 0)] == [True]


def test_links_of_large_ones_are_left_to_the_doctor(folder: Path) -> None:
    to_nowhere(folder)
    assert damaged_segments(folder, 1000) == []
    assert damaged_segments(folder, 10_000_000)


def test_one_that_is_being_written_is_looked_at_again(folder: Path) -> None:
    path = part(folder, "data_level0.bin")
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])

    def finish() -> None:
        time.sleep(0.1)
        path.write_bytes(whole)

    writer = threading.Thread(target=finish)
    writer.start()
    try:
        assert damaged_segments(folder) == []
    finally:
        writer.join()


class TestWhatIsBeyondTheElements:
    """Room for more, written as it was in memory."""

    SECRET = b"sk-planted-4711"

    def test_it_is_blanked_and_the_elements_stay(self, folder: Path) -> None:
        paths = {name: part(folder, name) for name in ("data_level0.bin", "length.bin")}
        before = {name: path.read_bytes() for name, path in paths.items()}
        each = len(before["length.bin"]) // 4
        assert each >= ELEMENTS
        for path in paths.values():
            with path.open("ab") as file:
                file.write(bytes(5000) + self.SECRET + b"\1" * 3_000_000)
        known = blank_unused(folder, {})
        for name, path in paths.items():
            content = path.read_bytes()
            assert content[: len(before[name])] == before[name]
            assert not content[len(before[name]) :].strip(b"\0")
        assert damaged_segments(folder) == []
        assert list(known) == [part(folder, "header.bin")]

    def test_what_was_blanked_is_looked_at_once(self, folder: Path) -> None:
        known = blank_unused(folder, {})
        with part(folder, "length.bin").open("ab") as file:
            file.write(self.SECRET)
        assert blank_unused(folder, known) == known
        assert self.SECRET in part(folder, "length.bin").read_bytes()
        os.utime(part(folder, "header.bin"))
        assert blank_unused(folder, known) != known
        assert self.SECRET not in part(folder, "length.bin").read_bytes()

    def test_a_store_blanks_whatever_it_writes(self, tmp_path: Path) -> None:
        store = ChromaStore(tmp_path / "chroma", "none", WIDTH)
        records = [
            PassageRecord(paper_id=f"p{number}", start=0, end=1, content_hash="h", year=1, tags=())
            for number in range(20)
        ]
        vectors = np.random.default_rng(1).normal(size=(20, WIDTH)).astype(np.float32)
        store.upsert(records, vectors)
        header = struct.unpack("<i6QiI3QdQ", part(tmp_path / "chroma", "header.bin").read_bytes())
        places, elements, each = header[2:5]
        content = part(tmp_path / "chroma", "data_level0.bin").read_bytes()
        assert len(content) == places * each > elements * each
        assert not content[elements * each :].strip(b"\0")
        assert {one.paper_id for one, _ in store.search(vectors[3], 1)} == {"p3"}
        store.remove(["p3"])
        assert store.count() == 19
        store.close()
