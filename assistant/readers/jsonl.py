"""Read JSON lines: one object a line, under the usual names of the fields.

A line `{"about": …}` without title and abstract is a header and is passed over.
"""

from collections.abc import Iterator

from assistant.readers.json_fields import ABSTRACTS, paper_of
from assistant.readers.json_kinds import json_kind
from assistant.readers.json_objects import json_records
from assistant.readers.lines import Lines
from assistant.types import Paper, Problem

NAME = "JSON lines"


def sniff(head: str) -> bool:
    """Whether the first line that is not empty begins a JSON object on one line."""
    return json_kind(head) == "lines"


def read(lines: Lines, source: str) -> Iterator[Paper | Problem]:
    """Yield the paper or problem of each line."""
    for found in json_records(lines, source):
        if isinstance(found, Problem):
            yield found
            continue
        line, record = found
        if "about" not in record or any(name in record for name in ABSTRACTS):
            yield paper_of(record, source, line)
