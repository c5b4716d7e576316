"""`python -m evals run --suite NAME …`: another way to say `python -m evals NAME …`."""

from collections.abc import Sequence

import click

FIXED = "fixed"
SUITES = (FIXED, "retrieval", "claims", "pubmedqa", "hostile", "peers")

# The value is not handed on: what another suite takes is for its own command to read.
option = click.option(
    "--suite",
    type=click.Choice(SUITES),
    default=FIXED,
    show_default=True,
    expose_value=False,
    help="What to run; each takes its own options: python -m evals SUITE --help.",
)


def dispatched(args: Sequence[str]) -> list[str]:
    """Return `run --suite NAME …` as `NAME …`, and all else as it is.

    ["run", "--suite", "hostile", "--limit", "3"] → ["hostile", "--limit", "3"]
    """
    if not args or args[0] != "run":
        return list(args)
    rest: list[str] = []
    chosen = ""
    words = iter(args[1:])
    for word in words:
        name, equals, value = word.partition("=")
        if name == "--suite" and not chosen:
            chosen = value if equals else next(words, "")
        else:
            rest.append(word)
    if chosen in SUITES and chosen != FIXED:
        return [chosen, *rest]
    return list(args)
