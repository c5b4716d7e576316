"""Files as they come: packed, in any encoding, damaged, from standard input, in folders."""

import gzip
import io
import os
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import UnreadableFileError
from assistant.readers import read_papers, read_stream
from assistant.readers.lines import MOST_REPORTED
from assistant.types import Paper, Problem
from tests.readers.cases import CASES, TEXT, problems, read, titles, zipped

LINES = CASES["json lines"]
FILE = LINES.papers(1, 2)


# --- gzip -----------------------------------------------------------------------------------


def test_gzip_is_known_by_its_content_and_may_have_members() -> None:
    data = zipped(LINES.papers(1)) + zipped(LINES.papers(2)) + b"\0" * 512
    assert titles(read(data, "papers.txt")) == ["Gulls 1", "Gulls 2"]


def test_rubbish_after_gzip_is_reported() -> None:
    records = read(zipped(FILE) + b"rubbish")
    assert titles(records) == ["Gulls 1", "Gulls 2"]
    assert "damaged" in problems(records)[0].reason


@pytest.mark.parametrize("size", [2, 12, 18])
def test_gzip_cut_off_before_any_text_is_unreadable(size: int) -> None:
    with pytest.raises(UnreadableFileError, match=r"^x: the compressed file ends too early"):
        read(zipped(FILE)[:size], "x")


def test_gzip_in_gzip_is_not_unpacked_twice() -> None:
    with pytest.raises(UnreadableFileError, match="binary"):
        read(gzip.compress(zipped(FILE)))


class Bomb(io.RawIOBase):
    """A gzip file that unpacks to spaces without end."""

    def __init__(self, start: str, filling: bytes) -> None:
        packer = zlib.compressobj(9, wbits=31)
        self._rest = packer.compress(start.encode()) + packer.flush(zlib.Z_FULL_FLUSH)
        packer = zlib.compressobj(9, wbits=-15)
        self._block = packer.compress(filling * 2_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size:
            self._rest += self._block
        data, self._rest = self._rest[:size], self._rest[size:]
        self.taken += len(data)
        return data


STREAMED = pytest.mark.parametrize(
    "name", ["json lines", "json array", "bibtex", "pubmed xml", "ris", "csv"]
)


def bombed(name: str, filling: bytes) -> list[Paper | Problem]:
    case = CASES[name]
    return list(read_stream(Bomb(case.head + case.record(1) + "\n", filling), "bomb"))


@STREAMED
def test_bomb_fills_no_memory_and_ends(name: str) -> None:
    tracemalloc.start()
    try:
        records = bombed(name, b" ")
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()
    assert titles(records) == ["Gulls 1"]
    assert "unpacks to over 250 times its size" in problems(records)[-1].reason


@STREAMED
def test_bomb_of_empty_lines_ends(name: str) -> None:
    assert titles(bombed(name, b"\n")) == ["Gulls 1"]


def test_unpacked_text_is_bounded_where_asked() -> None:
    packed = gzip.compress(LINES.papers(*range(1000)).encode())
    records = list(read_stream(io.BytesIO(packed), "upload", 50_000))
    assert 0 < len(titles(records)) < 1000
    assert "unpacks to over 0 MB" in [one.reason for one in problems(records)][-1]
    assert len(titles(list(read_stream(io.BytesIO(packed), "upload")))) == 1000


# --- encodings ------------------------------------------------------------------------------


def test_file_wrong_on_every_line_gives_a_short_report() -> None:
    text = LINES.papers(*range(500)).replace("counts", "cöunts")
    records = read(text.encode("latin-1"))
    assert len(titles(records)) == 500
    found = problems(records)
    assert len(found) == MOST_REPORTED + 1
    assert found[-1].reason.startswith("480 further places before this are not UTF-8")


def test_wrong_bytes_leave_right_ones_of_the_same_line_alone() -> None:
    data = (
        '{"title": "Möwen — '.encode()
        + b'caf\xe9 \x93x\x94 \x81", "abstract": "'
        + TEXT.encode()
        + b'"}'
    )
    assert titles(read(data)) == ["Möwen — café “x” \ufffd"]


def test_reading_errors_end_the_file_with_a_problem() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            if not data:
                raise OSError(5, "Input/output error")
            return data

    records = list(read_stream(Failing(FILE.encode()), "disk"))
    assert titles(records) == ["Gulls 1", "Gulls 2"]
    assert "could not be read any further (Input/output error)" in problems(records)[-1].reason


# --- standard input and folders -------------------------------------------------------------


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(zipped(FILE))))
    records = list(read_papers(Path("-")))
    assert titles(records) == ["Gulls 1", "Gulls 2"]
    assert {one.source for one in records} == {"standard input"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    outside = tmp_path / "outside.jsonl"
    outside.write_text(LINES.papers(99), encoding="utf-8")
    folder = tmp_path / "papers"
    (folder / "b" / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / ".git" / "x.jsonl").write_text(FILE, encoding="utf-8")
    (folder / "b.jsonl").write_text(LINES.papers(3), encoding="utf-8")
    (folder / "a.bib").write_text(CASES["bibtex"].papers(1), encoding="utf-8")
    (folder / "b" / "deep" / "x.ris.gz").write_bytes(zipped(CASES["ris"].papers(2)))
    (folder / ".hidden.bib").write_text(CASES["bibtex"].papers(9), encoding="utf-8")
    (folder / "notes.txt").write_text("Dear diary, nothing today.", encoding="utf-8")
    (folder / "empty.csv").touch()
    (folder / "scan.pdf").write_bytes(b"%PDF-1.7")
    (folder / "out").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder)
    (folder / "lost").symlink_to(folder / "nowhere")
    (folder / "z-inside").symlink_to(folder / "b.jsonl")
    os.mkfifo(folder / "pipe")
    return folder


def test_folder_gives_all_its_files_in_order_and_names_the_rest(folder: Path) -> None:
    records = list(read_papers(folder))
    assert titles(records) == ["Gulls 1", "Gulls 2", "Gulls 3", "Gulls 3"]
    sources = [one.source for one in records if one not in problems(records)]
    assert sources == [
        "papers/a.bib",
        "papers/b/deep/x.ris.gz",
        "papers/b.jsonl",
        "papers/z-inside",
    ]
    reasons = {one.source.removeprefix("papers/"): one.reason for one in problems(records)}
    known = reasons.pop("notes.txt")
    assert known.startswith("not a format that is known here. Known: JSON lines, ")
    assert reasons == {
        ".git": "hidden; not read",
        ".hidden.bib": "hidden; not read",
        "empty.csv": "the file is empty; nothing was added.",
        "lost": "a link to nothing",
        "loop": "a link to a folder; its files are read where they are",
        "out": "a link that leads out of the folder; not followed",
        "pipe": "not a plain file; not read",
        "scan.pdf": "this is a binary file, not a text export; export your papers as text.",
        "up": "a link that leads out of the folder; not followed",
    }


def test_folder_that_is_itself_a_link_or_the_current_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert len(titles(list(read_papers(link)))) == 4
    monkeypatch.chdir(folder / "b")
    assert [one.source for one in read_papers(Path())] == ["b/deep/x.ris.gz"]


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="is a folder with no file in it"):
        list(read_papers(tmp_path))


def test_file_that_cannot_be_opened_is_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def refusing(path: Path, *args: Any) -> Any:
        if path.name == "a.bib":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args)

    monkeypatch.setattr(Path, "open", refusing)
    records = list(read_papers(folder))
    assert titles(records) == ["Gulls 2", "Gulls 3", "Gulls 3"]
    (refused,) = (one for one in problems(records) if one.source == "papers/a.bib")
    assert refused.reason == "Permission denied; check the name."
