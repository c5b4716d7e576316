"""What all figures have in common: their table, colours, hatches and dashes.

They are made with the light palette; the page's script swaps the colours in the dark.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Okabe & Ito's colours (2008), darkened or lightened to a contrast of 3:1 at least; no two
# of them look alike to the colour-blind beside each other, and hatches and dashes differ, too.
LIGHT = ("#0072b2", "#d55e00", "#008f68", "#b0568c", "#8a6500", "#5c6670", "#3f3d9e", "#a3302b")
DARK = ("#56b4e9", "#ff9a4d", "#2bc99a", "#e394c4", "#e6cf52", "#aab4c0", "#a5a3ff", "#ff8a80")
_HATCHES = ("", "/", ".", "x", "-", "+")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "x")
GUIDE = "#7a828c"


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
    shape = {"shape": _HATCHES[index % len(_HATCHES)], "fillmode": "overlay", "size": 6, "solidity": 0.25}
    return {"color": LIGHT[index % len(LIGHT)], "pattern": shape}


def line_and_marker(index: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the line of run `index` and the marker of its points."""
    colour = LIGHT[index % len(LIGHT)]
    return (
        {"color": colour, "width": 2, "dash": _DASHES[index % len(_DASHES)]},
        {"color": colour, "size": 8, "symbol": _SYMBOLS[index % len(_SYMBOLS)]},
    )
