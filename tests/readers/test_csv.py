"""Tables: the columns of each database, and quotes gone wrong."""

import time

import pytest

from assistant.types import Paper
from tests.readers.cases import papers, problems, read, titles

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."


def one(text: str) -> Paper:
    (paper,) = papers(read(text))
    return paper


def test_scopus() -> None:
    paper = one(
        "\ufeffAuthors,Author(s) ID,Title,Year,Source title,Volume,DOI,Link,Abstract,Author Keywords,"
        "Index Keywords,PubMed ID,Source,EID\n"
        '"Birch A.J., van der Oak B.","57;58;","Terns at sea",2019,"Ibis","1","10.1234/T",'
        f'"https://www.scopus.com/inward/record.uri?eid=2-s2.0-1","{ABSTRACT}","terns; diving",'
        '"Birds; terns","31421429","Scopus","2-s2.0-1"\n'
    )
    assert paper == Paper(
        id="doi:10.1234/t",
        title="Terns at sea",
        abstract=ABSTRACT,
        authors=("A.J. Birch", "B. van der Oak"),
        year=2019,
        venue="Ibis",
        url="https://www.scopus.com/inward/record.uri?eid=2-s2.0-1",
        doi="10.1234/t",
        pmid="31421429",
        topics=("terns", "diving", "Birds"),
        source="file",
        record_id="2-s2.0-1",
    )


@pytest.mark.parametrize(
    ("text", "authors", "topics", "year", "venue"),
    [
        (  # Scopus since 2023
            "Authors,Author full names,Title,Year,Source title,Abstract,Author Keywords\n"
            '"Birch, A.; Oak, B.","Birch, Ada (57202138757); Oak, Ben (57202138758)","T",2023,"Ibis","{a}",'
            '"terns; eels"\n',
            ("Ada Birch", "Ben Oak"),
            ("terns", "eels"),
            2023,
            "Ibis",
        ),
        (  # IEEE Xplore
            '"Document Title",Authors,"Author Affiliations","Publication Title",Date Added To Xplore,'
            '"Publication Year","Abstract","DOI",PDF Link,"Author Keywords","IEEE Terms"\n'
            '"T","A. Birch; B. -C. Oak","X; Y","Proc. Birds","4 Feb 2014","2013","{a}","","","terns;eels",'
            '"Birds;Water"\n',
            ("A. Birch", "B. -C. Oak"),
            ("terns", "eels", "Birds", "Water"),
            2013,
            "Proc. Birds",
        ),
        (  # Embase
            "Title,Original Title,Author Names,Source,Abstract,Emtree Medical Index Terms (Major Focus)\n"
            '"T",,"Birch A.J., Oak B.",Cancer (2004) 102:4 (253-258). Date of Publication: 25 Aug 2004,'
            '"{a}","eel (diagnosis, surgery), tern"\n',
            ("A.J. Birch", "B. Oak"),
            ("eel (diagnosis, surgery)", "tern"),
            2004,
            "Cancer",
        ),
        (  # Web of Science, as a table with full names
            "Publication Type,Authors,Author Full Names,Article Title,Source Title,Author Keywords,"
            "Keywords Plus,Abstract,Publication Year,DOI,Pubmed Id,UT (Unique WOS ID)\n"
            'J,"Birch, A; Oak, B","Birch, Ada; Oak, Ben",T,IBIS,eels; terns,BIRDS,"{a}",2020,,,WOS:1\n',
            ("Ada Birch", "Ben Oak"),
            ("eels", "terns", "BIRDS"),
            2020,
            "IBIS",
        ),
        (  # Web of Science, tab-delimited: quotes mean nothing there
            "PT\tAU\tAF\tTI\tSO\tDE\tAB\tPY\tDI\tUT\n"
            "J\tBirch, A; Oak, B\tBirch, Ada; Oak, Ben\tT\tIBIS\teels; terns\t{a}\t2020\t\tWOS:1\n",
            ("Ada Birch", "Ben Oak"),
            ("eels", "terns"),
            2020,
            "IBIS",
        ),
        (  # Zotero
            '"Key","Item Type","Publication Year","Author","Title","Publication Title","DOI","Url",'
            '"Abstract Note","Manual Tags","Automatic Tags"\n'
            '"ABC","journalArticle","2018","Birch, Ada; Oak, Ben","T","Ibis","","","{a}","mine","eels; terns"\n',
            ("Ada Birch", "Ben Oak"),
            ("mine", "eels", "terns"),
            2018,
            "Ibis",
        ),
        (  # ASReview
            "record_id,title,abstract,authors,keywords,year,journal,included\n"
            "0,T,\"{a}\",\"['Birch, Ada', 'Oak, Ben']\",\"['eels', 'terns']\",2018//,Ibis,1\n",
            ("Ada Birch", "Ben Oak"),
            ("eels", "terns"),
            2018,
            "Ibis",
        ),
        (  # ProQuest
            "Title,Abstract,StoreId,Authors,digitalObjectIdentifier,identifierKeywords,pubdate,pubtitle,year,"
            'DocumentURL,subjectTerms,Database\nT,"{a}",87,"Birch, Ada; Oak, Ben",10.1234/t,"eels, terns",'
            "Jun 2011,Ibis,2011,https://search.proquest.com/docview/87,Birds,ProQuest\n",
            ("Ada Birch", "Ben Oak"),
            ("eels", "terns", "Birds"),
            2011,
            "Ibis",
        ),
        (  # Dimensions, whose first line tells what was searched for
            "About the data: Exported on Sep 30, 2026. Criteria: Title and abstract = terns, Title, Abstract\n"
            "Rank,Publication ID,DOI,PMID,Title,Abstract,Source title,MeSH terms,Publication date,PubYear,Authors,"
            'Dimensions URL\n500,pub.1,10.1234/t,123,T,"{a}",Ibis,Birds; Water,2019-01-04,2020,'
            '"Birch, Ada; Oak, Ben",https://app.dimensions.ai/details/publication/pub.1\n',
            ("Ada Birch", "Ben Oak"),
            ("Birds", "Water"),
            2020,
            "Ibis",
        ),
        (  # Lens
            "#,Lens ID,Title,Date Published,Publication Year,Source Title,Author/s,Abstract,Fields of Study,"
            'Keywords,MeSH Terms,External URL,PMID,DOI\n1,000-001,T,2020-01-01,2020,Ibis,Ada Birch; Ben Oak,"{a}",'
            "Biology,terns; eels,Animals,https://doi.org/10.1234/t,123,10.1234/t\n",
            ("Ada Birch", "Ben Oak"),
            ("terns", "eels", "Animals", "Biology"),
            2020,
            "Ibis",
        ),
        (  # OpenAlex, from its page
            "id,title,display_name,publication_year,abstract,doi,primary_location.source.display_name,"
            "authorships.author.display_name,keywords.display_name,topics.display_name,ids.pmid\n"
            'https://openalex.org/W1,T,T,2020,"{a}",https://doi.org/10.1234/t,Ibis,Ada Birch|Ben Oak,terns|eels,'
            "Birds,https://pubmed.ncbi.nlm.nih.gov/123\n",
            ("Ada Birch", "Ben Oak"),
            ("terns", "eels", "Birds"),
            2020,
            "Ibis",
        ),
        (  # Mendeley
            'Title,Authors,Year,Source,Abstract,Keywords,DOI,URL,Citation Key\nT,"Birch, Ada and Oak, Ben",2018,'
            'Ibis,"{a}","eels,terns",10.1234/t,http://x.org,Birch2018\n',
            ("Ada Birch", "Ben Oak"),
            ("eels", "terns"),
            2018,
            "Ibis",
        ),
        (  # Rayyan
            "key,title,year,month,day,journal,issn,volume,issue,pages,authors,url,language,publisher,location,abstract,"
            'notes,doi,keywords,pubmed_id,pmc_id\nrayyan-1,T,2018,2,1,Ibis,1,1,2,1-5,"Birch, Ada and Oak, Ben",'
            'http://x.org,eng,P,UK,"{a}","RAYYAN-INCLUSION: {""Me""=>""Included""}",10.1234/t,"eels, terns",123,\n',
            ("Ada Birch", "Ben Oak"),
            ("eels", "terns"),
            2018,
            "Ibis",
        ),
        (  # Covidence
            "Title,Authors,Abstract,Published Year,Published Month,Journal,Accession Number,DOI,Covidence #,Tags\n"
            'T,"Birch, Ada; Oak, Ben","{a}",2018,,Ibis,123,10.1234/t,#12,mine\n',
            ("Ada Birch", "Ben Oak"),
            ("mine",),
            2018,
            "Ibis",
        ),
        (  # EBSCO
            "Article Title,Author,Journal Title,Publication Date,Accession Number,DOI,Subjects,Keywords,Abstract,PLink\n"
            'T,"Birch, Ada; Oak, Ben",Ibis,"Jan2018",99,10.1234/t,BIRDS,eels,"{a}",http://search.ebscohost.com/x\n',
            ("Ada Birch", "Ben Oak"),
            ("eels", "BIRDS"),
            2018,
            "Ibis",
        ),
        (  # Cochrane, with names as PubMed writes them
            '"ID","Author(s)","Title","Source","Year","Abstract","DOI","Keywords"\n'
            '"CD1","Birch AJ, van der Oak B","T","Ibis","2018","{a}","10.1002/14651858.CD1","eels; terns"\n',
            ("AJ Birch", "B van der Oak"),
            ("eels", "terns"),
            2018,
            "Ibis",
        ),
        (  # a table of one's own
            "Paper Title;Summary;Author(s);Date;Journal;Tags\nT;{a};Ada Birch, Ben Oak and Cy Elm;"
            "May 2017;Ibis;eels|terns\n",
            ("Ada Birch", "Ben Oak", "Cy Elm"),
            ("eels", "terns"),
            2017,
            "Ibis",
        ),
    ],
    ids=(
        "scopus2023 ieee embase wos wos-tabs zotero asreview proquest dimensions lens openalex mendeley"
        " rayyan covidence ebsco cochrane own"
    ).split(),
)
def test_databases(
    text: str, authors: tuple[str, ...], topics: tuple[str, ...], year: int, venue: str
) -> None:
    paper = one(text.replace("{a}", ABSTRACT))
    assert (paper.title, paper.abstract) == ("T", ABSTRACT)
    assert (paper.authors, paper.topics) == (authors, topics)
    assert (paper.year, paper.venue) == (year, venue)


def test_cells_with_line_ends_quotes_and_separators() -> None:
    text = f'Title,Abstract,Year\n"A, ""quoted"" one","{ABSTRACT}\nTwo\r\nthree.",2001\nB,{ABSTRACT},2002\n'
    first, second = papers(read(text))
    assert first.title == 'A, "quoted" one'
    assert first.abstract == f"{ABSTRACT} Two three."
    assert (second.title, second.year) == ("B", 2002)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_unicode_text_of_a_spreadsheet(encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    text = f"{mark}Title\tAbstract\tYear\tAuthors\r\nÖ\t{ABSTRACT}\t2018\tAda Birch, Ben Oak\r\n"
    (paper,) = papers(read(text.encode(encoding)))
    assert (paper.title, paper.year, paper.authors) == ("Ö", 2018, ("Ada Birch", "Ben Oak"))


def test_empty_cell_gives_way_to_the_next_column_of_its_kind() -> None:
    header = "Title,Original Title,Abstract,Description,Author full names,Authors,Publication Year,Date\n"
    paper = one(f"{header},T,{ABSTRACT},Other,,Ada Birch,,2018-01-02\n")
    assert (paper.title, paper.authors, paper.year) == ("T", ("Ada Birch",), 2018)
    # A description may well be of the journal, or of the file.
    assert papers(read(f"{header}T,,,{ABSTRACT},,Ada Birch,,2018\n")) == []


ROWS = (
    '"TITLE","Terns, ""at sea"""\n"AUTHOR NAMES","Birch A.J.","van der Oak B."\n'
    '"CORRESPONDENCE ADDRESS","A.J. Birch, Univ"\n"AiP/IP ENTRY DATE","2018-01-01"\n'
    '"SOURCE","Ibis (2019) 1:2 (1-5). Date of Publication: 2019"\n"PUBLICATION TYPE","Article"\n'
    f'"ABSTRACT","{ABSTRACT} So "they", say."\n"AUTHOR KEYWORDS","eels","terns, diving"\n'
    '"EMTREE MEDICAL INDEX TERMS (MAJOR FOCUS)","bird (surgery)"\n"MEDLINE PMID","123"\n"PUI","L1"\n'
    '"DOI","10.1234/T"\n"EMBASE LINK","https://www.embase.com/x"\n\n'
)


def test_embase_by_rows() -> None:
    assert one(ROWS) == Paper(
        id="doi:10.1234/t",
        title='Terns, "at sea"',
        abstract=f'{ABSTRACT} So "they", say.',
        authors=("A.J. Birch", "B. van der Oak"),
        year=2019,
        venue="Ibis",
        url="https://www.embase.com/x",
        doi="10.1234/t",
        pmid="123",
        topics=("eels", "terns, diving", "bird (surgery)"),
        source="file",
        record_id="L1",
    )


def test_embase_by_rows_over_several_lines_and_without_quotes() -> None:
    text = (
        f"TITLE,T1\nSOURCE TITLE,Ibis\nPUBLICATION YEAR,2018\nABSTRACT,{ABSTRACT}\nTITLE,T2\n"
        + ('"ABSTRACT","Terns dive for sand eels,\nand gulls do not."\n')
    )
    first, second = papers(read(text))
    assert (first.title, first.venue, first.year, first.abstract) == ("T1", "Ibis", 2018, ABSTRACT)
    assert second.abstract == "Terns dive for sand eels, and gulls do not."


HEADER = "Title,Abstract,Year\n"
GOOD = [f'"T{number}","{ABSTRACT}","200{number}"\n' for number in range(6)]
UNQUOTED = [f"T{number},{ABSTRACT},200{number}\n" for number in range(6)]


@pytest.mark.parametrize("rows", [GOOD, UNQUOTED], ids=["quoted", "unquoted"])
@pytest.mark.parametrize(
    "stray",
    [
        f'"Oops,{ABSTRACT},2001\n',
        f'Oops,"{ABSTRACT},2001\n',
        f'Oops,{ABSTRACT},"2001\n',
        f'"Oops","{ABSTRACT}","2001\n',
    ],
)
def test_stray_quote_costs_one_row(rows: list[str], stray: str) -> None:
    records = read(HEADER + "".join([*rows[:3], stray, *rows[3:]]))
    assert [title for title in titles(records) if title != "Oops"] == [f"T{n}" for n in range(6)]
    assert all(len(paper.abstract) < 2 * len(ABSTRACT) for paper in papers(records))


def test_quotes_that_should_have_been_doubled() -> None:
    rows = f'"A "fine" tern","{ABSTRACT} So "they" say.","2001"\n"B","{ABSTRACT}\nAnd "so" on.","2002"\n'
    first, second, third = papers(read(HEADER + rows + GOOD[3]))
    assert (first.title, first.abstract) == ('A "fine" tern', f'{ABSTRACT} So "they" say.')
    assert (second.title, second.year) == ("B", 2002)
    assert second.abstract == f'{ABSTRACT} And "so" on.'
    assert third.title == "T3"


def test_quotes_in_a_table_with_tabs() -> None:
    text = (
        "Title\tAbstract\tYear\n"
        + f'"Foo" bar\t{ABSTRACT}\t2001\nB\t"{ABSTRACT}\t2002\nC\t{ABSTRACT}"\t2003\n'
    )
    assert titles(read(text)) == ['"Foo" bar', "B", "C"]


def test_commas_that_separate_nothing_are_reported() -> None:
    records = read(f"{HEADER}A, one of two,{ABSTRACT},2001\n{UNQUOTED[2]}")
    assert titles(records) == ["T2"]
    assert [str(one) for one in problems(records)] == [
        "file, line 2: 4 cells for 3 columns in “A”; skipped"
    ]


def test_rows_with_more_or_fewer_cells_than_columns() -> None:
    records = read(f'{HEADER}"A","{ABSTRACT}"\n"B","{ABSTRACT}","2002","more"\n\n,,\n{GOOD[3]}')
    assert titles(records) == ["A", "B", "T3"]
    assert problems(records) == []


def test_long_abstracts_pass_the_limit_of_the_csv_module() -> None:
    assert titles(read(f'{HEADER}A,"{ABSTRACT * 5000}",2001\n')) == ["A"]


def test_every_row_broken_takes_no_longer() -> None:
    start = time.process_time()
    records = read(HEADER + f'"Oops,{ABSTRACT},2001\n' * 3000)
    assert papers(records) == []
    assert time.process_time() - start < 20
