"""Claims with their evidence and a judgement: to train the verifier on, and to test it."""

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from assistant.errors import UnreadableFileError

Label = Literal["supported", "refuted", "not_found"]
LABELS: tuple[Label, ...] = ("supported", "refuted", "not_found")
# A word's worth of data per source, and whether its licence allows a model that ships.
# Left out: no licence stated, "non-commercial", or a licence "per set".
SHIPPABLE = {
    "evidence_inference": 8000,
    "check_covid": 2000,
    "factcheck_gpt": 2000,
    "wice": 2000,
    "fool_me_twice": 5000,
    "summedits": 5000,
    "entailmentbank": 7000,
    "taxinli_mnli": 10000,
    "conjnli": 8000,
    "cad_snli": 8000,
    "med_monotonicity": 3000,
}
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A claim, the evidence to be read together, and what people judged.

    `two_way` says that a "not_found" may as well be "refuted": its source knows only two.
    """

    id: str
    claim: str
    evidence: tuple[str, ...]
    label: Label
    source: str
    collection: str = ""
    two_way: bool = False


def read_pairs(path: Path) -> list[Pair]:
    """Return the pairs of a `pairs.jsonl[.gz]`.

    Raises:
        UnreadableFileError: a line is no pair; the message names it.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    pairs = []
    with opened(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                pairs.append(_pair(line, f"{path}, line {number}", path))
    if not any(pair.label == "refuted" for pair in pairs):
        return [replace(pair, two_way=True) for pair in pairs]
    return pairs


def _pair(line: str, where: str, path: Path) -> Pair:
    try:
        record = json.loads(line)
        evidence = record.get("evidence", record.get("sentences"))
        parts = [evidence] if isinstance(evidence, str) else list(evidence)
        pair = Pair(
            id=str(record.get("id", where)),
            claim=plain(record["claim"]),
            evidence=tuple(plain(part) for part in parts),
            label=record["label"],
            source=str(record.get("source") or path.parent.name),
            collection=path.parent.name,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableFileError(
            f"{where} is no pair ({error!r:.80}): each line needs a claim, its evidence "
            "(a text or a list of them) and a label."
        ) from error
    if pair.label not in LABELS:
        raise UnreadableFileError(f"{where}: the label {pair.label!r:.40} is none of {LABELS}.")
    return pair


def plain(text: str) -> str:
    """Return the text without the mark-up that some sources leave in."""
    return " ".join(_TAG.sub(" ", str(text)).split())


def spread(items: Iterable[Pair], limit: int) -> Iterator[Pair]:
    """Yield at most `limit` items at equal distances: the same ones each time."""
    known = list(items)
    if len(known) <= limit:
        yield from known
        return
    for place in range(limit):
        yield known[int(place * len(known) / limit)]
