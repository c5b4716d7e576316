"""The cases as the page shows them: each question once, its runs side by side, the worst first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.text.cleaning import title_key
from evals.compare import Comparison
from evals.log import asked
from evals.questions import Question
from evals.report.data import (
    NOT_SCORED,
    Run,
    decided_confidence,
    number,
    stage_seconds,
    was_right,
)
from evals.scoring.base import Answer

# Bounds for the size of a case.
MOST_ENTRIES = 10
LONGEST_TEXT = 1200


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric as shown."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """A paper's sentence, or a paper alone: what it is to the answer, and its scores."""

    title: str
    text: str = ""
    link: str = ""
    mark: str = ""
    is_gold: bool = False
    scores: str = ""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A paper found, and its scores in the order of `Reply.hit_scores`."""

    title: str
    is_gold: bool
    scores: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence of the answer and what it cites."""

    text: str
    sources: tuple[Source, ...]
    supported: bool = True


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """Text that was dropped, or flagged in a paper, and why."""

    text: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What one run made of a question.

    `outcome` is "right", "wrong", "not scored" or "error".
    """

    label: str
    outcome: str
    error: str = ""
    status: str = ""
    confidence: str = NOT_SCORED
    model: str = ""
    standalone: str = ""
    sentences: tuple[Sentence, ...] = ()
    scores: tuple[Score, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    evidence: tuple[Source, ...] = ()
    hits: tuple[Hit, ...] = ()
    hit_scores: tuple[str, ...] = ()
    seconds: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ShownCase:
    """A question with the replies of all runs that were asked it."""

    anchor: str
    question: Question
    replies: tuple[Reply, ...]
    flipped: tuple[str, ...]
    badness: float

    @property
    def outcomes(self) -> frozenset[str]:
        """What the filter of outcomes goes by."""
        named = {reply.outcome for reply in self.replies}
        return frozenset(named | ({"flipped"} if self.flipped else set()))


def shown_cases(runs: Sequence[Run], comparison: Comparison | None) -> Iterator[ShownCase]:
    """Yield the cases, those that flipped and then the others, each the worst first.

    Worst are errors, then wrong replies, the surest first. Runs in which a question reads
    differently are shown apart.
    """
    flips: dict[str, list[str]] = {}
    for flip in comparison.flips if comparison else ():
        flips.setdefault(flip.id, []).append(flip.metric)
    groups: dict[Any, list[tuple[Run, Question]]] = {}
    for run in runs:
        for question in run.log.questions:
            if question.id in run.log.cases:
                groups.setdefault((question.id, asked(question)), []).append((run, question))
    ordered = sorted(groups.values(), key=lambda one: (one[0][1].id not in flips, -_badness(one)))
    for place, group in enumerate(ordered, start=1):
        yield ShownCase(
            anchor=f"case-{place}",
            question=group[0][1],
            replies=tuple(reply(run, question) for run, question in group),
            flipped=tuple(flips.get(group[0][1].id, ())),
            badness=_badness(group),
        )


def _badness(group: Sequence[tuple[Run, Question]]) -> float:
    """Return 3 for an error, 1 to 2 for a wrong reply by its confidence, 0 for a right one."""
    return sum(_badness_of(run, question) for run, question in group) / len(group)


def _badness_of(run: Run, question: Question) -> float:
    answer = run.log.cases[question.id].answer
    if answer is None:
        return 3.0
    right = was_right(question, answer, run.scores[question.id])
    if right is None:
        return 0.5
    return 0.0 if right else 1 + (decided_confidence(answer) or 0.0)


def reply(run: Run, question: Question) -> Reply:
    """Return what the run made of the question, as text."""
    case = run.log.cases[question.id]
    scores = run.scores[question.id]
    answer = case.answer
    if answer is None:
        return Reply(label=run.label, outcome="error", error=_clipped(case.error))
    right = was_right(question, answer, scores)
    trace = answer.get("trace") or {}
    seconds = [*stage_seconds(answer).items(), ("total", answer["seconds"].get("total"))]
    standalone = trace.get("standalone_question", "")
    found = [(one, _scores_of(one)) for one in (trace.get("hits") or ())[:MOST_ENTRIES]]
    columns = tuple(dict.fromkeys(name for _, given in found for name in given))
    return Reply(
        label=run.label,
        outcome="not scored" if right is None else "right" if right else "wrong",
        status=str(answer.get("status", "")),
        confidence=decimals(number(answer.get("confidence"))),
        model=_clipped(answer.get("model", "")),
        standalone="" if standalone == question.question else _clipped(standalone),
        sentences=tuple(_sentences(answer, question)),
        scores=tuple(
            Score(name=name, value=decimals(one.value), reason=_clipped(one.reason))
            for name, one in scores.items()
        ),
        dropped=tuple(_dropped(trace)),
        evidence=tuple(
            _source(one, question, mark=str(one.get("key", "")))
            for one in (answer.get("evidence") or ())[:MOST_ENTRIES]
        ),
        hits=tuple(
            Hit(
                title=_clipped(one.get("title", "")),
                is_gold=title_key(str(one.get("title", ""))) in question.gold_keys,
                scores=tuple(given.get(name, NOT_SCORED) for name in columns),
            )
            for one, given in found
        ),
        hit_scores=columns,
        seconds=tuple((name, decimals(number(value))) for name, value in seconds),
        notices=tuple(_clipped(one) for one in answer.get("notices") or ()),
    )


def _sentences(answer: Answer, question: Question) -> Iterator[Sentence]:
    """Yield the claims with their citations; the whole text where it was not split into claims."""
    cited = answer.get("citations") or ()
    claims = answer.get("claims") or ()
    if not claims:
        sources = tuple(_citation(one, question) for one in cited[:MOST_ENTRIES])
        yield Sentence(text=_clipped(answer.get("text", "")), sources=sources)
    for claim in claims:
        sources = tuple(
            _citation(one, question) for one in cited if one.get("claim") == claim["text"]
        )
        yield Sentence(
            text=_clipped(claim["text"]),
            sources=sources[:MOST_ENTRIES],
            supported=claim.get("supported", True),
        )


def _citation(citation: Mapping[str, Any], question: Question) -> Source:
    support = f"support {decimals(number(citation.get('support')))}"
    tier = f" ({citation['tier']})" if citation.get("tier") else ""
    source = _source(citation, question, mark=f"[{citation.get('number', '')}]")
    is_verbatim = citation.get("sentence") == citation.get("claim")
    return Source(
        title=source.title,
        text="word for word" if is_verbatim else f"“{source.text}”" if source.text else "",
        link=source.link,
        mark=source.mark,
        is_gold=source.is_gold,
        scores=support + tier,
    )


def _source(record: Mapping[str, Any], question: Question, mark: str) -> Source:
    """Return a sentence of evidence, or what cites it."""
    paper = record.get("paper") or {}
    title = str(paper.get("title", ""))
    return Source(
        title=_clipped(title),
        text=_clipped(record.get("sentence", "")),
        link=_web(paper.get("url")),
        mark=mark,
        is_gold=title_key(title) in question.gold_keys,
        scores=" · ".join(f"{name} {value}" for name, value in _scores_of(record).items()),
    )


def _scores_of(record: Mapping[str, Any]) -> dict[str, str]:
    given = {"score": record.get("score"), **(record.get("scores") or {})}
    return {name: decimals(number(value)) for name, value in given.items()}


def _dropped(trace: Mapping[str, Any]) -> Iterator[Dropped]:
    for one in (trace.get("rejected") or ())[:MOST_ENTRIES]:
        why = "; ".join(one.get("reasons") or ()) or "not supported"
        score = decimals(number(one.get("score")))
        yield Dropped(text=_clipped(one.get("text", "")), why=_clipped(f"{why} (score {score})"))
    unknown = trace.get("unknown_numbers") or ()
    if unknown:
        named = ", ".join(f"[{one}]" for one in unknown[:MOST_ENTRIES])
        yield Dropped(text=named, why="the model cited evidence that it was not given")
    for one in (trace.get("flagged") or ())[:MOST_ENTRIES]:
        why = f"odd in a paper's {one.get('field', 'text')}: {'; '.join(one.get('reasons') or ())}"
        yield Dropped(text=_clipped(one.get("text", "")), why=_clipped(why))


def decimals(value: float | None) -> str:
    """Return three decimals at most, or three figures of what is small: "0.5", "12", "0.0004".

    "n/a" where nothing was scored, which is not 0.
    """
    if value is None:
        return NOT_SCORED
    if 0 < abs(value) < 0.01:
        return f"{value:.3g}"
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _clipped(text: Any) -> str:
    whole = str(text)
    if len(whole) <= LONGEST_TEXT:
        return whole
    return f"{whole[:LONGEST_TEXT]}… ({len(whole) - LONGEST_TEXT:,} more characters)"


def _web(link: Any) -> str:
    """Return an address of the web, and nothing for any other, as "javascript:"."""
    address = str(link or "")
    return address if address.lower().startswith(("https://", "http://")) else ""
