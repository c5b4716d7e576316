"""What was measured of vectors at size, as a table, and what follows for larger libraries."""

from collections.abc import Sequence
from dataclasses import dataclass

from evals.scale.graphs import Searched

MB = 2.0**20
GB = 2.0**30
TARGETS = (2_700_000, 37_000_000)
HOUR = 3600.0
MONTH_HOURS = 730
# What searches, day and night.
CORES = 2


@dataclass(frozen=True, kw_only=True)
class Prices:
    """US dollars for a gigabyte of memory in an hour, a core in an hour, a gigabyte on a disk."""

    memory: float
    core: float
    disk: float


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a paper takes: passages, and seconds of one core to embed them."""

    passages: float
    embedding: float


def rows(outcomes: Sequence[Searched]) -> str:
    """Return the table of all stores and searches."""
    head = (
        f"{'vectors':>9} {'M':>3} {'ef_c':>5} {'ef_s':>5} {'recall@10':>9} {'p50 ms':>7} "
        f"{'p95 ms':>7} {'CPU ms':>7} {'in/s':>6} {'in/CPU s':>8} {'disk MB':>8} {'memory MB':>9} "
        f"{'open s':>6}"
    )
    return "\n".join([head, *map(_row, outcomes)])


def _row(one: Searched) -> str:
    graph, built = one.graph, one.built
    return (
        f"{built.vectors:>9,} {graph.neighbours:>3} {graph.weighed:>5} {graph.searched:>5} "
        f"{one.recall:>9.3f} {one.p50 * 1000:>7.1f} {one.p95 * 1000:>7.1f} "
        f"{one.process * 1000:>7.2f} {built.vectors / built.seconds:>6.0f} "
        f"{built.vectors / built.process:>8.0f} {built.disk_bytes / MB:>8.0f} "
        f"{one.memory_bytes / MB:>9.0f} {one.open_seconds:>6.1f}"
    )


def projection(largest: Searched, work: Work, prices: Prices) -> str:
    """Return what larger libraries would take, from what a vector and a paper took here."""
    vectors = largest.built.vectors
    memory, disk = largest.memory_bytes / vectors, largest.built.disk_bytes / vectors
    storing = largest.built.process / vectors
    lines = [
        f"A paper has {work.passages:.2f} passages and takes {work.embedding:.3f} s of a core to "
        f"embed; a vector takes {memory:,.0f} bytes of memory, {disk:,.0f} of disk and "
        f"{storing * 1000:.2f} ms of a core to store.",
        f"{'papers':>11} {'vectors':>11} {'memory GB':>10} {'disk GB':>8} {'embed core-h':>13} "
        f"{'store core-h':>13} {'once $':>8} {'month $':>8}",
    ]
    for papers in TARGETS:
        count = papers * work.passages
        embed, store = papers * work.embedding / HOUR, count * storing / HOUR
        once = (embed + store) * prices.core
        month = (count * memory / GB * prices.memory + CORES * prices.core) * MONTH_HOURS
        month += count * disk / GB * prices.disk
        lines.append(
            f"{papers:>11,} {count:>11,.0f} {count * memory / GB:>10.1f} {count * disk / GB:>8.1f} "
            f"{embed:>13.1f} {store:>13.1f} {once:>8.0f} {month:>8.0f}"
        )
    lines.append(
        f"At ${prices.memory}/GB-hour of memory, ${prices.core}/core-hour ({CORES} run all "
        f"month), ${prices.disk}/GB-month of disk (assumed); words and catalog come on top."
    )
    return "\n".join(lines)
