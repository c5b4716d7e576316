"""Readers: every good record goes in, every bad one is named, and nothing raises."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.errors import UnreadableFileError
from assistant.readers import read_papers, read_stream
from assistant.types import Paper, Problem

HEADER = (
    "new\n\nGet trending papers in your email inbox!\n\nSubscribe\n\nDaily Papers\n\nMar 11\n\n"
)
BEES = (
    "Honeybees return to their hive over several kilometres, (\\ie, far). We tracked 240 bees "
    "with radar in fog. Most of the bees, 92\\% in all, followed hedges and ditches instead of "
    "the sun, and those without landmarks did not return within two hours of the start."
)
TIDES = (
    "Tide tables link harbours by the time of high water at each of them. Our retriever walks "
    "the graph of harbours around the first hit, so that recall at ten rises from 54% to 71% "
    "when the neighbours of the found harbours are added to the list of candidates."
)
CLEAN_BEES = BEES.replace("\\ie,", "i.e.,").replace("\\%", "%")
PAGE = f"{HEADER}Honeybees in Fog\n\n{BEES}\n\nTide Tables\n\n{TIDES}\n"


def read(data: bytes, source: str = "page.txt") -> list[Paper | Problem]:
    return list(read_stream(io.BytesIO(data), source))


def papers(records: Sequence[Paper | Problem]) -> list[Paper]:
    return [record for record in records if isinstance(record, Paper)]


def problems(records: Sequence[Paper | Problem]) -> list[Problem]:
    return [record for record in records if isinstance(record, Problem)]


def line(**record: object) -> str:
    return json.dumps({"title": "Tide Tables", "abstract": TIDES, **record}) + "\n"


# --- daily page -----------------------------------------------------------------------------


def test_page_gives_its_papers_without_the_header() -> None:
    records = read(PAGE.encode())
    assert [(one.title, one.abstract) for one in papers(records)] == [
        ("Honeybees in Fog", CLEAN_BEES),
        ("Tide Tables", TIDES),
    ]
    assert problems(records) == []
    assert {one.source for one in papers(records)} == {"page.txt"}


def test_latex_residue_is_mended_and_the_raw_text_kept() -> None:
    bees, tides = papers(read(PAGE.encode()))
    assert bees.raw_abstract == BEES
    assert tides.raw_abstract == ""


def test_entry_without_abstract_is_named_with_its_line() -> None:
    page = f"{HEADER}A Title All Alone\n\nTide Tables\n\n{TIDES}\n"
    records = read(page.encode())
    assert [one.title for one in papers(records)] == ["Tide Tables"]
    assert [str(problem) for problem in problems(records)] == [
        "page.txt, line 11: “A Title All Alone” has no abstract"
    ]


def test_last_entry_without_abstract_is_named() -> None:
    records = read(f"{PAGE}\nThe End\n".encode())
    assert len(papers(records)) == 2
    assert [(one.line, one.reason) for one in problems(records)] == [
        (19, "“The End” has no abstract")
    ]


def test_abstract_without_title_is_named() -> None:
    records = read(f"{HEADER}{BEES}\n\nTide Tables\n\n{TIDES}\n".encode())
    assert [one.title for one in papers(records)] == ["Tide Tables"]
    (problem,) = problems(records)
    assert problem.line == 11
    assert problem.reason.startswith("text without a title: “Honeybees return")


def test_wrapped_lines_are_one_block() -> None:
    page = PAGE.replace("We tracked", "\nWe tracked").replace("Our retriever", "\nOur retriever")
    assert [one.abstract for one in papers(read(page.encode()))] == [CLEAN_BEES, TIDES]


@pytest.mark.parametrize(
    "data",
    [
        PAGE.replace("\n", "\r\n").encode(),
        PAGE.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + PAGE.encode(),
        PAGE.encode("utf-16"),
        b"\xfe\xff" + PAGE.encode("utf-16-be"),
        PAGE.replace("Honeybees in", "Honeybees\x00 in").encode(),
        PAGE.rstrip("\n").encode(),
        b"\n\n  \n" + PAGE.encode(),
    ],
    ids=["crlf", "cr", "utf-8-bom", "utf-16-le", "utf-16-be", "nul", "no-end", "blank-start"],
)
def test_page_reads_the_same_in_every_encoding(data: bytes) -> None:
    assert [(one.title, one.abstract) for one in papers(read(data))] == [
        ("Honeybees in Fog", CLEAN_BEES),
        ("Tide Tables", TIDES),
    ]


def test_latin_1_bytes_are_read_and_reported() -> None:
    page = PAGE.replace("Tide Tables", "Gezeiten für Häfen")
    records = read(page.encode("latin-1"))
    assert papers(records)[1].title == "Gezeiten für Häfen"
    (problem,) = problems(records)
    assert (problem.line, problem.skipped) == (15, False)
    assert "Windows-1252" in problem.reason


def test_one_bad_byte_harms_no_other_line() -> None:
    page = PAGE.replace("Honeybees in Fog", "Bienen — Üben").encode() + b"\nCaf\xe9 Bar\n"
    records = read(page)
    assert papers(records)[0].title == "Bienen — Üben"
    assert any("Café Bar" in problem.reason for problem in problems(records))


def test_line_over_the_limit_is_passed_over() -> None:
    page = f"{HEADER}Too Long\n\n{'x' * 10_000_000}\n\nTide Tables\n\n{TIDES}\n"
    records = read(page.encode())
    assert [one.title for one in papers(records)] == ["Tide Tables"]
    assert (13, "line is longer than 8 MB; skipped") in [
        (one.line, one.reason) for one in problems(records)
    ]


# --- JSON lines -----------------------------------------------------------------------------


def test_broken_line_in_the_middle_is_named_and_the_rest_goes_in() -> None:
    text = line(title="One") + '{"title": "Two", "abst\n' + line(title="Three") + "[1]\n"
    records = read(text.encode(), "x.jsonl")
    assert [one.title for one in papers(records)] == ["One", "Three"]
    reasons = [str(problem) for problem in problems(records)]
    assert reasons[0].startswith("x.jsonl, line 2: not valid JSON")
    assert reasons[1] == "x.jsonl, line 4: not a JSON object; skipped"


def test_broken_first_line_does_not_hide_the_format() -> None:
    records = read(('{"title": "Two", "abst\n' + line(title="Three")).encode())
    assert [one.title for one in papers(records)] == ["Three"]


def test_fields_are_found_under_their_usual_names() -> None:
    record = {
        "id": "7",
        "authors": [{"name": "Ada Birch"}, "Ben Oak"],
        "publicationDate": "2021-05-03",
        "journal": "J. Tides",
        "DOI": "https://doi.org/10.1234/TIDE",
        "URL": "https://a.org/p",
        "keywords": "tides; graphs",
    }
    (paper,) = papers(read(line(**record).encode(), "x.jsonl"))
    assert paper == Paper(
        id="doi:10.1234/tide",
        title="Tide Tables",
        abstract=TIDES,
        authors=("Ada Birch", "Ben Oak"),
        year=2021,
        venue="J. Tides",
        url="https://a.org/p",
        doi="10.1234/tide",
        topics=("tides", "graphs"),
        source="x.jsonl",
        record_id="7",
    )


def test_arxiv_dump_keeps_its_identifier_under_id() -> None:
    (paper,) = papers(read(line(id="0704.0001", categories="hep-ph").encode()))
    assert (paper.id, paper.arxiv_id) == ("arxiv:0704.0001", "0704.0001")


@pytest.mark.parametrize(
    ("field", "value", "name", "kept"),
    [
        ("_id", 0, "record_id", "0"),
        ("id", 17, "record_id", "17"),
        ("pmid", 12345, "pmid", "12345"),
        ("pmid", 12345.0, "pmid", "12345"),
        ("year", 2020.0, "year", 2020),
        ("year", None, "year", None),
        ("year", "in press", "year", None),
    ],
)
def test_numbers_where_text_is_usual(field: str, value: object, name: str, kept: object) -> None:
    """Data frames write whole numbers as floats; a first record is often number 0."""
    (paper,) = papers(read(line(**{field: value}).encode()))
    assert getattr(paper, name) == kept


def test_header_line_is_passed_over() -> None:
    text = json.dumps({"about": "summaries", "records": 1}) + "\n" + line()
    assert read(text.encode()) == papers(read(line().encode()))


def test_record_without_abstract_is_named() -> None:
    records = read((line() + '{"title": "Bare", "abstract": null}\n').encode())
    assert [str(problem) for problem in problems(records)] == [
        "page.txt, line 2: “Bare” has no abstract"
    ]


def test_line_separator_inside_a_string_ends_no_line() -> None:
    text = json.dumps({"title": "Tide Tables", "abstract": f"{TIDES}\u2028{BEES}"}) + "\n"
    raw = text.replace("\\u2028", "\u2028")
    for encoding in ("utf-8", "utf-16"):
        records = read(raw.encode(encoding))
        assert problems(records) == [], encoding
        assert len(papers(records)) == 1, encoding


@pytest.mark.parametrize("field", ["title", "abstract", "id", "venue", "url", "doi", "authors"])
def test_half_a_character_pair_leaves_a_paper_that_can_be_stored(field: str) -> None:
    value = {"abstract": TIDES, "url": "https://a.org/", "doi": "10.1234/x"}.get(field, "Tide")
    broken = f"{value}\\ud800"
    text = line(**{field: "@"}).replace('"@"', f'"{broken}"')
    (paper,) = papers(read(text.encode()))
    assert json.dumps(paper.to_dict(), ensure_ascii=False).encode()
    assert paper.content_hash


# --- what is no export at all ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"%PDF-1.7\nsome text", "binary"),
        (b"PK\x03\x04zip", "binary"),
        (bytes(range(256)) * 8, "binary"),
        (b"Dear diary,\n\ntoday I read a paper.\n", "not a format"),
        (b"\xef\xbb\xbf", "empty|not a format"),
    ],
    ids=["empty", "blank", "pdf", "zip", "binary", "letter", "bom"],
)
def test_unreadable_files_are_refused_with_their_name(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason) as caught:
        read(data, "thing.bin")
    assert str(caught.value).startswith("thing.bin: ")


def test_folder_and_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="is a folder"):
        list(read_papers(tmp_path))
    with pytest.raises(UnreadableFileError, match=r"none\.txt: No such file"):
        list(read_papers(tmp_path / "none.txt"))


def test_file_is_named_by_its_name_alone(tmp_path: Path) -> None:
    path = tmp_path / "tides.jsonl"
    path.write_text(line(), encoding="utf-8")
    assert [one.source for one in papers(list(read_papers(path)))] == ["tides.jsonl"]
    assert [one.source for one in papers(list(read_papers(path, "s")))] == ["s"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "year", "x"]), inner, max_size=2)
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    "title abstract summary text id _id authors author year date categories keywords venue url "
    "doi arxiv_id pmid source record_id about".split()
)
RECORDS = st.dictionaries(FIELDS, JSON, max_size=8).map(lambda one: json.dumps(one).encode())
# A small export of every kind, to be cut, doubled and sprinkled with noise.
EXPORTS = [
    PAGE,
    line(id="1", authors=["A"], year=2020),
    f'[{{"title": "T", "abstract": "{TIDES}", "author": [{{"family": "A"}}]}}]',
    f"TY  - JOUR\nTI  - Tides\nAU  - Birch, A.\nAB  - {TIDES}\nPY  - 2020\nER  - \n",
    f"PMID- 123\nTI  - Tides\n      and more\nAB  - {TIDES}\nFAU - Birch, Ada\n\n",
    f'title,abstract,year\n"Tides, ""all""","{TIDES}",2020\n',
    f"title\tabstract\nTides\t{TIDES}\n",
    f"@article{{k, title = {{Tides}}, abstract = {{{TIDES}}}, year = 2020}}\n",
    f"FN Clarivate Analytics\nVR 1.0\nPT J\nAU Birch, A\nTI Tides\nAB {TIDES}\nER\n\nEF\n",
    '<?xml version="1.0"?><PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID>'
    "<Article><ArticleTitle>Tides</ArticleTitle><Abstract><AbstractText>"
    f"{TIDES}</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>"
    "</PubmedArticleSet>",
    '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>http://arxiv.org/abs/2101.00001v1</id>'
    f"<title>Tides</title><summary>{TIDES}</summary></entry></feed>",
    f'{{"paperId": "a1", "title": "Tides", "abstract": "{TIDES}", "externalIds": {{"DOI": 1}}}}\n',
    '{"id": "https://openalex.org/W1", "title": "T", "abstract_inverted_index": {"a": [0, 1]}}\n',
]
NOISE = st.sampled_from(
    ["", "\x00", '"', "{", "]", "<", "</", "&#0;", "\n", "\r", "\t", ",", "  - ", "é", "9" * 30]
) | st.text(max_size=5)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw an export that was cut, doubled or overwritten in up to three places."""
    text = draw(st.sampled_from(EXPORTS))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 40)))
        kept = draw(st.sampled_from(["", text[start:end] * 2]))
        text = text[:start] + kept + draw(NOISE) + text[end:]
    return text.encode(draw(st.sampled_from(["utf-8", "utf-16", "cp1252"])), "replace")


ANY_BYTES = (
    st.binary(max_size=300)
    | st.lists(st.binary(max_size=40), max_size=6).map(
        lambda parts: HEADER.encode() + b"\n\n".join(parts)
    )
    | st.lists(RECORDS | st.binary(max_size=20), max_size=5).map(b"\n".join)
    | st.binary(max_size=60).map(lambda data: b"\xff\xfe" + data)
    | damaged()
)


@given(ANY_BYTES)
@example(
    b'{"title": "x", "abstract": "' + b"a" * 40 + b'", "year": ' + b"[" * 990 + b"]" * 990 + b"}"
)
@example(b'{"a":' + b"[" * 100_000)
@example(b'{"title":' + b"9" * 5000 + b"}")
def test_no_bytes_make_a_reader_raise(data: bytes) -> None:
    try:
        records = read(data)
    except UnreadableFileError as error:
        assert str(error).startswith("page.txt: ")  # noqa: PT017 - or it is read
        return
    for paper in papers(records):
        assert len(paper.abstract) >= 20
        assert paper.id
    for problem in problems(records):
        assert problem.line >= 1
        assert problem.reason
