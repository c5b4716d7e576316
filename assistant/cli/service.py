"""Commands that serve and check: `ui`, `serve`, `mcp`, `doctor`."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from assistant.adapters.allocator import give_memory_back
from assistant.cli.common import Progress, json_option, open_library, print_json
from assistant.cli.papers import report


@click.command()
@click.option("--host", default=None, help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", default=None, type=int, help="Port to listen on.  [default: 7860]")
@click.option("--open", "open_browser", is_flag=True, help="Open a browser.")
@click.option("--sample", is_flag=True, help="Add the bundled sample where it never was.")
@click.option(
    "--add", "files", multiple=True, type=click.Path(path_type=Path), help="Add a file first."
)
def ui(
    host: str | None, port: int | None, open_browser: bool, sample: bool, files: Sequence[Path]
) -> None:
    """Serve the chat page."""
    give_memory_back()
    with open_library() as assistant:
        if files:
            # Vectors are computed beside the page, which answers by words meanwhile.
            report([assistant.add(*files, vectors=False)], assistant.count())
        if sample and assistant.offer_sample():
            click.echo("Added the bundled library: summaries of 140 machine-learning papers.")
        assistant.library.embedder()  # The chat model is fetched beside the page.
        from assistant.web import serve

        settings = assistant.settings
        serve(
            assistant,
            host=host or settings.host,
            port=settings.port if port is None else port,
            open_browser=open_browser,
            on_ready=lambda address: click.echo(f"The chat page is at {address} (Ctrl-C ends it)."),
        )


@click.command()
@click.option("--host", default=None, help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", default=None, type=int, help="Port to listen on.  [default: 7860]")
@click.option("--no-page", is_flag=True, help="Only the endpoints, without the chat page.")
def serve(host: str | None, port: int | None, no_page: bool) -> None:
    """Serve HTTP: OpenAI-compatible /v1, /ask, /search, /papers, and the chat page.

    Beyond this machine it needs ASSISTANT_TOKEN. The endpoints are described at /docs.
    """
    from assistant.http.server import serve as run

    give_memory_back()
    with open_library() as assistant:
        settings = assistant.settings
        assistant.fetch_models()
        run(
            assistant,
            host=host or settings.host,
            port=settings.port if port is None else port,
            with_page=not no_page,
            on_ready=lambda address: click.echo(
                f"Serving at {address} (Ctrl-C ends it): {address}/v1 for OpenAI clients, "
                f"{address}/docs for the rest."
            ),
        )


@click.command()
def mcp() -> None:
    """Serve the tools ask, search_papers and get_paper to an MCP client over stdio.

    Needs the extra mcp. 'assistant serve' gives the same tools at /mcp.
    """
    from assistant.mcp.server import serve_stdio

    give_memory_back()
    with open_library() as assistant:
        serve_stdio(assistant)


@click.command()
@click.option(
    "--repair",
    is_flag=True,
    help="Fetch damaged models; save what is whole of what the home keeps.",
)
@click.option(
    "--rebuild", is_flag=True, help="Save what is whole of the papers, and make all indexes anew."
)
@click.option("--quick", is_flag=True, help="Trust file sizes instead of hashing models.")
@json_option
def doctor(repair: bool, rebuild: bool, quick: bool, as_json: bool) -> None:
    """Check that everything works, and name the command that repairs each fault."""
    from assistant import doctor as surgery

    bar = Progress()
    for wanted, work in ((repair, surgery.repair), (rebuild, surgery.rebuild)):
        for line in work(bar) if wanted else ():
            bar.close()
            click.echo(line, err=True)
    checks = surgery.examine(quick=quick)
    if as_json:
        print_json([vars(check) for check in checks])
    for check in () if as_json else checks:
        mark = {"ok": "ok   ", "note": "note ", "fault": "FAULT"}[check.state]
        click.echo(f"{mark} {check.name}: {check.detail}")
        if check.repair and check.state != "ok":
            click.echo(f"      → {check.repair}")
    if any(check.state == "fault" for check in checks):
        sys.exit(1)
