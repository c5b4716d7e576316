"""BibTeX as Zotero, Mendeley, JabRef, Scopus and IEEE Xplore write it."""

import pytest

from assistant.types import Paper
from tests.readers.cases import papers, problems, read, titles

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."


def one(text: str) -> Paper:
    (paper,) = papers(read(text))
    return paper


def test_zotero_entry() -> None:
    paper = one(
        r"""
@article{ozgur_terns_2019,
	title = {Terns of {NATO} ports and \textit{Sterna hirundo}},
	volume = {3},
	copyright = {{\textcopyright} 2019},
	issn = {1234-5678},
	url = {https://example.org/a\_b?c=1\%20d},
	doi = {10.1234/Terns.2019},
	abstract = {At 5{\textless}n{\textless}7\% of {\'E}tretat's cliffs, terns -- mostly {\textquotedblleft}old{\textquotedblright} -- dive.},
	language = {en},
	journal = {Journal of \"{O}rnithologie \& Co},
	author = {{\"O}zg{\"u}r, Ay{\c s}e and van der Berg, Anna and {World Bird Trust} and Smith, Jr., John},
	month = may,
	year = {2019},
	note = {Publisher: X},
	keywords = {terns, diving, Sterna},
	file = {Full Text PDF:/home/x/y.pdf:application/pdf},
}
"""
    )
    assert paper == Paper(
        id="doi:10.1234/terns.2019",
        title="Terns of NATO ports and Sterna hirundo",
        abstract="At 5<n<7% of Étretat's cliffs, terns – mostly “old” – dive.",
        authors=("Ayşe Özgür", "Anna van der Berg", "World Bird Trust", "John Smith Jr."),
        year=2019,
        venue="Journal of Örnithologie & Co",
        url="https://example.org/a_b?c=1%20d",
        doi="10.1234/terns.2019",
        topics=("terns", "diving", "Sterna"),
        source="file",
        record_id="ozgur_terns_2019",
    )


def test_mendeley_entry() -> None:
    paper = one(
        "@article{Birch2017,\n"
        "abstract = {" + ABSTRACT + "},\n"
        "archivePrefix = {arXiv},\narxivId = {1706.03762},\n"
        "author = {Birch, Ada and Oak, Ben},\ndoi = {10.1234/x},\neprint = {1706.03762},\n"
        "journal = {Advances in Terns},\nkeywords = {a,b},\nmendeley-groups = {z},\n"
        "pmid = {12345678},\ntitle = {{Diving is all you need}},\nurl = {http://arxiv.org/abs/1706.03762},\n"
        "year = {2017}\n}\n"
    )
    assert (paper.title, paper.arxiv_id, paper.pmid) == (
        "Diving is all you need",
        "1706.03762",
        "12345678",
    )
    assert paper.topics == ("a", "b")


def test_biblatex_entry() -> None:
    paper = one(
        "@online{k, title = {Terns}, subtitle = {a study}, date = {2020-03-01}, "
        "journaltitle = {Ibis}, eprint = {2003.00001}, eprinttype = {arxiv}, "
        f"abstract = {{{ABSTRACT}}}, author = {{Ada Birch and others}}}}"
    )
    assert paper.title == "Terns: a study"
    assert (paper.year, paper.venue, paper.arxiv_id) == (2020, "Ibis", "2003.00001")
    assert paper.authors == ("Ada Birch",)


def test_jabref_file_with_strings_comments_and_its_encoding() -> None:
    text = (
        "% Encoding: ISO8859_1\n\n"
        '@String{ibis = "Ibis, " # {the journal}}\n'
        "@Preamble{ {\\newcommand{\\x}{y}} }\n\n"
        "Any text outside is a comment, with an @ sign.\n"
        "@Comment{jabref-meta: grouping:\n0 AllEntriesGroup:;\n}\n"
        "@Article{k1,\n  Title = {Möwen},\n  Journal = ibis # { B},\n"
        f"  Abstract = {{{ABSTRACT}}},\n  Keywords = {{a; b, c}}\n}}\n"
    )
    records = read(text.encode("latin-1"))
    (paper,) = papers(records)
    assert (paper.title, paper.venue) == ("Möwen", "Ibis, the journal B")
    assert paper.topics == ("a", "b, c")
    # The file says what it is encoded in, so there is nothing to report.
    assert problems(records) == []


def test_scopus_export_with_its_preface() -> None:
    paper = one(
        "Scopus\nEXPORT DATE: 18 November 2019\n\n"
        "@ARTICLE{Birch2019,\nauthor={Birch, A. and Oak, B.C.},\ntitle={Terns},\njournal={Ibis},\n"
        "year={2019},\ndoi={10.1234/t},\nnote={cited By 0},\n"
        "url={https://www.scopus.com/inward/record.uri?eid=2-s2.0-1&doi=10.1234%2ft},\n"
        f"abstract={{{ABSTRACT}}},\nauthor_keywords={{diving;  terns}},\nkeywords={{bird;  terns}},\n"
        "source={Scopus},\n}\n"
    )
    assert paper.authors == ("A. Birch", "B.C. Oak")
    assert paper.topics == ("bird", "terns", "diving")


def test_ieee_entry_on_one_line_each() -> None:
    paper = one(
        "@INPROCEEDINGS{8888,\n  author={Birch, A. and Oak, B.},\n  booktitle={2019 Conference}, \n"
        "  title={Terns}, \n  year={2019},\n  volume={},\n  number={},\n  pages={1-5},\n"
        f"  abstract={{{ABSTRACT}}},\n  keywords={{Birds;Water}},\n  doi={{10.1109/X.1}}}}\n"
    )
    assert (paper.venue, paper.doi) == ("2019 Conference", "10.1109/x.1")
    assert paper.topics == ("Birds", "Water")


def test_crossref_gives_what_the_entry_lacks_wherever_it_stands() -> None:
    child = "@inproceedings{%s, crossref = {Conf}, title = {%s}, abstract = {" + ABSTRACT + "}}\n"
    parent = "@proceedings{conf, title = {Proc. of Terns}, year = {1999}}\n"
    for text in (child % ("a", "A") + parent, parent + child % ("a", "A")):
        paper = one(text)
        assert (paper.title, paper.venue, paper.year) == ("A", "Proc. of Terns", 1999)
    orphan = one(child % ("b", "B"))
    assert (orphan.title, orphan.venue) == ("B", "")


@pytest.mark.parametrize(
    "broken",
    [
        "@article{b, title = {Never closed, abstract = {" + ABSTRACT + "}\n",
        '@article{b, title = "Never closed, abstract = {' + ABSTRACT + "},\n}\n",
        "@article{b, title = {T}, abstract = \n",
        "@article{b, title {T}}\n",
        "@article{b, title = {Too } many}}}, abstract = {short}}\n",
    ],
)
def test_broken_entry_loses_only_itself(broken: str) -> None:
    good = "@article{%s, title = {%s}, abstract = {" + ABSTRACT + "}}\n"
    records = read(good % ("a", "A") + broken + good % ("c", "C"))
    assert titles(records) == ["A", "C"]
    assert problems(records)[0].line == 2


@pytest.mark.parametrize(
    "text",
    [
        "@article{a, title = {T},, abstract = {%s}}",
        "@article{a\n title = {T}, abstract = {%s}}",
        "@article{a,\n title = {T}\n abstract = {%s}\n}",
        "@article{a, title = {T}, abstract = {%s}, abstract = {Another one, much longer}}",
        "@article(a, title = {T}, abstract = {%s})",
        "@ARTICLE {a,\ntitle = {T},\nabstract = {%s},\n}",
        "@article{, title = {T}, abstract = {%s}}",
        '@article{a, title = "T", abstract = "%s"}',
        "@misc{x, title={X}} @article{a, title = {T}, abstract = {%s}}",
    ],
)
def test_slips_are_forgiven(text: str) -> None:
    (paper,) = papers(read(text % ABSTRACT))
    assert (paper.title, paper.abstract) == ("T", ABSTRACT)


def test_double_entry_comes_twice() -> None:
    text = "@article{a, title = {T}, abstract = {" + ABSTRACT + "}}\n"
    assert titles(read(text + text)) == ["T", "T"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (r"{\'e}t{\'e} \^{\i}le na{\"{\i}}ve", "été île naïve"),
        (r"Stra\ss e, Bj{\o}rn, {\AA}ngstr\"om, \L{}\'od\'z", "Straße, Bjørn, Ångström, Łódź"),
        (r"Erd\H{o}s \v{C}ech \c{S} {\u g} \k{a}", "Erdős Čech Ş ğ ą"),
        (r"Fig.~3 of 5\,km, 10--20, a --- b", "Fig. 3 of 5 km, 10–20, a — b"),
        (r"$\alpha$-particles, H$_2$O, 50\,\%", "α-particles, H_2O, 50 %"),
        (r"{{Double {Braced}}} \emph{nested {\bf words} here}", "Double Braced nested words here"),
        (r"sets \{a, b\} cost \$5 \& more", "sets {a, b} cost $5 & more"),
    ],
)
def test_latex_becomes_text(value: str, text: str) -> None:
    assert one(f"@misc{{k, title = {{{value}}}, abstract = {{{ABSTRACT}}}}}").title == text
