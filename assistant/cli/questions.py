"""Commands that ask: `ask`, `search`, `chat`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assistant.cli.common import (
    filter_options,
    json_option,
    line,
    open_library,
    print_json,
    readable,
)
from assistant.errors import AssistantError, InputError

if TYPE_CHECKING:
    from assistant.app import Assistant
    from assistant.filters import Filter
    from assistant.types import Answer


@click.command()
@click.argument("question", required=False)
@click.option("--history", type=click.Path(path_type=Path), help="JSON file of earlier turns.")
@click.option("--batch", type=click.Path(path_type=Path), help="JSON lines of questions.")
@filter_options
@json_option
def ask(
    question: str | None,
    history: Path | None,
    batch: Path | None,
    as_json: bool,
    only: "Filter | None",
) -> None:
    """Answer QUESTION from the library, with citations."""
    if (question is None) == (batch is None):
        raise click.UsageError("Give one QUESTION, or --batch FILE.")
    with open_library() as assistant:
        if batch is not None:
            _ask_batch(assistant, batch, only)
            return
        turns = _read_history(history) if history else []
        if as_json:
            print_json(assistant.ask(question or "", turns, where=only).to_dict())
        else:
            _show_stream(assistant, question or "", turns, only)


def _ask_batch(assistant: "Assistant", batch: Path, only: "Filter | None") -> None:
    """Print one answer a line; a line that can't be answered gives its error instead."""
    with readable(batch).open(encoding="utf-8") as lines:
        for number, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            name: Any = number
            try:
                request = json.loads(text)
                name = request.get("id", number)
                turns = request.get("history") or []
                where = request.get("where") or only
                answer = assistant.ask(str(request["question"]), turns, where=where)
                result = {"id": name} | answer.to_dict()
            except (AssistantError, ValueError, KeyError, AttributeError, TypeError) as error:
                reason = str(error) if isinstance(error, AssistantError) else _badline(error)
                result = {"id": name, "error": f"{batch.name}, line {number}: {reason}"}
            print_json(result)
            sys.stdout.flush()


def _badline(error: Exception) -> str:
    return (
        f'this is not an object like {{"id": 1, "question": "…"}} ({type(error).__name__}); '
        "mend the line."
    )


def _read_history(path: Path) -> list[Any]:
    """Read turns from a JSON list, or from JSON lines."""
    text = readable(path).read_text(encoding="utf-8", errors="replace").strip()
    try:
        if text.startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise InputError(
            f'{path}: not a JSON list of {{"role", "content"}} turns ({error}); mend the file.'
        ) from error


def _show_stream(
    assistant: "Assistant", question: str, turns: Sequence[Any], only: "Filter | None" = None
) -> "Answer | None":
    """Print verified text as it comes, then the sources."""
    from assistant.text.tables import Terminal
    from assistant.types import AnswerEvent, StageEvent, TextEvent

    answer = None
    terminal = Terminal()
    for event in assistant.stream(question, turns, where=only):
        if isinstance(event, StageEvent) and sys.stderr.isatty():
            click.echo(f"\r\033[K({event.detail}…)", nl=False, err=True)
        elif isinstance(event, TextEvent):
            if sys.stderr.isatty():
                click.echo("\r\033[K", nl=False, err=True)
            click.echo(terminal.add(event.text), nl=False)
            sys.stdout.flush()
        elif isinstance(event, AnswerEvent):
            answer = event.answer
            click.echo(f"\n{answer.sources_text()}".rstrip("\n"))
    return answer


@click.command()
@click.argument("query")
@click.option("-k", "limit", default=10, show_default=True, type=click.IntRange(1, 1000))
@filter_options
@json_option
def search(query: str, limit: int, as_json: bool, only: "Filter | None") -> None:
    """Print the papers that fit QUERY, best first."""
    if not query.strip():
        raise click.UsageError("The query is empty.")
    with open_library() as assistant:
        hits = assistant.search(query, limit, where=only)
    if as_json:
        rows = [{"rank": rank, **hit.to_dict()} for rank, hit in enumerate(hits, start=1)]
        print_json({"query": query, "results": rows})
        return
    for rank, hit in enumerate(hits, start=1):
        click.echo(f"{rank:3}. {hit.score:.3f}  {line(hit.paper)}")
    if not hits:
        click.echo("Nothing fits.")


@click.command()
def chat() -> None:
    """Chat in the terminal; an empty line or Ctrl-D ends it."""
    with open_library() as assistant:
        turns: list[dict[str, str]] = []
        click.echo(f"{assistant.count()} papers. Ask a question; an empty line ends.")
        while True:
            try:
                question = input("\n> ").strip()
            except EOFError:
                break
            if not question:
                break
            try:
                answer = _show_stream(assistant, question, turns)
            except AssistantError as error:
                click.echo(str(error), err=True)
                continue
            if answer:
                turns.append({"role": "user", "content": question})
                turns.append({"role": "assistant", "content": answer.text})
