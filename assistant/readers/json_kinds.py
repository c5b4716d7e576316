"""Tell the JSON formats apart by the names of their fields."""

import re

from assistant.readers.json_objects import is_document

_BEGIN = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*(?:\{|\]|null))")
_OPENALEX = re.compile(
    r'"abstract_inverted_index"\s*:|"(?:id|openalex)"\s*:\s*"https://openalex\.org/W'
)
_SEMANTIC_SCHOLAR = re.compile(r'"(?:paperId|corpusid|citingPaper|citedPaper)"\s*:')
# This project's own exports; a paper in them may well have another format's identifier.
_EXPORTED = re.compile(r'"(?:export|source)"\s*:\s*"abstract-assistant [0-9a-f]{16}"')
_ARXIV = re.compile(r'"authors_parsed"\s*:')


def json_kind(head: str) -> str:
    """Return which JSON format begins with `head`: "" for none.

    Otherwise "openalex", "semantic scholar", "arxiv", "document" or "lines".
    """
    if not _BEGIN.match(head):
        return ""
    exported = _EXPORTED.search(head)
    for kind, pattern in (
        ("openalex", _OPENALEX),
        ("semantic scholar", _SEMANTIC_SCHOLAR),
        ("arxiv", _ARXIV),
    ):
        if pattern.search(head) and not exported:
            return kind
    if is_document(head):
        return "document"
    first = head.strip().partition("\n")[0].rstrip()
    # The first line may be broken: names of fields decide then.
    return "lines" if first.endswith("}") or '":' in first or '" :' in first else ""
