"""One small file of each format, cut into parts that tests put together as they need."""

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass

from assistant.readers import read_stream
from assistant.types import Paper, Problem

TEXT = (
    "We counted the gulls of harbour {} at high and at low water, for é weeks; the counts "
    "differ by 12% and follow the ferries rather than the tide."
)


@dataclass(frozen=True)
class Case:
    """A format: its reader, what stands around the records, and a record by its number."""

    reader: str
    record: Callable[[int], str]
    broken: str
    bare: str
    head: str = ""
    joint: str = "\n"
    tail: str = "\n"

    def file(self, *records: str) -> str:
        return self.head + self.joint.join(records) + self.tail

    def papers(self, *numbers: int) -> str:
        return self.file(*map(self.record, numbers))


def read(data: bytes | str, source: str = "file") -> list[Paper | Problem]:
    raw = data.encode() if isinstance(data, str) else data
    return list(read_stream(io.BytesIO(raw), source))


def papers(records: list[Paper | Problem]) -> list[Paper]:
    return [record for record in records if isinstance(record, Paper)]


def problems(records: list[Paper | Problem]) -> list[Problem]:
    return [record for record in records if isinstance(record, Problem)]


def titles(records: list[Paper | Problem]) -> list[str]:
    return [paper.title for paper in papers(records)]


def zipped(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def _json(number: int, **fields: object) -> str:
    record = {"title": f"Gulls {number}", "abstract": TEXT.format(number)} | fields
    return json.dumps(record, ensure_ascii=False)


def _arxiv(number: int) -> str:
    return _json(
        number, id=f"2101.{number:05}", authors_parsed=[["Birch", "Ada", ""]], categories="q-bio.PE"
    )


def _openalex(number: int) -> str:
    words = TEXT.format(number).split()
    index: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        index.setdefault(word, []).append(place)
    work = {
        "id": f"https://openalex.org/W{number}",
        "display_name": f"Gulls {number}",
        "abstract_inverted_index": index,
    }
    return json.dumps(work, ensure_ascii=False)


def _bibtex(number: int) -> str:
    return f"@article{{g{number},\n  title = {{Gulls {number}}},\n  abstract = {{{TEXT.format(number)}}},\n}}"


def _ris(number: int) -> str:
    return f"TY  - JOUR\nTI  - Gulls {number}\nAB  - {TEXT.format(number)}\nER  - \n"


def _medline(number: int) -> str:
    return f"PMID- {number}\nTI  - Gulls {number}\nAB  - {TEXT.format(number)}\n"


def _wos(number: int) -> str:
    return f"PT J\nTI Gulls {number}\nAB {TEXT.format(number)}\nER\n"


def _csv(separator: str) -> Callable[[int], str]:
    def record(number: int) -> str:
        text = TEXT.format(number)
        return separator.join((f"Gulls {number}", f'"{text}"', "2020"))

    return record


def _pubmed(number: int) -> str:
    return (
        f"<PubmedArticle><MedlineCitation><PMID>{number}</PMID><Article>"
        f"<ArticleTitle>Gulls {number}</ArticleTitle>\n<Abstract><AbstractText>"
        f"{TEXT.format(number)}</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>"
    )


def _atom(number: int) -> str:
    return (
        f"<entry><id>http://arxiv.org/abs/2101.{number:05}v1</id><title>Gulls {number}</title>\n"
        f"<summary>{TEXT.format(number)}</summary></entry>"
    )


def _page(number: int) -> str:
    text = TEXT.format(number)
    return f"Gulls {number}\n\n{text} {text}\n"


def _oai(number: int) -> str:
    return (
        f"<record><header><identifier>oai:arXiv.org:2101.{number:05}</identifier></header>\n"
        f'<metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><title>Gulls {number}</title>\n'
        f"<abstract>{TEXT.format(number)}</abstract></arXiv></metadata></record>"
    )


def _endnote(number: int) -> str:
    return (
        f"<record><rec-number>{number}</rec-number><titles><title><style>Gulls {number}</style>"
        f"</title></titles>\n<abstract><style>{TEXT.format(number)}</style></abstract></record>"
    )


def _pubmed_text(number: int) -> str:
    text = TEXT.format(number)
    return f"{number + 1}. J Gulls. 2020 Jan;1(1):1-2.\n\nGulls {number}\n\n{text}\n\nPMID: {number + 1}\n"


def _embase_rows(number: int) -> str:
    return f'"TITLE","Gulls {number}"\n"ABSTRACT","{TEXT.format(number)}"\n'


_FEED = '<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n<id>https://arxiv.org/api/x</id>\n'
_TRUNCATED = '{"title": "Gulls 2", "abstract": "We co'

CASES = {
    "json lines": Case("jsonl", _json, _TRUNCATED, '{"title": "Bare"}'),
    "json array": Case("json_array", _json, _TRUNCATED, '{"title": "Bare"}', "[\n", ",\n", "\n]\n"),
    "json answer": Case(
        "json_array", _json, _TRUNCATED, '{"title": "Bare"}', '{"n": 3, "items": [\n', ",\n", "]}\n"
    ),
    "arxiv json": Case(
        "arxiv_json",
        _arxiv,
        '{"id": "2101.00002", "title": "Gulls 2", "abs',
        '{"title": "Bare", "authors_parsed": []}',
    ),
    "openalex lines": Case(
        "openalex",
        _openalex,
        '{"id": "https://openalex.org/W2", "display_name": "Gulls 2", "abs',
        '{"id": "https://openalex.org/W9", "display_name": "Bare"}',
    ),
    "openalex answer": Case(
        "openalex",
        _openalex,
        '{"id": "https://openalex.org/W2", "display_name": "Gulls 2", "abs',
        '{"id": "https://openalex.org/W9", "display_name": "Bare"}',
        '{"meta": {"count": 3}, "results": [\n',
        ",\n",
        '], "group_by": []}\n',
    ),
    "semantic scholar": Case(
        "semantic_scholar",
        lambda number: _json(number, paperId=f"p{number}"),
        '{"title": "Gulls 2", "abs',
        '{"title": "Bare", "paperId": "p9"}',
        '{"total": 3, "offset": 0, "data": [\n',
        ",\n",
        "]}\n",
    ),
    "bibtex": Case(
        "bibtex", _bibtex, "@article{g2,\n title = {Gulls 2,\n", "@misc{b, title = {Bare}}"
    ),
    "ris": Case("ris", _ris, "TY  - JOUR\nTI  - Gulls 2\nAB", "TY  - JOUR\nTI  - Bare\nER  - \n"),
    "medline": Case("medline", _medline, "PMID- 2\nTI  - Gulls 2\nAB\n", "PMID- 9\nTI  - Bare\n"),
    "web of science": Case(
        "web_of_science",
        _wos,
        "PT J\nTI Gulls 2\nAB",
        "PT J\nTI Bare\nER\n",
        "FN Clarivate Analytics Web of Science\nVR 1.0\n",
        tail="\nEF\n",
    ),
    "csv": Case(
        "csv_table", _csv(","), 'Gulls 2,"never closed', "Bare,,2020", "Title,Abstract,Year\n"
    ),
    "semicolons": Case(
        "csv_table",
        _csv(";"),
        'Gulls 2;"never closed',
        "Bare;;2020",
        "sep=;\nTitle;Abstract;Year\n",
    ),
    "tsv": Case(
        "csv_table", _csv("\t"), 'Gulls 2\t"never closed', "Bare\t\t2020", "Title\tAbstract\tYear\n"
    ),
    "pubmed xml": Case(
        "pubmed_xml",
        _pubmed,
        "<PubmedArticle><MedlineCitation><ArticleTitle>Gulls 2</Article",
        "<PubmedArticle><MedlineCitation><Article><ArticleTitle>Bare</ArticleTitle>"
        "</Article></MedlineCitation></PubmedArticle>",
        '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD" "https://x.org/p.dtd">\n'
        "<PubmedArticleSet>\n",
        tail="\n</PubmedArticleSet>\n",
    ),
    "arxiv atom": Case(
        "arxiv_atom",
        _atom,
        "<entry><title>Gulls 2</title><summary>x < y</entry>",
        "<entry><title>Bare</title></entry>",
        _FEED,
        tail="\n</feed>\n",
    ),
    "oai": Case(
        "oai",
        _oai,
        "<record><metadata><arXiv><title>Gulls 2</title><abstract>x < y</record>",
        "<record><metadata><arXiv><title>Bare</title></arXiv></metadata></record>",
        '<?xml version="1.0"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">\n<ListRecords>\n',
        tail="\n<resumptionToken>6|1001</resumptionToken>\n</ListRecords></OAI-PMH>\n",
    ),
    "endnote xml": Case(
        "endnote_xml",
        _endnote,
        "<record><titles><title><style>Gulls 2</title></titles></record>",
        "<record><titles><title>Bare</title></titles></record>",
        '<?xml version="1.0" encoding="UTF-8" ?><xml><records>',
        tail="</records></xml>\n",
    ),
    "pubmed text": Case(
        "pubmed_text",
        _pubmed_text,
        "3. J Gulls. 2020 Jan;1(1):1-2.\n\nGulls 2\n\nWe co",
        "10. J Gulls. 2020 Jan;1(1):1-2.\n\nBare\n\nPMID: 10\n",
        joint="\n\n",
    ),
    "embase rows": Case(
        "embase_rows", _embase_rows, '"TITLE","Gulls 2"\n"ABSTRACT","', '"TITLE","Bare"\n'
    ),
    "daily page": Case("daily_papers", _page, "", "Bare\n", "Daily Papers\n\nMar 11\n\n"),
}
