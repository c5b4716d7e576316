"""Commands on past answers: `cite`, `trace`, `cache`."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from assistant.cli.common import json_option, open_library, print_json
from assistant.errors import InputError

FORMATS = ("markdown", "bibtex", "csl-json", "ris")
LISTED = ("answer_id", "question", "status", "model")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
STAGES = (
    ("condense", "rewritten to stand alone"),
    ("retrieve", "papers found"),
    ("select", "sentences chosen"),
    ("decide", "whether they answer"),
    ("write", "written by the model"),
    ("verify", "checked against the papers"),
    ("judge", "judged by the model"),
    ("extract", "quoted from the papers"),
)


@click.command()
@click.argument("answer")
@click.option("-f", "--format", "kind", type=click.Choice(FORMATS), default="markdown")
@click.option("--style", default="", help="A CSL style for Markdown: apa, ieee, …, or a .csl file.")
def cite(answer: str, kind: str, style: str) -> None:
    """Write ANSWER with its references, or the papers it cites.

    ANSWER is a file that 'assistant ask --json' wrote, the id of a past answer, or "last".
    """
    if style and kind != "markdown":
        raise click.UsageError("--style is for Markdown; leave --format away.")
    path = Path(answer)
    with open_library() as assistant:
        text = assistant.cite(_read(path) if path.is_file() else answer, kind, style)
    click.echo(text, nl=False)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(
            f"{path}: not an answer's JSON ({error}); write it with 'assistant ask --json'."
        ) from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: not one answer; write it with 'assistant ask --json'.")
    return found


@click.command()
@click.argument("answer_id", required=False)
@click.option(
    "-n", "limit", default=20, show_default=True, type=click.IntRange(1), help="List so many."
)
@json_option
def trace(answer_id: str | None, limit: int, as_json: bool) -> None:
    """Show how a past answer came about; without ANSWER_ID ("last", or an id) list them."""
    with open_library() as assistant:
        if answer_id:
            found = assistant.answers.get(answer_id)
            if as_json:
                print_json(found)
            else:
                for line in tree(found):
                    click.echo(_CONTROLS.sub(" ", line))  # what a model wrote can be anything
            return
        recent = list(assistant.answers.recent())
    if as_json:
        for one in recent[:limit]:
            print_json(
                {name: one.get(name) for name in ("answer_id", "question", "status", "model")}
            )
        return
    for one in recent[:limit]:
        click.echo(_CONTROLS.sub(" ", f"{one['answer_id']}  {one['status']:9}  {one['question']}"))
    for line in spent(recent):
        click.echo(line)
    if not recent:
        click.echo(
            "No past answers are kept; ask something (ASSISTANT_ANSWERS_KEPT says how many)."
        )


@click.group()
def cache() -> None:
    """Look at the answers that are given again, or forget them."""


@cache.command(name="show")
@json_option
def cache_show(as_json: bool) -> None:
    """Show how many answers there are, and how much they may take."""
    with open_library() as assistant:
        count, size = assistant.cache.size()
        limit = assistant.settings.cache_mb
    if as_json:
        print_json({"answers": count, "bytes": size, "limit_mb": limit})
    else:
        click.echo(f"{count:,} answers, {size / 1e6:.2f} of {limit:g} MB (ASSISTANT_CACHE_MB)")


@cache.command(name="clear")
def cache_clear() -> None:
    """Forget them; the next time they are made anew."""
    with open_library() as assistant:
        click.echo(f"{assistant.cache.clear():,} answers forgotten")


def spent(answers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each model that was paid for: requests, tokens, US dollars."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for answer in answers:
        told = answer.get("trace") or {}
        tokens = told.get("tokens") or {}
        if not told.get("paid") or not tokens.get("requests"):
            continue
        total = sums[told["paid"]]
        for name, count in tokens.items():
            total[name] += count
        total["usd"] += told.get("usd") or 0.0
        total["unpriced"] += told.get("usd") is None
    for model, total in sums.items():
        price = f"{total['usd']:.4f} US dollars"
        if total["unpriced"]:
            price += f" and {total['unpriced']:.0f} answers of unknown price"
        yield (
            f"\n{model}: {total['requests']:,.0f} requests, {total['prompt']:,.0f} tokens read, "
            f"{total['completion']:,.0f} written, {price}"
        )


def tree(answer: Mapping[str, Any]) -> list[str]:
    """Return the lines of an answer's stages, each with what it found."""
    told = answer["trace"]
    seconds = answer["seconds"]
    lines = [f"{answer.get('answer_id', '')}  {answer['question']}"]
    if told.get("cached_from"):
        lines.append(f"├─ cache: as answered before ({told['cached_from']})")
    done = [(name, what) for name, what in STAGES if name in seconds]
    for name, what in done:
        details = list(_DETAILS[name](answer, told)) if name in _DETAILS else []
        lines.append(f"├─ {name}: {what}, {seconds[name]:.3f} s")
        lines += [f"│  {'└─' if one is details[-1] else '├─'} {one}" for one in details]
    lines.append(
        f"└─ {answer['status']}, confidence {answer['confidence']:.2f}, "
        f"{answer['model']}, {seconds.get('total', 0.0):.3f} s"
    )
    end = [" ".join(answer["text"].split())]
    end += [f"[{one['number']}] {one['paper']['title']}" for one in answer["citations"]]
    end += [f"note: {notice}" for notice in answer["notices"]]
    return lines + [f"   {'└─' if one is end[-1] else '├─'} {one}" for one in dict.fromkeys(end)]


def _condense(answer: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[str]:
    if told["standalone_question"] != answer["question"]:
        yield told["standalone_question"]


def _retrieve(_answer: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[str]:
    for hit in told["hits"]:
        scores = ", ".join(f"{name} {score:.2f}" for name, score in hit["scores"].items())
        yield f"{hit['score']:.3f}  {hit['title']}  ({scores})"


def _select(answer: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[str]:
    for one in answer["evidence"]:
        yield f"[{one['key']}] {one['sentence']}"
    for one in told.get("flagged", ()):
        yield f"passed over, speaks to the model: {one['text']!r}"


def _decide(_answer: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[str]:
    for name, value in told["answerability"].items():
        yield f"{name} {value:.3f}"


def _write(_answer: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in told["prompts"].items())
    yield f"prompts: {versions}"
    yield f"draft: {' '.join(told['draft'].split())}"
    tokens = ", ".join(f"{name} {count:,}" for name, count in told["tokens"].items())
    cost = "" if told.get("usd") is None else f", {told['usd']:.6f} US dollars"
    yield f"tokens: {tokens or 'unknown'}{cost}"


def _verify(_answer: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[str]:
    for one in told["rejected"]:
        yield f"dropped ({one['score']:.2f}): {one['text']}  — {'; '.join(one['reasons'])}"


_DETAILS = {
    "condense": _condense,
    "retrieve": _retrieve,
    "select": _select,
    "decide": _decide,
    "write": _write,
    "verify": _verify,
}
