"""Runs plans over collections and shows what came of it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from tqdm import tqdm

from assistant.app import Assistant
from assistant.retrieval.plan import DEFAULT, Plan
from assistant.settings import Settings
from evals.resampling import percentile
from evals.retrieval.collection import Collection, Query, opened
from evals.retrieval.measures import MEASURES, Interval, better_p, by_query, interval
from evals.retrieval.stages import ADDED, DROPPED, GRID, METHODS, varied
from evals.summary import aligned

DEPTH = 100
MAIN = "nDCG@10"
SIGNIFICANT = 0.05


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One plan on one collection: values by measure and query, and seconds by stage and query."""

    values: dict[str, dict[str, float]]
    seconds: dict[str, list[float]]

    def mean(self, measure: str = MAIN) -> float:
        """Return the mean over the queries."""
        return fmean(self.values[measure].values())

    def interval(self, measure: str) -> Interval:
        """Return the mean with its interval."""
        return interval(list(self.values[measure].values()))


Outcomes = dict[str, dict[str, Outcome]]
"""By collection, then by method."""


def spread(queries: Sequence[Query], limit: int | None) -> list[Query]:
    """Return `limit` queries at equal distances: the same ones each time."""
    if limit is None or len(queries) <= limit:
        return list(queries)
    return [queries[int(place * len(queries) / limit)] for place in range(limit)]


def measure(
    collections: Sequence[Collection],
    plans: Mapping[str, Plan],
    settings: Settings,
    cache: Path,
    limit: int | None = None,
) -> Outcomes:
    """Rank every collection's queries by every plan."""
    found: Outcomes = {}
    for collection in collections:
        with opened(collection, settings, cache) as assistant:
            queries = spread(collection.queries, limit)
            assistant.search(queries[0].text, DEPTH)  # loads what the first search loads
            found[collection.name] = {
                name: _outcome(assistant, queries, plan)
                for name, plan in tqdm(
                    plans.items(), desc=collection.name, leave=False, disable=None
                )
            }
    return found


def _outcome(assistant: Assistant, queries: Sequence[Query], plan: Plan) -> Outcome:
    rankings: dict[str, list[str]] = {}
    seconds: dict[str, list[float]] = {}
    for query in queries:
        stages: dict[str, float] = {}
        began = time.perf_counter()
        hits = assistant.library.search(query.text, DEPTH + bool(query.exclude), None, plan, stages)
        stages["whole"] = time.perf_counter() - began
        ranked = [hit.paper.id for hit in hits if hit.paper.id != query.exclude]
        rankings[query.id] = ranked[:DEPTH]
        for stage, value in stages.items():
            seconds.setdefault(stage, []).append(value)
    return Outcome(values=by_query(queries, rankings), seconds=seconds)


# --- what is shown -------------------------------------------------------------------------


def as_dict(outcomes: Outcomes) -> dict[str, dict[str, dict[str, float]]]:
    """Return {collection: {method: {metric: mean}}}."""
    return {
        name: {
            method: {measure: round(outcome.mean(measure), 4) for measure in MEASURES}
            for method, outcome in methods.items()
        }
        for name, methods in outcomes.items()
    }


def methods_table(outcomes: Outcomes) -> str:
    """Show default and baselines: means, intervals, and where a difference is significant."""
    lines = []
    for name, methods in outcomes.items():
        rows = [[name, *MEASURES, "95 % of nDCG@10", "p against the default"]]
        for method, outcome in methods.items():
            span = outcome.interval(MAIN)
            p = "" if method == "default" else _p(methods["default"], outcome)
            means = [f"{outcome.mean(measure):.4f}" for measure in MEASURES]
            rows.append([method, *means, f"{span.low:.4f}–{span.high:.4f}", p])
        whole = sorted(methods["default"].seconds["whole"])
        lines += [
            aligned(rows),
            f"seconds of the default: {_times(methods['default'])}; "
            f"p95 {1000 * (percentile(whole, 0.95) or 0):.1f} ms",
            "",
        ]
    lines.append(_against(outcomes))
    return "\n".join(lines)


def _p(default: Outcome, other: Outcome) -> str:
    p = better_p(default.values[MAIN], other.values[MAIN])
    return f"{p:.4f}{' *' if p < SIGNIFICANT else ''}"


def _times(outcome: Outcome) -> str:
    return ", ".join(
        f"{stage} {1000 * median(values):.1f} ms" for stage, values in outcome.seconds.items()
    )


def _against(outcomes: Outcomes) -> str:
    """Compare the default with the best single method and with rank fusion."""
    rows = [["nDCG@10", "best single", "RRF", "default", "over best single", "over RRF"]]
    gains = []
    for name, methods in outcomes.items():
        single = max(methods[one].mean() for one in ("bm25", "dense"))
        rrf, default = methods["rrf"].mean(), methods["default"].mean()
        gains.append(default / rrf - 1)
        rows.append(
            [name, f"{single:.4f}", f"{rrf:.4f}", f"{default:.4f}",
             f"{default - single:+.4f}", f"{gains[-1]:+.1%}"]
        )  # fmt: skip
    means = {
        method: fmean(methods[method].mean() for methods in outcomes.values())
        for method in ("rrf", "default")
    }
    rows.append(
        ["mean", "", f"{means['rrf']:.4f}", f"{means['default']:.4f}", "",
         f"{fmean(gains):+.1%} (of the means {means['default'] / means['rrf'] - 1:+.1%})"]
    )  # fmt: skip
    return aligned(rows)


def stages_table(outcomes: Outcomes) -> str:
    """Show nDCG@10 of each collection as stages are added, then of what was dropped."""
    names = list(outcomes)
    lines = []
    for title, plans in (("stages added one by one", ADDED), ("tried and dropped", DROPPED)):
        rows = [[f"{title}: nDCG@10", *names, "mean"]]
        for method in plans:
            values = [outcomes[name][method].mean() for name in names]
            rows.append([method, *(f"{value:.4f}" for value in values), f"{fmean(values):.4f}"])
        lines.append(aligned(rows))
    return "\n\n".join(lines)


def variants() -> dict[str, Plan]:
    """Return the plans that differ from the default in one weight of the grid."""
    return {
        f"{name} {value:g}": varied(DEFAULT, name, value)
        for name, values in GRID.items()
        for value in values
        if value != getattr(DEFAULT, name)
    }


def left_out_table(outcomes: Outcomes) -> str:
    """Show what each collection gets of the weights that the others would choose.

    Each weight of the grid is chosen by the other collections' mean gain over rank fusion,
    and all choices together are compared by `chosen` below with the default.
    """
    names = list(outcomes)
    rows = [["left out", "the others choose", "nDCG@10 then", "default", "over RRF then"]]
    for name in names:
        others = [one for one in names if one != name]
        choice = chosen(outcomes, others)
        value = outcomes[name][choice].mean()
        gain = value / outcomes[name]["rrf"].mean() - 1
        rows.append(
            [
                name,
                choice,
                f"{value:.4f}",
                f"{outcomes[name]['default'].mean():.4f}",
                f"{gain:+.1%}",
            ]
        )
    return aligned(rows)


def chosen(outcomes: Outcomes, names: Sequence[str]) -> str:
    """Return the method, the default or a variant of it, with the best mean gain over RRF."""

    def gain(method: str) -> float:
        return fmean(outcomes[one][method].mean() / outcomes[one]["rrf"].mean() for one in names)

    return max(("default", *variants()), key=gain)


def all_plans() -> dict[str, Plan]:
    """Return every plan that the report shows."""
    return {**METHODS, **ADDED, **DROPPED, **variants()}


def records(outcomes: Outcomes) -> Iterator[dict[str, Any]]:
    """Yield a line for a log: values and seconds of each method on each collection."""
    for name, methods in outcomes.items():
        for method, outcome in methods.items():
            yield {"collection": name, "method": method, **asdict(outcome)}
