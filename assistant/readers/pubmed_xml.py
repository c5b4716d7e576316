"""Read PubMed's XML: articles and book chapters, from efetch or the yearly baseline."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from assistant.readers.lines import Lines
from assistant.readers.medline import NO_TITLE
from assistant.readers.record import make_paper
from assistant.readers.xml_records import text_of, xml_records
from assistant.types import Paper, Problem

NAME = "PubMed XML"
_RECORDS = ("PubmedArticle", "PubmedBookArticle")
_SET = re.compile(
    r"<(?:PubmedArticleSet|PubmedArticle|PubmedBookArticleSet|PubmedBookArticle)[\s>]"
)


def sniff(head: str) -> bool:
    """Whether there is XML with PubMed's elements in it."""
    return head.lstrip("\ufeff \t\n").startswith("<") and bool(_SET.search(head))


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each record."""
    for found in xml_records(lines, _RECORDS, source):
        yield found if isinstance(found, Problem) else _paper(found[1], source, found[0])


def _paper(record: Element, source: str, line: int) -> Paper | Problem:
    body = record.find("MedlineCitation")
    body = body if body is not None else record.find("BookDocument")
    if body is None:
        return Problem(source=source, line=line, reason="record has no citation; skipped")
    article = body.find("Article")
    article = article if article is not None else body
    pmid = text_of(body.find("PMID")).strip()
    return make_paper(
        source=source,
        line=line,
        title=_title(article),
        abstract=_abstract(article) or _abstract(body, "OtherAbstract"),
        authors=[_name(author) for author in _authors(article)],
        year=_year(article),
        topics=[
            *(text_of(word) for word in body.iterfind("KeywordList/Keyword")),
            *(
                text_of(name)
                for name in body.iterfind("MeshHeadingList/MeshHeading/DescriptorName")
            ),
        ],
        venue=_first(article, "Journal/Title", "Journal/ISOAbbreviation", "Book/BookTitle"),
        url=f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid.isdigit() else "",
        doi=_doi(record, article),
        pmid=pmid,
    )


def _title(article: Element) -> str:
    """Return the title; the original one where PubMed has no translation of it."""
    title = _first(article, "ArticleTitle")
    no_title = NO_TITLE.fullmatch(title)
    return _first(article, "VernacularTitle", "Book/BookTitle") if no_title else title


def _first(element: Element, *paths: str) -> str:
    texts = (text_of(element.find(path)) for path in paths)
    return next((text for text in texts if text.strip()), "")


def _abstract(article: Element, name: str = "Abstract") -> str:
    """Return the abstract; its sections keep their labels: "METHODS: We counted."."""
    holder = article.find(name)
    sections = [] if holder is None else holder.findall("AbstractText")
    return " ".join(filter(None, map(_section, sections)))


def _section(section: Element) -> str:
    text, label = text_of(section).strip(), section.get("Label", "").strip().rstrip(":")
    if not text or not label or label.upper() == "UNLABELLED":
        return text
    return f"{label}: {text}"


def _authors(article: Element) -> list[Element]:
    """Return the authors of an article or chapter; of a book where these are missing."""
    lists = [
        *(one for one in article.findall("AuthorList") if one.get("Type") != "editors"),
        *(one for one in article.findall("Book/AuthorList") if one.get("Type") != "editors"),
    ]
    return lists[0].findall("Author") if lists else []


def _name(author: Element) -> str:
    family = _first(author, "LastName")
    if not family:
        return _first(author, "CollectiveName")
    given = _first(author, "ForeName", "FirstName", "Initials")
    return " ".join(filter(None, (given, family, _first(author, "Suffix"))))


def _year(article: Element) -> str:
    dates = ("Journal/JournalIssue/PubDate", "ArticleDate", "Book/PubDate", "ContributionDate")
    return _first(
        article, *(f"{date}/{part}" for date in dates for part in ("Year", "MedlineDate"))
    )


def _doi(record: Element, article: Element) -> str:
    """Return the article's own DOI: those of its references stand deeper in the record."""
    places = [
        *article.findall("ELocationID[@EIdType='doi']"),
        *record.findall("PubmedData/ArticleIdList/ArticleId[@IdType='doi']"),
        *record.findall("PubmedBookData/ArticleIdList/ArticleId[@IdType='doi']"),
        *article.findall("ArticleIdList/ArticleId[@IdType='doi']"),
    ]
    return next(filter(None, map(text_of, places)), "")
