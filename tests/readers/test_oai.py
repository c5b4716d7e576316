"""OAI-PMH: arXiv's two formats, Dublin Core of other archives, and what is no record."""

import pytest

from assistant.types import Paper
from tests.readers.cases import papers, problems, read, titles

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/ http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">\n'
    "<responseDate>2024-01-01T00:00:00Z</responseDate>\n"
    '<request verb="ListRecords" metadataPrefix="arXiv">http://export.arxiv.org/oai2</request>\n'
)


def answer(*records: str) -> str:
    token = '<resumptionToken cursor="0" completeListSize="9">6|1001</resumptionToken>'
    return f"{HEAD}<ListRecords>\n{''.join(records)}{token}</ListRecords>\n</OAI-PMH>\n"


def record(metadata: str, identifier: str = "oai:arXiv.org:2101.00001") -> str:
    return (
        f"<record><header><identifier>{identifier}</identifier><datestamp>2022-05-05</datestamp>"
        f"<setSpec>cs</setSpec></header>\n<metadata>{metadata}</metadata></record>\n"
    )


ARXIV = (
    '<arXiv xmlns="http://arxiv.org/OAI/arXiv/" xsi:schemaLocation="http://arxiv.org/OAI/arXiv/ x.xsd">'
    "<id>2101.00001</id><created>2021-01-02</created><updated>2022-02-02</updated><authors><author>"
    "<keyname>Bal\u00e1zs</keyname><forenames>C.</forenames><affiliation>Birds</affiliation></author>"
    "<author><keyname>Oak</keyname><forenames>Ben</forenames><suffix>Jr</suffix></author></authors>"
    "<title>Terns at\n  sea</title><categories>q-bio.PE cs.LG</categories><comments>4 pages</comments>"
    "<journal-ref>Ibis 1 (2021)</journal-ref><doi>10.1234/Terns</doi><license>http://x.org/</license>"
    f"<abstract>  {ABSTRACT}\n</abstract></arXiv>"
)


def test_arxiv_format() -> None:
    assert read(answer(record(ARXIV))) == [
        Paper(
            id="doi:10.1234/terns",
            title="Terns at sea",
            abstract=ABSTRACT,
            authors=("C. Balázs", "Ben Oak Jr"),
            year=2021,
            venue="Ibis 1 (2021)",
            url="https://arxiv.org/abs/2101.00001",
            doi="10.1234/terns",
            arxiv_id="2101.00001",
            topics=("q-bio.PE", "cs.LG"),
            source="file",
        )
    ]


def test_arxiv_raw_format() -> None:
    (paper,) = papers(
        read(
            answer(
                record(
                    '<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>hep-ph/9901001</id>'
                    "<submitter>Someone Else</submitter>"
                    '<version version="v2"><date>Mon, 4 Jan 2005 10:00:00 GMT</date></version>'
                    '<version version="v1"><date>Fri, 1 Jan 1999 10:00:00 GMT</date></version>'
                    "<title>Terns</title><authors>Ada Birch (Univ. of Birds, Port), Ben Oak Jr and C. Elm</authors>"
                    f"<categories>hep-ph</categories><abstract>{ABSTRACT}</abstract></arXivRaw>",
                    "oai:arXiv.org:hep-ph/9901001",
                )
            )
        )
    )
    assert paper.authors == ("Ada Birch", "Ben Oak Jr", "C. Elm")
    assert (paper.year, paper.arxiv_id, paper.doi) == (1999, "hep-ph/9901001", "")


def dublin_core(fields: str) -> str:
    return (
        '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/">{fields}</oai_dc:dc>'
    )


def test_dublin_core_from_arxiv() -> None:
    (paper,) = papers(
        read(
            answer(
                record(
                    dublin_core(
                        "<dc:title>Terns</dc:title><dc:creator>Birch, Ada</dc:creator><dc:creator>Oak, Ben</dc:creator>"
                        "<dc:subject>Populations</dc:subject><dc:description>Comment: 4 pages, and many more words "
                        f"than the abstract has, to be sure</dc:description><dc:description>{ABSTRACT}</dc:description>"
                        "<dc:date>2021-01-02</dc:date><dc:date>2022-02-02</dc:date><dc:type>text</dc:type>"
                        "<dc:identifier>http://arxiv.org/abs/2101.00001</dc:identifier>"
                        "<dc:identifier>Ibis 1 (2021)</dc:identifier><dc:identifier>doi:10.1234/Terns</dc:identifier>"
                    )
                )
            )
        )
    )
    assert (paper.abstract, paper.authors) == (ABSTRACT, ("Ada Birch", "Ben Oak"))
    assert (paper.year, paper.venue, paper.topics) == (2021, "Ibis 1 (2021)", ("Populations",))
    assert (paper.doi, paper.arxiv_id) == ("10.1234/terns", "2101.00001")
    assert paper.url == "http://arxiv.org/abs/2101.00001"


def test_dublin_core_from_another_archive() -> None:
    (paper,) = papers(
        read(
            answer(
                record(
                    dublin_core(
                        f"<dc:title/><dc:title>Terns</dc:title><dc:description>{ABSTRACT}</dc:description>"
                        "<dc:description>Peer reviewed</dc:description><dc:identifier>1234-5678</dc:identifier>"
                        "<dc:identifier>https://doi.org/10.1234/Terns</dc:identifier>"
                        "<dc:identifier>https://archive.example.org/7</dc:identifier>"
                        "<dc:source>Ibis; Vol. 1 (2021)</dc:source><dc:date>2021</dc:date>"
                    ),
                    "oai:archive.example.org:7",
                )
            )
        )
    )
    assert (paper.title, paper.abstract, paper.doi) == ("Terns", ABSTRACT, "10.1234/terns")
    assert (paper.url, paper.venue) == ("https://archive.example.org/7", "Ibis; Vol. 1 (2021)")
    assert (paper.record_id, paper.arxiv_id) == ("oai:archive.example.org:7", "")


def test_deleted_records_and_errors_are_named() -> None:
    deleted = (
        '<record><header status="deleted"><identifier>oai:x:1</identifier></header></record>\n'
    )
    empty = "<record><header><identifier>oai:x:2</identifier></header></record>\n"
    records = read(answer(record(ARXIV), deleted, empty))
    assert titles(records) == ["Terns at sea"]
    assert [(str(one), one.bare) for one in problems(records)] == [
        ("file, line 10: record oai:x:1 was deleted", True),
        ("file, line 11: record oai:x:2 has no metadata", False),
    ]
    (error,) = read(f'{HEAD}<error code="noRecordsMatch">No records</error></OAI-PMH>')
    assert str(error) == "file, line 5: the archive answered with an error: No records"


@pytest.mark.parametrize("prefix", ["ns0:", "oai:"])
def test_protocol_with_a_prefix(prefix: str) -> None:
    name = prefix.rstrip(":")
    text = (
        f'<{prefix}OAI-PMH xmlns:{name}="http://www.openarchives.org/OAI/2.0/" xmlns:a="http://arxiv.org/OAI/arXiv/">'
        f"<{prefix}ListRecords><{prefix}record><{prefix}metadata><a:arXiv><a:id>2101.00001</a:id><a:title>T</a:title>"
        f"<a:abstract>{ABSTRACT}</a:abstract></a:arXiv></{prefix}metadata></{prefix}record></{prefix}ListRecords></{prefix}OAI-PMH>"
    )
    assert titles(read(text)) == ["T"]


def test_answers_joined_into_one_file() -> None:
    second = ARXIV.replace("Terns at\n  sea", "T2")
    records = read(answer(record(ARXIV)) + answer(record(second)))
    assert titles(records) == ["Terns at sea", "T2"]
    assert problems(records) == []


def test_bare_records_saved_by_a_harvester() -> None:
    core = dublin_core(f"<dc:title>T</dc:title><dc:description>{ABSTRACT}</dc:description>")
    assert titles(read(f"<ListRecords>{record(core)}</ListRecords>")) == ["T"]


def test_entities_are_refused_and_the_rest_read() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>\n<OAI-PMH'
    hostile = ARXIV.replace(ABSTRACT, "&b;" * 50).replace("Terns at\n  sea", "T2")
    records = read(answer(record(ARXIV), record(hostile), record(ARXIV)).replace("<OAI-PMH", bomb))
    assert titles(records) == ["Terns at sea", "Terns at sea"]
    refused, broken = problems(records)
    assert "refused" in refused.reason
    assert (refused.skipped, broken.skipped) == (False, True)
    assert "“T2”" in broken.reason
