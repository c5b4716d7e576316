"""What is read from outside never raises what it shouldn't, and never takes long.

ASSISTANT_FUZZ_SECONDS says how long each part is tried: 10 in CI, 600 in the long run, `make fuzz`.
What was found stands at the end, each with its own input.
"""

import gzip
import io
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from assistant.errors import FilterError, UnreadableFileError
from assistant.filters import matches, parse_filter, required, satisfied, tags, to_text
from assistant.grounding.claims import finished_claims, split_claims
from assistant.grounding.marks import cited_numbers, without_marks
from assistant.readers import read_stream
from assistant.types import Paper, Problem
from tests.readers.cases import CASES

SECONDS = float(os.environ.get("ASSISTANT_FUZZ_SECONDS", "10"))
# On a busy machine; what takes this long for some kilobytes grows faster than its input.
TOO_LONG = 10.0
PAPER = Paper(id="p1", title="Bees", abstract="Bees fly.", authors=("Ann Oak",), year=2020)


def fuzz(strategy: st.SearchStrategy[Any], check: Callable[[Any], None]) -> int:
    """Check examples until the time is over; return how many. A failure names seed and input."""
    until = time.monotonic() + SECONDS
    tried = number = 0

    def trial(example: Any) -> None:
        nonlocal tried
        if time.monotonic() > until:
            return
        began = time.thread_time()
        check(example)
        assert time.thread_time() - began < TOO_LONG
        tried += 1

    while time.monotonic() < until:
        limits = settings(
            max_examples=100,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        seed(number)(limits(given(strategy)(trial)))()
        number += 1
    return tried


# --- readers ---------------------------------------------------------------------------


PIECES = st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"', b"'", b"\\", b"<", b">", b"</", b"&#0;", b"&x;", b"<!ENTITY a",
     b"@", b"=", b",", b";", b"\t", b"\r", b"\n", b"\n\n", b"\x00", b"\xff", b"\xef\xbb\xbf",
     b"\xed\xa0\x80", b"TY  - ", b"ER  - ", b"PMID- ", b"9" * 400, b"1e999", b"null", b"[" * 500,
     b'{"a":' * 300, b"\\u0000", b"\\ud800", b"NaN", b"-" * 100, b"  " * 200]
)  # fmt: skip
CHANGES = st.lists(
    st.tuples(
        st.sampled_from("idrc"), st.floats(0, 1), st.floats(0, 1), PIECES | st.binary(max_size=8)
    ),
    min_size=1,
    max_size=8,
)


def changed(data: bytes, changes: list[tuple[str, float, float, bytes]]) -> bytes:
    """Insert, delete, replace and copy parts of a file."""
    for kind, first, second, piece in changes:
        start, end = sorted((int(first * len(data)), int(second * len(data))))
        middle = {"i": piece + data[start:end], "d": b"", "r": piece, "c": data[start:end] * 2}
        data = (data[:start] + middle[kind] + data[end:])[:200_000]
    return data


def reads(data: bytes) -> None:
    """Whatever the bytes are, papers and problems come of them, or the one refusal."""
    try:
        for record in read_stream(io.BytesIO(data), "file"):
            assert isinstance(record, Paper | Problem)
            if isinstance(record, Paper):
                assert record.abstract.strip()
                assert record.id
                record.content_hash.encode()
                str(record.to_dict()).encode()
            else:
                assert record.line >= 0
                str(record).encode()
    except UnreadableFileError as error:
        refused = str(error)
    else:
        return
    assert refused.startswith("file:")


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_readers_never_raise(name: str) -> None:
    whole = CASES[name].papers(1, 2, 3).encode()

    def check(example: tuple[list[Any], bool]) -> None:
        data = changed(whole, example[0])
        reads(gzip.compress(data, mtime=0) if example[1] else data)

    assert fuzz(st.tuples(CHANGES, st.booleans()), check)


@pytest.mark.slow
def test_any_bytes_at_all() -> None:
    assert fuzz(st.lists(PIECES | st.binary(max_size=50)).map(b"".join), reads)


# --- marks, claims, filters ------------------------------------------------------------


TEXTS = st.lists(
    st.sampled_from(
        ["[1]", "[1, 2-4]", "[[2]]", "【9†source】", "(1)", "[Smith et al., 2020]", "[0, 1]", "[",
         "]", "|", "\n", "\n|---|---|\n", "- ", "**", ". ", "! ", "Eq. (1)", "[1-99999999]", "3.5",
         "It works", "Bees ", "[99999999999999999999]", "[1,,2]", "Answer: ",
         "１", "[１]", "…", "\x00"]
    )
    | st.text(max_size=12),
    max_size=40,
).map("".join)  # fmt: skip


def parses(text: str) -> None:
    for claim in split_claims(text):
        assert claim.text.strip()
        assert all(0 <= number < 10**9 for number in claim.numbers)
    assert len(finished_claims(text)) <= len(split_claims(text))
    cited_numbers(text)
    without_marks(text)


@pytest.mark.slow
def test_citation_marks_never_raise() -> None:
    assert fuzz(TEXTS, parses)


FILTERS = st.lists(
    st.sampled_from(
        ["year", ":", "=", ">=", "<", "2020", "2018..2021", "..", "and", "or", "not", "(", ")", " ",
         "author", "author:", "venue:", "topic:", "id:", "source:", "title:", '"', "'", "\\", "*",
         "smith", "10.1/x", "arxiv:2101.00001", "9" * 30, "-1"]
    )
    | st.text(max_size=6),
    max_size=20,
)  # fmt: skip


def filters(pieces: list[str]) -> None:
    for joint in ("", " "):
        text = joint.join(pieces)
        try:
            one = parse_filter(text)
        except FilterError:
            continue
        assert parse_filter(to_text(one)) == one
        condition = required(one)
        if matches(one, PAPER) and condition is not None:
            assert satisfied(condition, set(tags(PAPER)), PAPER.year)


@pytest.mark.slow
def test_filters_are_read_or_refused() -> None:
    assert fuzz(FILTERS, filters)
