"""Puts figures, tables and cases into the template, and the page on disk.

What comes from questions, papers and models is hostile until escaped: the template escapes
all text, JSON inside of a script stays inert, and the page's own policy lets no script run
but the two that are known by their hash, and no request be made.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import AssistantError, InputError
from evals.compare import Comparison, Flip, compare
from evals.log import RunLog
from evals.report.cases import ShownCase, decimals, shown_cases
from evals.report.confidence_figures import calibration_figure, calibration_summary, risk_figure
from evals.report.data import NOT_SCORED, Run, asked_alike, load_runs
from evals.report.header import details, header
from evals.report.look import DARK, LIGHT, Table
from evals.report.quality import measure
from evals.report.quality_figures import quality_figures, quality_table
from evals.report.spread_figures import score_figures, seconds_figures
from evals.scoring import Scoring

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent
# With plotly.js, which has 4.8 MB, the page stays below 6 MB.
CASES_BYTES = 900_000
# Of these, less is better.
_LOWER_IS_BETTER = frozenset({"aurc", "loss", "unsupported", "violations", "wrong_abstention"})


@dataclass(frozen=True, kw_only=True)
class ShownFlip:
    """A question whose metrics flipped; `anchor` is empty where its case isn't shown."""

    id: str
    question: str
    changes: tuple[str, ...]
    anchor: str


def render(
    logs: Sequence[RunLog], scoring: Scoring | None = None, entailment: str = "features"
) -> str:
    """Return the page of the logs as HTML.

    Raises:
        AssistantError: what it is drawn with isn't installed.
        InputError: there are too many logs, or none.
    """
    scoring = scoring or Scoring()
    runs = load_runs(logs, scoring)
    library, templates = _plotting_library(), _templates()
    comparison = compare(runs[0].log, runs[1].log, scoring=scoring) if runs[1:] else None
    quality = measure(runs)
    figures = {
        "quality": quality_figures(runs, quality),
        "calibration": [calibration_figure(runs)],
        "risk": [risk_figure(runs)],
        "seconds": seconds_figures(runs),
    }
    scores = score_figures(runs)
    if len(runs) == 1:  # beside each other, where else the runs are
        scores = [[one for group in scores for one in group]]
    cases = _as_many_as_fit(shown_cases(runs, comparison), templates, several=len(runs) > 1)
    script = (_FOLDER / "page.js").read_text(encoding="utf-8")
    return templates.get_template("page.html.jinja").render(
        runs=runs,
        header=header(runs),
        details={part: details(runs, part) for part in ("settings", "prompts")},
        figures=figures,
        scores=scores,
        specs={one.name: one.spec for group in (*figures.values(), *scores) for one in group},
        all_metrics=quality_table(runs, quality, quality.metrics),
        lower_is_better=[one.label for one in quality.metrics if one.name in _LOWER_IS_BETTER],
        entailment=entailment,
        calibration=calibration_summary(runs, quality),
        differences=None if comparison is None else _differences(runs, comparison),
        flips=() if comparison is None else _flips(comparison, [case for case, _ in cases]),
        unpaired=() if comparison is None else comparison.unpaired,
        cases=[text for _, text in cases],
        asked=len({question.id for run in runs for question in run.log.questions}),
        asked_alike=asked_alike(runs),
        types=quality.types[:-1],
        light=LIGHT,
        dark=DARK,
        library=library,
        script=script,
        hashes=[_hash(library), _hash(script)],
    )


def _as_many_as_fit(
    cases: Iterable[ShownCase], templates: "Environment", *, several: bool
) -> list[tuple[ShownCase, str]]:
    """Return the cases that come first, with their HTML, ordered by how bad they are."""
    template = templates.get_template("case.html.jinja")
    kept, size = [], 0
    for case in cases:
        text = template.render(case=case, several=several)
        size += len(text.encode("utf-8", errors="replace"))
        if size > CASES_BYTES:
            break
        kept.append((case, text))
    return sorted(kept, key=lambda one: -one[0].badness)


def write(page: str, path: Path, logs: Sequence[Path]) -> None:
    """Write the page in one go, in place of an earlier one.

    Raises:
        InputError: `path` is no name of a page, or of one of the logs, or can't be written.
    """
    is_log = path.resolve() in {log.resolve() for log in logs}
    if is_log or path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path} is no name for the page; let it end in .html.")
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A model may write half of a character's code, which has no form on disk.
        partial.write_bytes(page.encode("utf-8", errors="replace"))
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{path} can't be written ({error}); name another with --out.") from error


def _plotting_library() -> str:
    """Return plotly.js as plotly ships it."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise AssistantError(_missing("plotly")) from error
    return str(get_plotlyjs())


def _templates() -> "Environment":
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise AssistantError(_missing("jinja2")) from error
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # NaN is no JSON: better to fail here than in the reader's browser.
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False}
    environment.globals["not_scored"] = NOT_SCORED
    return environment


def _missing(package: str) -> str:
    return f"The page needs {package}, which is not installed; run 'pip install {package}'."


def _hash(script: str) -> str:
    """Return the source expression by which a policy knows an inline script (CSP Level 3)."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _differences(runs: Sequence[Run], comparison: Comparison) -> Table:
    before, after = runs[0].label, runs[1].label
    rows = tuple(
        (
            one.metric, str(one.n), decimals(one.before), decimals(one.after),
            _shown(one.change, "+.3f"), _shown(one.p, ".4f"),
            str(one.only_before), str(one.only_after),
        )
        for one in comparison.differences
    )  # fmt: skip
    change, alone = f"{after} − {before}", (f"only {before}", f"only {after}")
    return Table(headings=("metric", "n", before, after, change, "p", *alone), rows=rows)


def _shown(value: float | None, form: str) -> str:
    return NOT_SCORED if value is None else format(value, form)


def _flips(comparison: Comparison, cases: Sequence[ShownCase]) -> list[ShownFlip]:
    anchors = {case.question.id: case.anchor for case in cases}
    flips: dict[str, list[Flip]] = {}
    for flip in comparison.flips:
        flips.setdefault(flip.id, []).append(flip)
    return [
        ShownFlip(
            id=name,
            question=own[0].question,
            changes=tuple(_change(flip) for flip in own),
            anchor=anchors.get(name, ""),
        )
        for name, own in flips.items()
    ]


def _change(flip: Flip) -> str:
    is_better = (flip.after > flip.before) != (flip.metric in _LOWER_IS_BETTER)
    change = f"{flip.metric} {decimals(flip.before)} → {decimals(flip.after)}"
    return f"{change} ({'better' if is_better else 'worse'})"
