"""XML: PubMed and arXiv's feeds, and what XML may not do."""

import time

import pytest

from assistant.types import Paper
from tests.readers.cases import papers, problems, read, titles

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."
PUBMED = """<?xml version="1.0" ?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" "https://dtd.nlm.nih.gov/x.dtd">
<PubmedArticleSet>
<PubmedArticle>
 <MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="1">27797938</PMID>
  <DateCompleted><Year>2019</Year></DateCompleted>
  <Article PubModel="Print">
   <Journal><JournalIssue CitedMedium="Internet"><PubDate><Year>2017</Year></PubDate></JournalIssue>
    <Title>Journal of terns</Title><ISOAbbreviation>J Terns</ISOAbbreviation></Journal>
   <ArticleTitle>Diving of <i>Sterna</i> at 5&#xa0;&#956;m &amp; more.</ArticleTitle>
   <ELocationID EIdType="pii">x-1</ELocationID>
   <ELocationID EIdType="doi" ValidYN="Y">10.1234/Terns</ELocationID>
   <Abstract>
    <AbstractText Label="OBJECTIVE" NlmCategory="OBJECTIVE">Terns dive (p<sub>trend</sub>&lt;0.05).</AbstractText>
    <AbstractText Label="RESULTS:">Where <mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:semantics><mml:mrow><mml:mi>x</mml:mi><mml:mo>=</mml:mo><mml:mn>2</mml:mn></mml:mrow><mml:annotation encoding="TeX">x=2</mml:annotation></mml:semantics></mml:math>, none.</AbstractText>
    <AbstractText Label="UNLABELLED">No label.</AbstractText>
    <CopyrightInformation>Copyright 2017.</CopyrightInformation>
   </Abstract>
   <AuthorList CompleteYN="Y">
    <Author ValidYN="Y"><LastName>O'Birch</LastName><ForeName>Ada J</ForeName><Suffix>Jr</Suffix>
     <AffiliationInfo><Affiliation>Department of Birds.</Affiliation></AffiliationInfo></Author>
    <Author><CollectiveName>Tern Study Group</CollectiveName></Author>
   </AuthorList>
  </Article>
  <MeshHeadingList><MeshHeading><DescriptorName UI="D1" MajorTopicYN="N">Birds</DescriptorName>
   <QualifierName UI="Q1">physiology</QualifierName></MeshHeading></MeshHeadingList>
  <KeywordList Owner="NOTNLM"><Keyword MajorTopicYN="N">SAND EELS</Keyword></KeywordList>
 </MedlineCitation>
 <PubmedData><ArticleIdList><ArticleId IdType="pubmed">27797938</ArticleId></ArticleIdList>
  <ReferenceList><Reference><Citation>Other</Citation>
   <ArticleIdList><ArticleId IdType="doi">10.9999/other</ArticleId></ArticleIdList></Reference></ReferenceList>
 </PubmedData>
</PubmedArticle>
<PubmedArticle><MedlineCitation><PMID>5</PMID><Article>
 <Journal><JournalIssue><PubDate><MedlineDate>1999 Nov-Dec</MedlineDate></PubDate></JournalIssue></Journal>
 <ArticleTitle>[Old terns].</ArticleTitle></Article>
 <OtherAbstract Type="Publisher" Language="spa"><AbstractText>Los charranes comen peces peque\u00f1os.</AbstractText></OtherAbstract>
</MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType="doi">10.1234/old</ArticleId></ArticleIdList></PubmedData>
</PubmedArticle>
<PubmedBookArticle><BookDocument><PMID>6</PMID>
 <Book><BookTitle>Book of Terns</BookTitle><PubDate><Year>2001</Year></PubDate>
  <AuthorList Type="editors"><Author><LastName>Editor</LastName></Author></AuthorList></Book>
 <ArticleTitle>Chapter one</ArticleTitle>
 <AuthorList Type="authors"><Author><LastName>Oak</LastName><Initials>B</Initials></Author></AuthorList>
 <Abstract><AbstractText>Terns dive for sand eels in shallow water.</AbstractText></Abstract>
</BookDocument></PubmedBookArticle>
</PubmedArticleSet>
"""


def test_pubmed_articles_and_chapters() -> None:
    records = read(PUBMED)
    assert problems(records) == []
    article, old, chapter = papers(records)
    assert article == Paper(
        id="doi:10.1234/terns",
        title="Diving of Sterna at 5 μm & more.",
        abstract="OBJECTIVE: Terns dive (ptrend<0.05). RESULTS: Where x=2, none. No label.",
        authors=("Ada J O'Birch Jr", "Tern Study Group"),
        year=2017,
        venue="Journal of terns",
        url="https://pubmed.ncbi.nlm.nih.gov/27797938/",
        doi="10.1234/terns",
        pmid="27797938",
        topics=("SAND EELS", "Birds"),
        source="file",
    )
    assert (old.year, old.doi) == (1999, "10.1234/old")
    assert old.abstract == "Los charranes comen peces pequeños."
    assert (chapter.title, chapter.venue, chapter.year) == ("Chapter one", "Book of Terns", 2001)
    assert chapter.authors == ("B Oak",)


def article(number: int, text: str = ABSTRACT) -> str:
    return (
        f"<PubmedArticle><MedlineCitation><PMID>{number}</PMID><Article><ArticleTitle>T{number}</ArticleTitle>"
        f"<Abstract><AbstractText>{text}</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>\n"
    )


def pubmed(*articles: str, prologue: str = "") -> str:
    return (
        f'<?xml version="1.0"?>{prologue}<PubmedArticleSet>{"".join(articles)}</PubmedArticleSet>'
    )


@pytest.mark.parametrize(
    "broken",
    [
        article(2).replace("</Article>", ""),
        article(2).replace("</PubmedArticle>", ""),
        article(2, "a <b>wrongly </i> closed"),
        article(2, "&undefined;"),
        article(2, "<![CDATA[ never closed "),
        "<PubmedArticle",
        "<PubmedArticle attribute='",
        "</PubmedArticle>",
    ],
)
def test_broken_article_loses_only_itself(broken: str) -> None:
    records = read(pubmed(article(1), broken, article(3), article(4)))
    assert [title for title in titles(records) if title != "T2"] == ["T1", "T3", "T4"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Terns & gulls in the R&D of birds", "Terns & gulls in the R&D of birds"),
        ("Terns&nbsp;caf&eacute; &alpha; &lt;5 &#8211; ok", "Terns café α <5 – ok"),
        ("Control \x0b characters \x08 go away", "Control characters go away"),
        ("<![CDATA[Terns < gulls & eels in water]]>", "Terns < gulls & eels in water"),
        ("Terns <!-- not --> dive for sand eels", "Terns dive for sand eels"),
    ],
)
def test_slips_are_forgiven(text: str, clean: str) -> None:
    (paper,) = papers(read(pubmed(article(1, text))))
    assert paper.abstract == clean


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY file SYSTEM "file:///etc/hostname">]>'
)


@pytest.mark.parametrize("entity", ["&c;", "&file;"])
def test_entities_are_refused_and_the_rest_read(entity: str) -> None:
    records = read(pubmed(article(1), article(2, entity * 50), article(3), prologue=BOMB))
    assert titles(records) == ["T1", "T3"]
    refused, broken = problems(records)
    assert "refused" in refused.reason
    assert "T2" in broken.reason


def test_encoding_that_the_file_names() -> None:
    text = pubmed(article(1, "Terns fly over Ősi and Győr in the evening."))
    text = text.replace('"1.0"', '"1.0" encoding="ISO-8859-2"')
    records = read(text.encode("iso-8859-2"))
    assert papers(records)[0].abstract == "Terns fly over Ősi and Győr in the evening."
    assert problems(records) == []


@pytest.mark.parametrize(
    "text", ["<PubmedArticle ", "<PubmedArticle>", "<", "<a>", "x", "&", "</PubmedArticle>"]
)
def test_hostile_repetition_ends_in_good_time(text: str) -> None:
    start = time.process_time()
    records = read("<PubmedArticleSet>" + article(1) + text * (2_000_000 // len(text)))
    assert titles(records) == ["T1"]
    assert time.process_time() - start < 20


# --- arXiv's feeds --------------------------------------------------------------------------

FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/api/x</id>
  <title>arXiv Query: search_query=terns</title>
  <opensearch:totalResults>2</opensearch:totalResults>
  <entry>
    <id>http://arxiv.org/abs/2101.00001v2</id>
    <title>Terns at
      sea</title>
    <updated>2022-02-24T15:05:19Z</updated>
    <link href="https://arxiv.org/abs/2101.00001v2" rel="alternate" type="text/html"/>
    <summary>  Terns dive with $\\alpha &lt; 5$ &amp; more than 10^{-3} of them return.
</summary>
    <category term="q-bio.PE" scheme="http://arxiv.org/schemas/atom"/>
    <category term="cs.LG" scheme="http://arxiv.org/schemas/atom"/>
    <published>2021-01-01T00:00:00Z</published>
    <arxiv:comment>4 pages</arxiv:comment>
    <arxiv:journal_ref>Ibis 1 (2021)</arxiv:journal_ref>
    <arxiv:doi>10.1234/Terns</arxiv:doi>
    <author><name>Ada Birch</name><arxiv:affiliation>Birds</arxiv:affiliation></author>
    <author><name>Dirk W\u00c3\u00bcbben</name></author>
  </entry>
  <entry>
    <id>https://arxiv.org/api/errors#incorrect_id_format_for_abc</id>
    <title>Error</title>
    <summary>incorrect id format for abc</summary>
  </entry>
</feed>
"""


def test_arxiv_feed() -> None:
    records = read(FEED)
    assert papers(records) == [
        Paper(
            id="doi:10.1234/terns",
            title="Terns at sea",
            abstract="Terns dive with α < 5 & more than 10^-3 of them return.",
            # A feed that was encoded twice on its way is mended.
            authors=("Ada Birch", "Dirk Wübben"),
            year=2021,
            venue="Ibis 1 (2021)",
            url="https://arxiv.org/abs/2101.00001v2",
            doi="10.1234/terns",
            arxiv_id="2101.00001",
            topics=("q-bio.PE", "cs.LG"),
            source="file",
            raw_abstract="  Terns dive with $\\alpha < 5$ & more than 10^{-3} of them return.\n",
        )
    ]
    assert [str(one) for one in problems(records)] == [
        "file, line 23: arXiv answered with an error: incorrect id format for abc"
    ]


def test_feed_without_entries_is_empty() -> None:
    assert read(FEED[: FEED.index("  <entry>")] + "</feed>") == []
