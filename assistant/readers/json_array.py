"""Read a JSON document: an array of records, or an answer that holds one.

CSL-JSON from Zotero and Mendeley is such an array.
"""

from collections.abc import Iterator

from assistant.readers.json_fields import paper_of
from assistant.readers.json_kinds import json_kind
from assistant.readers.json_objects import json_records
from assistant.readers.lines import Lines
from assistant.types import Paper, Problem

NAME = "JSON array (CSL-JSON too)"


def sniff(head: str) -> bool:
    """Whether the text is a JSON document of no more special kind."""
    return json_kind(head) == "document"


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each record."""
    for found in json_records(lines, source):
        if isinstance(found, Problem):
            yield found
        else:
            yield paper_of(found[1], source, found[0])
