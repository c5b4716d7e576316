"""Write papers as RIS, and read exactly what was written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from assistant.exports.people import Name, parts
from assistant.exports.seal import SUMMARY_NOTE, origin, stamp, unsealed, year_of
from assistant.types import Paper

ARXIV = "arXiv:"


def write(papers: Iterable[Paper]) -> Iterator[str]:
    """Yield a record for each paper."""
    for paper in papers:
        yield _record(paper)


def _record(paper: Paper) -> str:
    values = [
        ("TY", "JOUR" if paper.venue else "GEN"),
        ("ID", paper.record_id),
        *(("AU", _name(author)) for author in paper.authors),
        ("TI", paper.title),
        ("T2", paper.venue),
        ("PY", str(paper.year or "")),
        ("DO", paper.doi),
        ("M1", ARXIV + paper.arxiv_id if paper.arxiv_id else ""),
        ("UR", paper.url),
        ("AN", paper.pmid),
        ("DB", "PubMed" if paper.pmid else ""),
        *(("KW", topic) for topic in paper.topics),
        ("AB", paper.abstract),
        ("N1", SUMMARY_NOTE if paper.is_summary else ""),
        ("DP", stamp(paper)),
    ]
    return "".join(f"{tag}  - {value}\n" for tag, value in values if value) + "ER  - \n\n"


def _name(name: str) -> str:
    one = parts(name)
    # A comma at the end is how EndNote tells a group from a person.
    return ", ".join(filter(None, (one.family, one.given, one.suffix))) if one.given else f"{name},"


def restored(values: Mapping[str, Sequence[str]], source: str) -> Paper | None:
    """Return the paper of a record that is still what `write` made of it, or None.

    `values` has the values of each tag.
    """
    return unsealed("".join(values.get("DP", ())), _candidates(values, source))


def _candidates(values: Mapping[str, Sequence[str]], source: str) -> Iterator[Paper]:
    given = {tag: texts[0] for tag, texts in values.items() if texts}
    yield Paper(
        id="",
        title=given.get("TI", ""),
        abstract=given.get("AB", ""),
        authors=tuple(map(_spoken, values.get("AU", ()))),
        year=year_of(given.get("PY", "")),
        venue=given.get("T2", ""),
        url=given.get("UR", ""),
        doi=given.get("DO", ""),
        arxiv_id=given.get("M1", "").removeprefix(ARXIV),
        pmid=given.get("AN", ""),
        topics=tuple(values.get("KW", ())),
        source=origin(given.get("N1"), source),
        record_id=given.get("ID", ""),
    )


def _spoken(name: str) -> str:
    if name.endswith(","):
        return name[:-1]
    return str(Name(*name.split(", ", 2)))
