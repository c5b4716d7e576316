"""What all figures have in common: their table, colours, hatches and dashes.

They are made with the light palette; the page's script swaps the colours in the dark.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# After Okabe & Ito (2008), with a contrast of 3:1 at least. The first six, which runs have, are
# 11 or more apart in CIELAB as the colour-blind see them (Machado et al. 2009).
LIGHT = tuple(
    "#0072b2 #d55e00 #008f68 #b0568c #5e4200 #24292e #7a6fd0 #a3302b #00798c #74800f".split()
)
DARK = tuple(
    "#56b4e9 #ff9a4d #2bc99a #d47fb5 #f2e06a #f4f6f8 #8f8cf0 #ff8a80 #5fd3e3 #b6d957".split()
)
_HATCHES = ("", "/", ".", "x", "-", "+")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "x")
GUIDE = "#7a828c"
_LONGEST_LABEL = 24


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under their headings."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A plot for the page, `height` pixels high, and what it shows as a table."""

    name: str
    title: str
    height: int
    spec: Mapping[str, Any]
    table: Table


def figure(
    name: str, title: str, height: int, traces: Any, layout: dict[str, Any], table: Table
) -> Figure:
    """Have plotly check the names and values; what is the same in all figures is the script's."""
    import plotly.graph_objects as go

    spec = go.Figure(data=traces, layout=layout).to_plotly_json()
    spec["layout"].pop("template", None)
    return Figure(name=name, title=title, height=height, spec=spec, table=table)


def filled(index: int) -> dict[str, Any]:
    """Return the marker of the bars of run or group `index`."""
    shape = {
        "shape": _HATCHES[index % len(_HATCHES)],
        "fillmode": "overlay",
        "size": 6,
        "solidity": 0.25,
    }
    return {"color": LIGHT[index % len(LIGHT)], "pattern": shape}


def line_and_marker(index: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the line of run `index` and the marker of its points."""
    colour = LIGHT[index % len(LIGHT)]
    return (
        {"color": colour, "width": 2, "dash": _DASHES[index % len(_DASHES)]},
        {"color": colour, "size": 8, "symbol": _SYMBOLS[index % len(_SYMBOLS)]},
    )


def label(text: str) -> str:
    """Return text as a label shows it: as text, though plotly reads some HTML, and not too long."""
    short = text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
    return html.escape(short)
