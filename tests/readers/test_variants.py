"""One paper in the forms that databases and programs give it, the same each time."""

import json

import pytest

from assistant.types import Paper
from tests.readers.cases import papers, read

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."


def one(text: str) -> Paper:
    (paper,) = papers(read(text.replace("{a}", ABSTRACT)))
    assert paper.abstract == ABSTRACT
    return paper


RIS = {
    "proquest": "TY  - JOUR\nT1  - T\nAN  - 87\nAB  - {a}\nAU  - Birch, Ada\nAU  - Oak, Ben\nY1  - 2018/06/01/\n"
    "PY  - 2018\nDA  - 2018 Jun 01\nJF  - Ibis\nJO  - Ib\nKW  - Birds\nKW  - Water\nDO  - https://doi.org/10.1234/t\n"
    "UR  - https://www.proquest.com/docview/87\nDB  - ProQuest Central\nM3  - Article\nER  - \n",
    "ebsco": "TY  - JOUR\nID  - 87\nAN  - 87\nAU  - Birch, Ada\nAU  - Oak, Ben\nT1  - T\nJF  - Ibis\nJA  - Ib\n"
    "Y1  - 2018/02//Feb2018\nN1  - Accession Number: 87.\nN2  - {a}\nKW  - Birds\nKW  - Water\nM3  - Article\n"
    "M3  - doi:10.1234/t\nUR  - http://search.ebscohost.com/login.aspx?AN=1\nDP  - EBSCOhost\nER  - \n",
    "ovid": "<1>\nTY  - JOUR\nID  - 87\nT1  - T\nA1  - Birch, Ada\nA1  - Oak, Ben\nY1  - 2018//\nN2  - {a}\nKW  - *Birds\n"
    "KW  - Water\nJF  - Ibis\nL3  - https://dx.doi.org/10.1234/t\nUR  - https://ovidsp.ovid.com/ovidweb.cgi?AN=2\nER  - \n",
    "cochrane": "TY  - JOUR\nAN  - 87\nAU  - Birch, Ada\nAU  - Oak, Ben\nTI  - T\nSO  - Ibis\nYR  - 2018\n"
    "KW  - Birds; Water\nAB  - {a}\nDOI - 10.1234/t\nUS  - https://www.cochranelibrary.com/x\nER  - \n",
    "zotero with both": "TY  - JOUR\nTI  - T\nAU  - Birch, Ada\nAU  - Oak, Ben\nT2  - Ibis\nJA  - Ib\nAB  - {a}\nN2  - Short.\n"
    "PY  - 2018/01/02/\nY2  - 2024/01/01/\nKW  - Birds\nKW  - Water\nC7  - e12\nM1  - 7\nID  - 87\nDO  - 10.1234/t\n"
    "UR  - https://x.org\nER  - \n",
    "one space, mark": "\ufeffTY - JOUR\r\nTI - T\r\nAU - Birch, Ada\r\nAU - Oak, Ben\r\nJO - Ibis\r\nAB - Terns dive for sand eels\r\n"
    "in shallow water near the breakers.\r\nDA - 2018/01/02/\r\nKW - Birds\r\nKW - Water\r\nDO - 10.1234/t\r\nAN - 87\r\n"
    "UR - https://x.org\r\nER -\r\n",
    "no end": "TY  - JOUR\nTI  - T\nAU  - Birch, Ada\nAU  - Oak, Ben\nAB  - Terns dive for sand eels\n\nin shallow water near the "
    "breakers.\nPY  - 2018\nT2  - Ibis\nKW  - Birds\nWater\nDO  - 10.1234/t\nID  - 87\nUR  - https://x.org",
}


@pytest.mark.parametrize("text", RIS.values(), ids=RIS)
def test_ris(text: str) -> None:
    paper = one(text)
    assert (paper.title, paper.authors, paper.year) == ("T", ("Ada Birch", "Ben Oak"), 2018)
    assert (paper.venue, paper.doi, paper.record_id) == ("Ibis", "10.1234/t", "87")
    assert paper.topics == ("Birds", "Water")
    assert paper.url.startswith("http")


def test_ris_names_without_a_comma() -> None:
    text = "TY  - JOUR\nT1  - T\nA1  - {}\nA1  - {}\nN2  - {a}\nER  - \n"
    for written, read_as in (
        (("Birch AJ", "van der Oak B"), ("AJ Birch", "B van der Oak")),
        (("Ada Birch", "Malcolm X"), ("Ada Birch", "Malcolm X")),
    ):
        filled = text.replace("{}", written[0], 1).replace("{}", written[1], 1)
        assert one(filled).authors == read_as


BIBTEX = {
    "strings and months": '@string{ib = "Ib"}\n@STRING(full = ib # "is")\n@article{87, title = "T", journal = full, month = jan # "~1",'
    ' year = 2018, author = {Birch, Ada and Oak, Ben and others}, keywords = {Birds; Water}, doi = "10.1234/t",\n'
    ' abstract = "Terns dive for " # {sand eels in shallow water near the breakers.}}',
    "quotes with braces": '@article{87,\n title = "{T}", journal = "Ib{is}", year = "2018", author = "Birch, Ada and Oak, Ben",\n'
    ' keywords = "Birds, Water", doi = {10.1234/t}, abstract = "Terns dive {for} sand eels {in {shallow}} water near the breakers."}',
    "better bibtex": "@article{87,\n\ttitle = {T},\n\tlangid = {english},\n\tdate = {2018-05},\n\tjournaltitle = {Ibis},\n"
    "\tfile = {Full Text:C\\:\\\\Users\\\\x\\\\a.pdf:application/pdf;Page:/x/y.html:text/html},\n\tabstract = {{a}},\n"
    "\tauthor = {family=Birch, given=Ada, prefix=, useprefix=true and Oak, Ben},\n\tkeywords = {Birds,Water},\n\tdoi = {10.1234/t},\n}\n",
    "comments": "% Encoding: UTF-8\n@Comment{jabref-meta: databaseType:biblatex;}\n@article{87, % the key\n  title = {T}, % and more\n"
    "  % abstract = {Another one, which was commented out.},\n  author = {Birch, Ada and Oak, Ben},\n  journal = {Ibis}, year = 2018,\n"
    "  abstract = {{a}},\n  keywords = {Birds, Water},\n  doi = {10.1234/t},\n}\n",
    "ads": '@ARTICLE{87,\n       author = {{Birch}, Ada and {Oak}, Ben},\n        title = "{T}",\n      journal = {Ibis},\n         year = 2018,\n'
    '        month = jan,\n     keywords = {Birds, Water},\n          doi = {10.1234/t},\n     abstract = "{{a}}"\n}\n',
    "web of science": "@article{ 87,\nAuthor = {Birch, Ada and Oak, Ben},\nTitle = {{T}},\nJournal = {{Ibis}},\nYear = {{2018}},\n"
    "Abstract = {{{a}}},\nDOI = {{10.1234/t}},\nKeywords = {{Birds; Water}},\nUnique-ID = {{87}},\n}\n",
}


@pytest.mark.parametrize("text", BIBTEX.values(), ids=BIBTEX)
def test_bibtex(text: str) -> None:
    paper = one(text)
    assert (paper.title, paper.authors, paper.year) == ("T", ("Ada Birch", "Ben Oak"), 2018)
    assert (paper.venue, paper.doi, paper.record_id) == ("Ibis", "10.1234/t", "87")
    assert paper.topics == ("Birds", "Water")


def test_biblatex_names_in_parts() -> None:
    author = "family=Berg, given=Anna, prefix=van der, useprefix=true and family=Oak, given=Ben, suffix=Jr."
    paper = one(f"@article{{k, title = {{T}}, author = {{{author}}}, abstract = {{{{a}}}}}}")
    assert paper.authors == ("Anna van der Berg", "Ben Oak Jr.")


@pytest.mark.parametrize(
    ("titles", "title"),
    [
        ("TI  - [Terns].\nTT  - Los charranes.\n", "[Terns]."),
        ("TI  - [Not Available].\nTT  - Los charranes.\n", "Los charranes."),
        ("TT  - Los charranes.\n", "Los charranes."),
    ],
)
def test_medline_titles_dates_and_second_abstract(titles: str, title: str) -> None:
    paper = one(
        f"PMID- 87\n{titles}LID - S0140 [pii]\nLID - 10.1234/t [doi]\nDEP - 20180102\nOAB - Terns dive for sand eels in \n"
        "      shallow water near the breakers.\nOABL- spa\nPHST- 2017/01/01 00:00 [received]\nOT  - eels\nMH  - *Birds/surgery\n"
    )
    assert (paper.title, paper.year, paper.doi, paper.topics) == (
        title,
        2018,
        "10.1234/t",
        ("eels", "Birds"),
    )


def test_pubmed_xml_with_an_original_title_only() -> None:
    paper = one(
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>87</PMID><Article><ArticleTitle>[Not Available].</ArticleTitle>"
        "<Abstract><AbstractText>{a}</AbstractText></Abstract><VernacularTitle>Los charranes.</VernacularTitle>"
        "</Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"
    )
    assert paper.title == "Los charranes."


WORK = {
    "id": "https://openalex.org/W1",
    "display_name": "T",
    "publication_year": 2018,
    "abstract_inverted_index": {word: [place] for place, word in enumerate(ABSTRACT.split())},
}
ARTICLE = {"paperId": "p1", "title": "T", "abstract": ABSTRACT, "year": 2018}
JSON = {
    "openalex work": json.dumps(WORK),
    "openalex work, indented": json.dumps(WORK, indent=2),
    "openalex answer": json.dumps({"meta": {"count": 1}, "results": [WORK], "group_by": []}),
    "openalex snapshot": json.dumps(WORK) + "\n",
    "s2 search": json.dumps({"total": 1, "offset": 0, "next": 10, "data": [ARTICLE]}, indent=1),
    "s2 bulk": json.dumps({"total": 1, "token": "x", "data": [ARTICLE]}),
    "s2 batch with a gap": json.dumps([None, ARTICLE]),
    "s2 dataset, joined": json.dumps(
        {
            "corpusid": 1,
            "title": "T",
            "year": 2018,
            "abstract": ABSTRACT,
            "openaccessinfo": {"externalids": {}},
        }
    ),
}


@pytest.mark.parametrize("text", JSON.values(), ids=JSON)
def test_json(text: str) -> None:
    paper = one(text)
    assert (paper.title, paper.year) == ("T", 2018)
