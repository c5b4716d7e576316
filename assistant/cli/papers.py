"""Commands that look after the library: `add`, `sync`, `list`, `show`, `export` and more."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assistant.cli.common import filter_options, json_option, line, open_library, print_json
from assistant.errors import InputError

if TYPE_CHECKING:
    from assistant.filters import Filter
    from assistant.types import AddReport, SyncReport

EXPORTS = ("bibtex", "ris", "csl-json", "jsonl")


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--bundled", is_flag=True, help="Add the bundled sample of 140 summaries.")
@click.option("--if-empty", is_flag=True, help="Do nothing where the library has papers.")
@click.option("--no-vectors", is_flag=True, help="End once words find the papers; see 'index'.")
@click.option("--strict", is_flag=True, help="Exit with 1 where any record was skipped.")
@click.option("--ray", metavar="ADDRESS", help="Read and embed on a Ray cluster; 'local': here.")
@click.option("--actors", type=click.IntRange(min=1), help="With --ray: how many embed at once.")
@json_option
def add(
    files: Sequence[Path],
    bundled: bool,
    if_empty: bool,
    no_vectors: bool,
    strict: bool,
    ray: str | None,
    actors: int | None,
    as_json: bool,
) -> None:
    """Add the papers of FILES to the library.

    Any export is known by its content, gzipped or not: BibTeX, RIS, PubMed .nbib and XML, CSV
    and TSV, arXiv, OpenAlex and Semantic Scholar JSON, Web of Science, JSON lines, daily-papers
    pages. A folder means all files below it, "-" standard input.

    Interrupted, it loses nothing: papers are found by their words as soon as they are stored,
    and 'assistant index' finishes their vectors.

    With --ray, for millions of papers, files are read and vectors computed by the workers of a
    Ray cluster (auto: the one that this machine is a node of), with files, package and models at
    the same paths on all of them. This process alone writes; given again, it goes on.
    """
    _check_workers(files, ray, actors, no_vectors=no_vectors)
    if not files and not bundled:
        raise click.UsageError("Name a file to add, or use --bundled.")
    with open_library() as assistant:
        reports = []
        if if_empty and assistant.count():
            assistant.index()
        else:
            if bundled:
                reports.append(assistant.add_bundled())
            if files and ray:
                tell = partial(click.echo, err=True)
                reports.append(assistant.add_in_bulk(*files, address=ray, actors=actors, say=tell))
            elif files:
                reports.append(assistant.add(*files, vectors=not no_vectors))
        count = assistant.count()
    report(reports, count, as_json=as_json, strict=strict)


def _check_workers(
    files: Sequence[Path], ray: str | None, actors: int | None, *, no_vectors: bool
) -> None:
    if actors and not ray:
        raise click.UsageError("--actors says how many embed on a Ray cluster; add --ray local.")
    if ray and (no_vectors or not files):
        raise click.UsageError("--ray reads FILES and computes their vectors; name some.")
    if ray and Path("-") in files:
        raise click.UsageError("Workers can't read this process's standard input; name a file.")


def report(
    reports: "Sequence[AddReport]", count: int, *, as_json: bool = False, strict: bool = False
) -> None:
    """Print what became of the records that were read.

    Raises:
        click.ClickException: nothing went in, or with `strict` not all.
    """
    if as_json:
        merged: dict[str, Any] = {}
        for one in reports:
            for name, value in one.to_dict().items():
                merged[name] = merged[name] + value if name in merged else value
        print_json(merged | {"papers": count})
    for one in () if as_json else reports:
        _print_report(one)
    if not as_json:
        click.echo(f"{count:,} papers in the library")
    if reports and not any(one.kept for one in reports):
        raise click.ClickException("Nothing went in; see the reasons above.")
    skipped = sum(one.skipped for one in reports)
    if strict and skipped:
        raise click.ClickException(f"{skipped} records were skipped; see the reasons above.")


def _print_report(one: "AddReport") -> None:
    for problem in one.problems:
        click.echo(f"{'skipped' if problem.skipped else 'note'}: {problem}", err=True)
    if one.skipped > len(one.problems):
        click.echo(f"… and {one.skipped - len(one.problems):,} more skipped", err=True)
    for merged in one.near_duplicates:
        click.echo(f"merged: {merged}", err=True)
    for notice in one.notices:
        click.echo(f"Note: {notice}", err=True)
    click.echo(str(one))
    if one.pending:
        click.echo(
            f"{one.pending:,} papers are found by their words only as yet; "
            "'assistant index' finishes their vectors."
        )


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Remove what vanished from the folder.")
@json_option
def sync(folder: Path, yes: bool, as_json: bool) -> None:
    """Bring the library in step with FOLDER: add what is new, remove what vanished.

    What would go is shown; it goes with --yes only. A paper that another file gave too stays,
    and so does one whose file is there but damaged.
    """
    with open_library() as assistant:
        result = assistant.sync(folder, remove=yes)
        count = assistant.count()
    if as_json:
        print_json(result.to_dict() | {"papers": count})
        return
    _print_report(result.added)
    _print_vanished(result, yes=yes)
    click.echo(f"{count:,} papers in the library")


def _print_vanished(result: "SyncReport", *, yes: bool) -> None:
    for name in result.held_back:
        click.echo(f"note: {name} is damaged; what it gave before stays", err=True)
    for paper in result.vanished:
        click.echo(f"{'removed' if yes else 'gone from the folder'}: {line(paper)}")
    if result.kept_elsewhere:
        click.echo(f"{result.kept_elsewhere} more are gone from it, but another file has them")
    if result.vanished and not yes:
        click.echo(f"{len(result.vanished)} papers stay until you add --yes")


@click.command(name="list")
@filter_options
@json_option
def list_papers(as_json: bool, only: "Filter | None") -> None:
    """List the papers of the library."""
    with open_library() as assistant:
        for paper in assistant.papers(only):
            if as_json:
                print_json(paper.reference())
            else:
                click.echo(line(paper))


@click.command()
@click.argument("paper_id")
@json_option
def show(paper_id: str, as_json: bool) -> None:
    """Show one paper whole."""
    with open_library() as assistant:
        paper = assistant.paper(paper_id)
        if paper is None:
            raise InputError(f"There is no paper {paper_id!r}; 'assistant list' shows the ids.")
        sources = assistant.catalog.sources([paper_id])[paper_id]
    if as_json:
        print_json(paper.to_dict() | {"sources": sources})
        return
    click.echo(line(paper))
    for name in ("authors", "venue", "link"):
        value = getattr(paper, name)
        if value:
            click.echo(", ".join(value) if isinstance(value, tuple) else value)
    click.echo(f"from: {', '.join(sources)}\n\n{paper.abstract}")


@click.command()
@click.argument("paper_ids", nargs=-1)
@click.option("--bundled", is_flag=True, help="Remove the bundled sample.")
@json_option
def remove(paper_ids: Sequence[str], bundled: bool, as_json: bool) -> None:
    """Take papers out of the library, by id."""
    with open_library() as assistant:
        wanted = list(paper_ids)
        if bundled:
            wanted += [paper.id for paper in assistant.papers() if paper.is_summary]
        if not wanted:
            raise click.UsageError("Name an id ('assistant list' shows them), or use --bundled.")
        removed = assistant.remove(*wanted)
    if as_json:
        print_json({"removed": removed})
    else:
        click.echo(f"{removed} removed")
    if not removed:
        raise click.ClickException("None of these ids is in the library.")


@click.command()
@click.option("-f", "--format", "kind", type=click.Choice(EXPORTS), help="By default as FILE ends.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="FILE to write; else print.")
@filter_options
def export(kind: str | None, output: Path | None, only: "Filter | None") -> None:
    """Write papers as BibTeX, RIS, CSL-JSON or JSON lines, abstracts included."""
    from assistant.exports import guess_format

    if kind is None:
        kind = guess_format(output.name) if output else "bibtex"
        if kind is None:
            raise click.UsageError(f"Name a format with --format: {', '.join(EXPORTS)}.")
    with open_library() as assistant:
        pieces = assistant.export(kind, only)
        if output is None:
            for piece in pieces:
                click.echo(piece, nl=False)
            return
        half = output.with_name(output.name + ".part")
        with half.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        half.replace(output)
    click.echo(f"{output} written", err=True)


@click.command()
def index() -> None:
    """Finish what an interrupted or quick `add` left: words, then vectors."""
    with open_library() as assistant:
        left = assistant.index()
        count = assistant.count()
    click.echo(f"{count - left:,} of {count:,} papers are found by words and by meaning")


@click.command()
def reembed() -> None:
    """Compute all vectors with the embedder of the settings; the old ones serve meanwhile.

    Interrupted, it goes on where it was.
    """
    with open_library() as assistant:
        done = assistant.reembed()
        name = assistant.library.embedder_name
    if done:
        click.echo(f"{done:,} papers have vectors of {name} now")
    else:
        click.echo(f"The vectors are of {name} already")
