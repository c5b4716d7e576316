"""Exports: what is written, and that reading it gives the same papers again."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assistant.errors import InputError
from assistant.exports import FORMATS, export, guess_format
from assistant.exports.keys import Keys
from assistant.exports.people import Name, parts
from assistant.exports.seal import SUMMARY_NOTE, stamp
from assistant.exports.tex import escaped, protected, unescaped, verbatim
from assistant.exports.topics import apart, together
from assistant.readers import read_papers, read_stream
from assistant.readers.record import make_paper
from assistant.types import BUNDLED_SOURCE, Paper, Problem
from tests.samples import SAMPLE

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "assistant" / "data" / "library.jsonl"
SHARED = ROOT.parent / "shared"
FIELDS = "id title abstract authors year venue url doi arxiv_id pmid topics record_id".split()
EACH = pytest.mark.parametrize("kind", FORMATS)

BIRCH = Paper(
    id="doi:10.1234/twig_net",
    title="TwigNet & co: 92% of a_b pruned",
    abstract=r"Nets cost $5; TwigNet -- with {x} and \alpha left so -- is better where a < b.",
    authors=("Ada Birch", "J. van der Berg", "John Oak Jr.", "World Bird Trust, Inc. and Sons"),
    year=2021,
    venue="Journal of Twigs",
    url="https://example.org/a_b?c=1%20d",
    doi="10.1234/twig_net",
    arxiv_id="2203.00001",
    pmid="31000001",
    topics=("pruning", "nets, small"),
    source="made-up.txt",
    record_id="birch:2021",
)


def text_of(papers: list[Paper], kind: str) -> str:
    return "".join(export(papers, kind))


def read(text: str) -> list[Paper | Problem]:
    return list(read_stream(io.BytesIO(text.encode()), "file"))


def fields(record: Paper | Problem) -> dict[str, object]:
    assert isinstance(record, Paper), str(record)
    return {name: getattr(record, name) for name in FIELDS}


def assert_same(papers: list[Paper], kind: str) -> None:
    assert list(map(fields, read(text_of(papers, kind)))) == list(map(fields, papers))


def cleaned(**given_fields: object) -> Paper | Problem:
    return make_paper(source="made-up", line=1, **given_fields)


# What is written


def test_bibtex_entry() -> None:
    assert text_of([BIRCH], "bibtex") == (
        "@article{birch:2021,\n"
        "  author = {Birch, Ada and van der Berg, J. and Oak, Jr., John and "
        "{World Bird Trust, Inc. and Sons}},\n"
        "  title = {{TwigNet} \\& co: 92\\% of a\\_b pruned},\n"
        "  journal = {Journal of Twigs},\n"
        "  year = {2021},\n"
        "  doi = {10.1234/twig_net},\n"
        "  eprint = {2203.00001},\n"
        "  archivePrefix = {arXiv},\n"
        "  pmid = {31000001},\n"
        "  url = {https://example.org/a_b?c=1%20d},\n"
        "  keywords = {pruning; nets, small},\n"
        "  abstract = {Nets cost \\$5; TwigNet -{}- with \\{x\\} and \\textbackslash{}alpha left "
        "so -{}- is better where a < b.},\n"
        f"  source = {{{stamp(BIRCH)}}},\n"
        "}\n\n"
    )


def test_ris_record() -> None:
    assert text_of([BIRCH], "ris") == (
        "TY  - JOUR\n"
        "ID  - birch:2021\n"
        "AU  - Birch, Ada\n"
        "AU  - van der Berg, J.\n"
        "AU  - Oak, John, Jr.\n"
        "AU  - World Bird Trust, Inc. and Sons,\n"
        "TI  - TwigNet & co: 92% of a_b pruned\n"
        "T2  - Journal of Twigs\n"
        "PY  - 2021\n"
        "DO  - 10.1234/twig_net\n"
        "M1  - arXiv:2203.00001\n"
        "UR  - https://example.org/a_b?c=1%20d\n"
        "AN  - 31000001\n"
        "DB  - PubMed\n"
        "KW  - pruning\n"
        "KW  - nets, small\n"
        f"AB  - {BIRCH.abstract}\n"
        f"DP  - {stamp(BIRCH)}\n"
        "ER  - \n\n"
    )


def test_csl_item() -> None:
    assert json.loads(text_of([BIRCH], "csl-json")) == [
        {
            "id": "birch:2021",
            "type": "article-journal",
            "source": stamp(BIRCH),
            "title": BIRCH.title,
            "author": [
                {"family": "Birch", "given": "Ada"},
                {"family": "van der Berg", "given": "J."},
                {"family": "Oak", "given": "John", "suffix": "Jr."},
                {"literal": "World Bird Trust, Inc. and Sons"},
            ],
            "issued": {"date-parts": [[2021]]},
            "container-title": "Journal of Twigs",
            "DOI": "10.1234/twig_net",
            "number": "arXiv:2203.00001",
            "PMID": "31000001",
            "URL": "https://example.org/a_b?c=1%20d",
            "keyword": "pruning; nets, small",
            "abstract": BIRCH.abstract,
        }
    ]


def test_json_line() -> None:
    line = text_of([replace(BIRCH, raw_abstract="as it came")], "jsonl")
    assert line.endswith("}\n")
    assert json.loads(line) == {"export": stamp(BIRCH)} | BIRCH.to_dict()


def test_preprint_without_venue() -> None:
    paper = Paper(id="arxiv:2203.00001", title="T", abstract="A.", arxiv_id="2203.00001")
    assert text_of([paper], "bibtex").startswith("@misc{anonymous")
    assert text_of([paper], "ris").startswith("TY  - GEN\n")
    assert json.loads(text_of([paper], "csl-json"))[0]["type"] == "article"


@EACH
def test_summary_says_so_and_stays_one(kind: str) -> None:
    summary = replace(BIRCH, source=BUNDLED_SOURCE)
    text = text_of([summary], kind)
    assert text.count(SUMMARY_NOTE) == 1
    (again,) = read(text)
    assert isinstance(again, Paper)
    assert again.is_summary
    assert again.abstract == BIRCH.abstract
    assert SUMMARY_NOTE not in text_of([BIRCH], kind)


@EACH
def test_papers_are_taken_one_by_one(kind: str) -> None:
    taken: list[str] = []

    def papers() -> Iterator[Paper]:
        for paper in SAMPLE:
            taken.append(paper.id)
            yield paper

    pieces = export(papers(), kind)
    assert taken == []
    first, second = next(pieces), next(pieces)
    assert SAMPLE[0].abstract[:20] in first
    assert SAMPLE[1].abstract[:20] in second
    assert len(taken) == 2


def test_no_papers() -> None:
    assert [text_of([], kind) for kind in FORMATS] == ["", "[]\n", "", ""]


def test_unknown_format_names_the_known() -> None:
    with pytest.raises(InputError, match=r"endnote.*bibtex, csl-json, jsonl, ris"):
        export([], "endnote")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.bib", "bibtex"),
        ("/x/b.RIS", "ris"),
        ("c.json", "csl-json"),
        ("d.v2.jsonl", "jsonl"),
        ("e.txt", None),
        ("bib", None),
    ],
)
def test_format_by_name(name: str, kind: str | None) -> None:
    assert guess_format(name) == kind


# There and back

HARD_TEXTS = (
    "100%",
    "a 5 %A b",
    "a_b and H_2^+",
    "{x} and }{",
    "$5 and $7, $x$",
    r"\alpha \textbf{x} \\ \{ \%",
    "a < b <i>not markup</i> <p>",
    "&amp; &amp;amp; &lt;",
    "a~b ~ ^ # @article{x, title = {y}}",
    "“quotes” ``TeX'' \"plain\" 'single'",
    "Ünïcödé, Ελληνικά, 数学, 🐦, Ã¼",
    "a -- b --- c",
    "TY - JOUR and ER -",
    '"results": [{"a": 1}]',
)
HARD_NAMES = (
    "J. van der Berg",
    "World Bird Trust, Inc., The Hague",
    "Twigs and Sons",
    "Plato",
    "Abc D.",
    "Xu Ma",
    "Jack Do",
    "John Smith Jr.",
    "Ada; Birch",
    "Ay{ş}e Öz_gür",
    "de la Cruz",
    "One Two Three Four Five Six Seven Eight",
    "O'Neil–Á",
    "Team {X}, and 5 others",
)


@EACH
@pytest.mark.parametrize("text", HARD_TEXTS)
def test_hard_texts(kind: str, text: str) -> None:
    paper = replace(
        BIRCH, title=text, abstract=f"Of terns: {text}", venue=text, topics=(text, "b; c", "d, e")
    )
    assert_same([paper], kind)


@EACH
def test_hard_names(kind: str) -> None:
    assert_same([replace(BIRCH, authors=HARD_NAMES)], kind)
    assert_same([replace(BIRCH, authors=(name,)) for name in HARD_NAMES], kind)


@EACH
@pytest.mark.parametrize("topics", [("a, b",), ("a; b",), ("a", "b|c, d; e"), ("||| , ;",)])
def test_hard_topics(kind: str, topics: tuple[str, ...]) -> None:
    assert_same([replace(BIRCH, topics=topics)], kind)


@EACH
@pytest.mark.parametrize("own", ["", "a b", "5", "https://openalex.org/W5", "x,{y}", "hash:1"])
def test_ids_without_a_strong_key(kind: str, own: str) -> None:
    paper = cleaned(abstract=BIRCH.abstract, title="Terns", record_id=own, topics=["abc"])
    assert isinstance(paper, Paper)
    assert_same([paper, paper], kind)


ALPHABET = [*"abE.1 \\{}$%^_&;,<>/#[]@'\"~`|-*=:\n\u00a0é\u0301🐦"]
ALPHABET += [
    " and ",
    "@a{",
    "&amp;",
    "\\alpha ",
    "\\textbackslash ",
    "<i>",
    "van ",
    " Jr.",
    "ER  - ",
]
TEXT = st.lists(st.sampled_from(ALPHABET), max_size=12).map("".join) | st.text(max_size=12)
RECORDS = st.fixed_dictionaries(
    {"abstract": TEXT.map("We count terns at sea {}".format), "title": TEXT},
    optional={
        "authors": st.lists(TEXT, max_size=3),
        "topics": st.lists(TEXT, max_size=3),
        "year": st.integers(1600, 2099),
        "venue": TEXT,
        "url": TEXT.map("https://example.org/{}".format),
        "doi": TEXT.map("10.1234/a{}".format),
        "arxiv_id": st.just("2203.00001"),
        "pmid": st.integers(1, 10**8),
        "record_id": TEXT,
    },
)


@EACH
@given(record=RECORDS)
@settings(max_examples=150, deadline=None)
def test_any_cleaned_paper_comes_back(kind: str, record: dict[str, object]) -> None:
    paper = cleaned(**record)
    assume(isinstance(paper, Paper))
    assert isinstance(paper, Paper)
    assert_same([paper], kind)


@EACH
def test_bundled_library_comes_back(kind: str) -> None:
    papers = [paper for paper in read_papers(LIBRARY) if isinstance(paper, Paper)]
    assert len(papers) == 140
    assert_same(papers, kind)


@EACH
@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared here")
def test_real_files_come_back(kind: str) -> None:
    files = [*SHARED.glob("seeds/*.txt"), *SHARED.glob("formats/*/*.*")]
    papers = [
        record
        for path in files
        for record in read_papers(path)
        if isinstance(record, Paper) and path.name != "README.txt"
    ]
    assert len(papers) > 1000
    assert_same(papers, kind)


# Records that were edited since


@EACH
def test_edited_record_is_cleaned_like_any_other(kind: str) -> None:
    text = text_of([BIRCH], kind)
    edited = text.replace(" co: 92", " <i>co</i>: 92")
    assert edited != text
    (paper,) = read(edited)
    assert isinstance(paper, Paper)
    assert paper.title == BIRCH.title
    assert paper.source in ("file", BIRCH.source)


@EACH
def test_the_bundled_library_needs_no_checksum(kind: str) -> None:
    papers = [paper for paper in read_papers(LIBRARY) if isinstance(paper, Paper)]
    text = re.sub(r"abstract-assistant [0-9a-f]{16}", "another program", text_of(papers, kind))
    again = read(text)
    for name in ("title", "abstract", "authors", "year", "doi", "arxiv_id", "topics"):
        assert [getattr(p, name) for p in again] == [getattr(p, name) for p in papers]


@EACH
@pytest.mark.parametrize(
    "forged",
    [
        {"url": "javascript:alert(1)"},
        {"title": "in\u200bvisible"},
        {"doi": "nonsense"},
        {"abstract": "\u202eturned round, and long enough to be one"},
    ],
)
def test_a_forged_checksum_lets_nothing_in(kind: str, forged: dict[str, str]) -> None:
    (paper,) = read(text_of([replace(BIRCH, **forged)], kind))
    assert isinstance(paper, Paper)
    assert paper.url.startswith("https://") or not paper.url
    assert paper.doi in ("", BIRCH.doi)
    assert not {"\u200b", "\u202e"} & {*paper.title, *paper.abstract}


# The parts


@given(st.text(max_size=30))
def test_tex_undoes_itself(text: str) -> None:
    assert unescaped(escaped(text)) == unescaped(protected(text)) == text
    assert unescaped(verbatim(text)) == text or "\\" in text


@given(st.text(alphabet=" aAB.,-é", max_size=30))
def test_a_name_is_its_parts(name: str) -> None:
    assert str(parts(name)) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada B. Birch", Name("Birch", "Ada B.")),
        ("Ludwig van der Berg", Name("van der Berg", "Ludwig")),
        ("John Oak III", Name("Oak", "John", "III")),
        ("ATLAS Collaboration", Name("ATLAS Collaboration")),
        ("Plato", Name("Plato")),
        ("bell hooks", Name("bell hooks")),
    ],
)
def test_parts_of_names(name: str, expected: Name) -> None:
    assert parts(name) == expected


@given(st.lists(st.text(alphabet="ab,;|", min_size=1, max_size=5), max_size=4, unique=True))
def test_topics_can_be_told_apart(topics: list[str]) -> None:
    assume(not any("||||" in topic for topic in topics))
    assert tuple(topics) in set(apart(together(topics)))


def test_keys_are_unique_and_tell_the_paper() -> None:
    keys = Keys()
    paper = replace(BIRCH, record_id="", authors=("Ayşe Özgür",), title="On the Dawn of Twigs")
    assert [keys.key(paper) for _ in range(3)] == [
        "ozgur2021dawn",
        "ozgur2021dawn-2",
        "ozgur2021dawn-3",
    ]
    assert [keys.key(BIRCH), keys.key(replace(BIRCH, record_id="Birch:2021"))] == [
        "birch:2021",
        "birch2021twignet",
    ]
    assert keys.key(Paper(id="x", title="数学", abstract="…")) == "anonymous"
