"""Read PubMed's "Abstract (text)" format: numbered records of paragraphs, as for reading.

Nothing in it names title or abstract: a paragraph is known by its place and by what the
other ones (authors, addresses, corrections, identifiers) look like.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from assistant.readers.lines import Lines
from assistant.readers.names import bare_initials_first
from assistant.readers.record import make_paper
from assistant.readers.tagged import MAX_RECORD
from assistant.types import Paper, Problem

NAME = "PubMed abstracts (text)"
_START = re.compile(r"(\d{1,6})\. (?=\S)")
_FIRST = re.compile(r"\s*\d{1,6}\. \S[^\n]*(?:\n[^\n]+)?\b(?:1[89]|20)\d\d\b")
_PMID = re.compile(r"(?:^|\n)PMID: *\d")
_IDENTIFIER = re.compile(r"(DOI|PMCID|PMID|NIHMSID): *(\S+)")
_JOURNAL = re.compile(r"(.+?)\. (?:.*?\. )??((?:1[89]|20)\d\d)\b")
_DOI = re.compile(r"doi: *(10\.\S+)")
_OTHER_THAN_ABSTRACT = re.compile(
    r"Author information: ?\n|Collaborators: |\[Article in |Conflict of interest statement: "
    r"|(?:Crown )?Copyright\W+(?:©|\(c\)|\d{4})|© ?|\(c\) ?\d{4}|Published (?:by|online) "
    # "Erratum in" and its like stand alone on their line, above the other article.
    r"|(?:Comment|Erratum|Update|Retraction|Corrected|Republished|Summary|Original|Expression)"
    r"[a-z ]* (?:in|on|of|for|from)(?:\n|: )",
    re.IGNORECASE,
)
# How PubMed marks an abstract in another language, or in other words.
_SECOND_ABSTRACT = re.compile(r"Publisher: ")
_MARKS = re.compile(r"\s?\([\d#*†‡]+\)")
_PERSON = re.compile(r"\S.* [A-Z]{1,4}(?:-[A-Z])?(?: (?:Jr|Sr|\dn?r?[dht]{2}|I{2,3}|IV))?")
# PubMed breaks lines at hyphens too: "COVID-\n19", but "pre- and post-".
_BREAK = re.compile(r"(?<=[^\W_]-)\n(?!(?:and|or|to)\b)")
# A group's name has capitals; a sentence has words in small letters.
_SMALL_WORD = re.compile(r"\b[a-zß-öø-ÿ]{5,}")
_LONGEST_GROUP_NAME = 15
# The pattern would take long over what isn't a citation.
_LONGEST_CITATION = 1000


@dataclass
class _Record:
    line: int
    number: int
    blocks: list[list[str]] = field(default_factory=lambda: [[]])
    size: int = 0
    whole: bool = False
    """Whether its PMID was seen, the last thing that every record has."""

    def add(self, line: str) -> None:
        self.size += len(line) + 1
        if self.size > MAX_RECORD:
            self.blocks = self.blocks[:2]
        elif line:
            self.blocks[-1].append(line)
            self.whole = self.whole or line.startswith("PMID:")
        elif self.blocks[-1]:
            self.blocks.append([])


def sniff(head: str) -> bool:
    """Whether the text begins with a numbered citation, and has a PubMed identifier."""
    return bool(_FIRST.match(head) and _PMID.search(head))


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each record."""
    for record in _records(lines):
        yield _paper(record, source)


def _records(lines: Lines) -> Iterator[_Record]:
    record: _Record | None = None
    blank = 2
    for number, text in lines:
        line = text.strip()
        start = _START.match(line) if blank else None
        if start and _begins(start, blank, record):
            if record:
                yield record
            record = _Record(number, int(start.group(1)))
            line = line[start.end() :]
        blank = 0 if line else blank + 1
        if record:
            record.add(line)
    if record:
        yield record


def _begins(start: re.Match[str], blank: int, last: _Record | None) -> bool:
    """Whether a numbered line starts a record; a list within an abstract has numbers too."""
    if last is None or blank > 1:
        return True
    next_one = int(start.group(1)) == last.number + 1
    return next_one and bool(
        last.whole or _JOURNAL.match(start.string[start.end() : _LONGEST_CITATION])
    )


def _paper(record: _Record, source: str) -> Paper | Problem:
    blocks = [_BREAK.sub("", "\n".join(block)) for block in record.blocks if block]
    citation, title, *rest = [*blocks, "", ""]
    named = f" “{title[:60]}”" if title else ""
    if record.size > MAX_RECORD or not record.whole:
        broken = "is too long" if record.size > MAX_RECORD else "breaks off before its PMID"
        reason = f"record{named} {broken}; skipped"
        return Problem(source=source, line=record.line, reason=reason)
    authors, texts, identifiers = _sorted(rest)
    citation = citation[:_LONGEST_CITATION].replace("\n", " ")
    journal, doi = _JOURNAL.match(citation), _DOI.search(citation)
    pmid = identifiers.get("PMID", "")
    return make_paper(
        source=source,
        line=record.line,
        title=title,
        abstract="\n".join(texts),
        authors=authors,
        year=journal.group(2) if journal else citation,
        venue=journal.group(1) if journal else "",
        url=f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid.isdigit() else "",
        doi=identifiers.get("DOI") or (doi.group(1) if doi else ""),
        pmid=pmid,
        record_id=identifiers.get("PMCID", ""),
    )


def _sorted(blocks: list[str]) -> tuple[list[str], list[str], dict[str, str]]:
    """Return the authors, the abstract's paragraphs and the identifiers among the blocks."""
    authors: list[str] = []
    texts: list[str] = []
    others: list[str] = []
    for block in filter(None, blocks):
        if _IDENTIFIER.match(block):
            return authors, texts or others, dict(_IDENTIFIER.findall(block))
        if _OTHER_THAN_ABSTRACT.match(block):
            continue
        if not authors and not texts and (names := _names(block)):
            authors = names
        else:
            other = _SECOND_ABSTRACT.match(block)
            (others if other else texts).append(block[other.end() :] if other else block)
    return authors, texts or others, {}


def _names(block: str) -> list[str]:
    """Return the authors in "Birch A(1), Oak B(2); Tern Study Group.", [] where it is prose."""
    text = _MARKS.sub("", " ".join(block.split())).rstrip(".")
    names = [name.strip() for name in re.split("[,;]", text)]
    people = sum(bool(_PERSON.fullmatch(name)) for name in names)
    if people * 2 > len(names):
        return [bare_initials_first(name) for name in names]
    group = len(text.split()) <= _LONGEST_GROUP_NAME and not _SMALL_WORD.search(text)
    return [text] if group else []
