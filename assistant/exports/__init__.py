"""Write papers as BibTeX, CSL-JSON, JSON lines or RIS, so that reading them gives them again.

One module a format, with `write(papers) -> Iterator[str]`, which streams, and
`restored(record, source) -> Paper | None`, its exact inverse, which the reader of the format
asks first. The text is written as other programs expect it; a checksum in each record says
whether it still is what was written (see `seal`).
"""

from collections.abc import Iterable, Iterator
from pathlib import PurePath

from assistant.errors import InputError
from assistant.exports import bibtex, csl_json, jsonl, ris
from assistant.exports.seal import presentable
from assistant.types import Paper

_WRITERS = {
    "bibtex": bibtex.write,
    "csl-json": csl_json.write,
    "jsonl": jsonl.write,
    "ris": ris.write,
}
FORMATS: tuple[str, ...] = tuple(_WRITERS)
_SUFFIXES = {".bib": "bibtex", ".json": "csl-json", ".jsonl": "jsonl", ".ris": "ris"}


def export(papers: Iterable[Paper], kind: str) -> Iterator[str]:
    """Yield the text of `papers` in the format `kind`, a piece for each paper.

    Raises:
        InputError: there is no such format.
    """
    writer = _WRITERS.get(kind)
    if writer is None:
        raise InputError(f"{kind}: not a format to export to; take one of {', '.join(FORMATS)}.")
    return writer(map(presentable, papers))


def guess_format(filename: str) -> str | None:
    """Return the format that the file's name asks for, or None."""
    return _SUFFIXES.get(PurePath(filename).suffix.lower())
