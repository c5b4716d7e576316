"""What holds for every format: bad input never loses good input, and nothing is held whole."""

import gzip
import io
import tracemalloc
from importlib import import_module
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import UnreadableFileError
from assistant.readers import READERS, read_stream
from assistant.readers.lines import HEAD_CHARACTERS, open_lines
from assistant.types import Paper, Problem
from tests.readers.cases import CASES, TEXT, Case, papers, problems, read, titles, zipped

EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
# A page has nothing that can be broken, and no way to tell an entry from a stray line.
RECORDS = pytest.mark.parametrize(
    "case",
    [case for name, case in CASES.items() if case.broken],
    ids=filter("daily page".__ne__, CASES),
)


def claims(data: bytes) -> list[str]:
    head = open_lines(io.BytesIO(data), "x").peek(HEAD_CHARACTERS)
    return [one.__name__.rpartition(".")[2] for one in READERS if one.sniff(head)]


@EVERY
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: ("\n\n" + text).encode(),
        zipped,
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
    ],
    ids=["plain", "bom", "crlf", "blank lines", "gzip", "utf-16", "utf-16 without mark"],
)
def test_exactly_one_reader_claims_it_and_reads_it(case: Case, change) -> None:
    data = change(case.papers(1, 2, 3))
    assert claims(data) == [case.reader]
    records = read(data)
    assert titles(records) == ["Gulls 1", "Gulls 2", "Gulls 3"]
    assert problems(records) == []
    assert papers(records)[1].abstract.startswith(TEXT.format(2))


def test_every_reader_has_a_case_and_a_name() -> None:
    assert {case.reader for case in CASES.values()} == {
        one.__name__.rpartition(".")[2] for one in READERS
    }
    assert len({one.NAME for one in READERS}) == len(READERS)


class Endless(io.RawIOBase):
    """A file that never ends, and counts what was read of it."""

    def __init__(self, case: Case) -> None:
        self.taken = 0
        self._parts = (case.record(number) + case.joint for number in count(1))
        self._rest = case.head.encode()

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size:
            self._rest += "".join(islice(self._parts, 500)).encode()
        data, self._rest = self._rest[:size], self._rest[size:]
        self.taken += size
        return data


@EVERY
def test_it_streams(case: Case) -> None:
    file = Endless(case)
    records = read_stream(file, "endless")
    assert next(records).title == "Gulls 1"
    assert file.taken < 1_000_000
    for _ in range(500):
        next(records)
    tracemalloc.start()
    try:
        for _ in range(2000):
            assert isinstance(next(records), Paper)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


@RECORDS
def test_broken_record_in_the_middle_loses_only_itself(case: Case) -> None:
    text = case.file(case.record(1), case.broken, case.record(3), case.record(4))
    records = read(text)
    assert titles(records) == ["Gulls 1", "Gulls 3", "Gulls 4"]
    found = problems(records)
    assert found
    line = text[: text.index(case.broken)].count("\n") + 1
    assert line <= found[0].line <= line + 3
    assert found[0].skipped


@RECORDS
def test_broken_last_record_is_reported(case: Case) -> None:
    records = read(case.head + case.joint.join((case.record(1), case.record(2), case.broken)))
    assert titles(records) == ["Gulls 1", "Gulls 2"]
    assert problems(records)


@EVERY
def test_record_without_abstract_is_named_with_its_line(case: Case) -> None:
    text = case.file(case.record(1), case.bare, case.record(2))
    records = read(text, "some.file")
    assert titles(records) == ["Gulls 1", "Gulls 2"]
    line = text[: text.index(case.bare)].count("\n") + 1
    assert [str(one) for one in problems(records)] == [
        f"some.file, line {line}: “Bare” has no abstract"
    ]


@EVERY
def test_truncated_gzip_gives_what_came_before(case: Case) -> None:
    whole = gzip.compress(case.papers(*range(400)).encode())
    records = read(whole[: len(whole) * 2 // 3])
    found = titles(records)
    assert len(found) > 50
    assert found == [f"Gulls {number}" for number in range(len(found))]
    assert "ends too early" in problems(records)[-1].reason
    # Nothing half is taken for whole.
    assert all(paper.abstract.endswith("rather than the tide.") for paper in papers(records))


@EVERY
def test_damaged_gzip_gives_what_came_before(case: Case) -> None:
    whole = bytearray(gzip.compress(case.papers(*range(3000)).encode(), 1))
    middle = len(whole) * 3 // 4
    whole[middle : middle + 64] = bytes(64)
    records = read(bytes(whole))
    assert titles(records)[:100] == [f"Gulls {number}" for number in range(100)]
    assert problems(records)


@EVERY
def test_latin_1_in_one_record_keeps_every_accent(case: Case) -> None:
    first, rest = case.papers(1, 2).encode().split(b"Gulls 2", 1)
    records = read(first + b"Gulls 2" + rest.replace("é".encode(), b"\xe9"))
    assert all("for é weeks" in paper.abstract for paper in papers(records))
    assert titles(records) == ["Gulls 1", "Gulls 2"]
    assert {one.skipped for one in problems(records)} == {False}
    assert "Windows-1252" in problems(records)[0].reason


@EVERY
def test_zero_bytes_are_left_out(case: Case) -> None:
    text = case.papers(1, 2).replace("Gulls", "Gu\0lls") + "\0" * 5000
    assert titles(read(text)) == ["Gulls 1", "Gulls 2"]


@RECORDS
def test_line_of_ten_megabytes_harms_no_record(case: Case) -> None:
    text = case.file(case.record(1), "x" * 10_000_000, case.record(2))
    assert titles(read(text)) == ["Gulls 1", "Gulls 2"]


@EVERY
def test_one_bad_line_among_many(case: Case) -> None:
    records = [case.record(number) for number in range(2000)]
    records[1000] = case.broken or records[1000]
    found = read(case.file(*records))
    assert len(papers(found)) == 2000 - bool(case.broken)
    assert len(problems(found)) <= 2


WHOLE = [case.papers(1, 2, 3) for case in CASES.values()]
PIECES = st.sampled_from(
    [piece for text in WHOLE for piece in (text[:80], text[40:120], text[-90:], text)]
    + list("{}[]<>\"'@#=,;\\\n\t -&%$")
    + ["\n@", "\nTY  - ", "\nPMID- ", "\nER", "</entry>", "<entry>", '"}, {"', "\x00", "\ud800"]
)
MESSY = st.text(max_size=200) | st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join)


@pytest.mark.parametrize("name", [one.__name__ for one in READERS])
@given(text=MESSY)
def test_arbitrary_text_never_raises_and_never_loops(name: str, text: str) -> None:
    data = text.encode("utf-8", errors="surrogatepass")
    reader = import_module(name)
    try:
        lines = open_lines(io.BytesIO(data), "x")
    except UnreadableFileError:
        return
    found = list(islice(reader.read(lines, "x"), 10_000))
    assert len(found) < 1000
    for one in found:
        if isinstance(one, Problem):
            assert one.line >= 1
            assert one.reason
        else:
            assert len(one.abstract) >= 20
            assert repr(one).encode()
            assert one.content_hash


@given(st.sampled_from(WHOLE), st.data())
def test_cut_and_doubled_files_are_read(text: str, data: st.DataObject) -> None:
    places = st.integers(0, len(text))
    start, end, again = (data.draw(places) for _ in range(3))
    try:
        found = read(text[:start] + text[end:again] + text[end:])
    except UnreadableFileError:
        return
    assert len(found) < 100
