"""The map as a Plotly figure and as a legend; pure functions.

The figure is plain data: Gradio brings Plotly's script along, and its Python package isn't needed.
"""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.mapping import Dot, LibraryMap
from assistant.text.html import escape

COLOURS = (
    "#4e79a7", "#f28e2b", "#e15759", "#59a14f", "#b07aa1", "#3fa7a3",
    "#c9a227", "#d37295", "#9c755f", "#7b83eb", "#86bc4d", "#8a8d91",
)  # fmt: skip
LIT = "#dc2626"
HOVER_WIDTH = 56
TITLE_MOST = 300
_LABEL_GAP = 0.07  # between names of clusters, of the map's height
_SIZES = ((400, 10), (1_500, 7), (1_000_000, 5))
_MARGIN = 0.08  # of the map's width, around the dots
_TERMS = 2  # of a cluster's name, on the map itself; the legend has all
_FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, sans-serif"


def figure(chart: LibraryMap, lit: Mapping[str, int]) -> dict[str, Any]:
    """Return traces, layout and options; `lit` has the numbers of the papers to light up."""
    size = next(size for most, size in _SIZES if len(chart.dots) <= most)
    data = [_cluster(chart, number, size, dim=bool(lit)) for number in range(len(chart.names))]
    marked = [dot for dot in chart.dots if dot.paper_id in lit]
    if marked:
        data.append(_lit(chart, marked, lit))
    return {
        "data": data,
        "layout": {
            "xaxis": _axis([dot.x for dot in chart.dots]),
            "yaxis": _axis([dot.y for dot in chart.dots]),
            "font": {"family": _FONT},
            "annotations": _labels(chart),
            "showlegend": False,
            "hovermode": "closest",
            "dragmode": "pan",
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "uirevision": "map",  # Zoom and place stay when other papers are lit.
            "hoverlabel": {"align": "left"},
        },
        "config": {
            "displaylogo": False,
            "displayModeBar": True,
            "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
            "showTips": False,
        },
    }


def _axis(values: Sequence[float]) -> dict[str, Any]:
    """Return an axis without marks that holds all the values."""
    low, high = min(values, default=-1.0), max(values, default=1.0)
    margin = (high - low) * _MARGIN or 1.0
    return {"visible": False, "range": [low - margin, high + margin]}


def _cluster(chart: LibraryMap, number: int, size: int, *, dim: bool) -> dict[str, Any]:
    colour = COLOURS[number % len(COLOURS)]
    dots = [dot for dot in chart.dots if dot.cluster == number]
    marker = {"size": size, "color": colour, "opacity": 0.4 if dim else 0.85}
    return _points(chart, dots) | {
        "mode": "markers",
        "marker": marker,
        "name": _label(chart, number),
    }


def _lit(chart: LibraryMap, dots: list[Dot], lit: Mapping[str, int]) -> dict[str, Any]:
    ring = {"width": 3, "color": LIT}
    colours = [COLOURS[dot.cluster % len(COLOURS)] for dot in dots]
    return _points(chart, dots) | {
        "mode": "markers+text",
        "marker": {"size": 20, "color": colours, "opacity": 1, "line": ring},
        "text": [f"[{lit[dot.paper_id]}]" for dot in dots],
        "textposition": "top center",
        "textfont": {"size": 14, "weight": 700},
        "name": "Sources of the latest answer",
    }


def _points(chart: LibraryMap, dots: list[Dot]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [dot.x for dot in dots],
        "y": [dot.y for dot in dots],
        "customdata": [dot.paper_id for dot in dots],
        "hovertext": [_hover(dot, chart) for dot in dots],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _hover(dot: Dot, chart: LibraryMap) -> str:
    title = textwrap.shorten(dot.title, TITLE_MOST, placeholder=" …")
    lines = [f"<b>{plain(line)}</b>" for line in textwrap.wrap(title, HOVER_WIDTH)]
    about = " · ".join(filter(None, (str(dot.year or ""), chart.names[dot.cluster])))
    return "<br>".join([*lines, plain(about)])


def plain(text: str) -> str:
    """Return the text so that Plotly, which reads some tags and entities, shows it as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _label(chart: LibraryMap, number: int) -> str:
    return plain(chart.names[number])


def _labels(chart: LibraryMap) -> list[dict[str, Any]]:
    """Return each cluster's name at the middle of its dots, names that would overlap apart."""
    if len(chart.names) < 2:
        return []
    places = []
    for number in range(len(chart.names)):
        own = [dot for dot in chart.dots if dot.cluster == number]
        places.append((_middle([dot.y for dot in own]), _middle([dot.x for dot in own]), number))
    heights = [dot.y for dot in chart.dots]
    gap = _LABEL_GAP * (max(heights) - min(heights))
    labels: list[dict[str, Any]] = []
    lowest = min(heights) - gap
    for y, x, number in sorted(places):
        lowest = max(y, lowest + gap)
        name = " · ".join(chart.names[number].split(" · ")[:_TERMS])
        labels.append(
            {
                "x": x,
                "y": lowest,
                "text": f"<b>{plain(name)}</b>",
                "showarrow": False,
                "bordercolor": COLOURS[number % len(COLOURS)],
                "borderwidth": 2,
                "borderpad": 2,
                "bgcolor": "#ffffff",
                "opacity": 0.85,
                "font": {"size": 12},
            }
        )
    return labels


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def legend_html(chart: LibraryMap) -> str:
    """Return the clusters, largest first, as buttons that show their papers in the table."""
    if len(chart.names) < 2:
        return ""
    sizes = Counter(dot.cluster for dot in chart.dots)
    items = "".join(
        f'<li><button type="button" data-act="cluster" data-value="{escape(name)}">'
        f'<span class="swatch" style="background:{COLOURS[number % len(COLOURS)]}"></span>'
        f'<span class="value">{escape(name)}</span> <span class="count">{sizes[number]:,}</span>'
        "</button></li>"
        for number, name in enumerate(chart.names)
    )
    heading = "Clusters: click one to see its papers in the table"
    return f'<h3>{heading}</h3><ul class="legend">{items}</ul>'


def map_note(chart: LibraryMap, lit: Mapping[str, int]) -> str:
    """Say what the map shows, what it leaves out, and what is lit up."""
    drawn = len(chart.dots)
    if not chart.papers:
        return "The library is empty. Go to “Add papers” above; the map draws itself."
    if not drawn:
        return (
            "No paper has a vector yet, from which the map is drawn. They are computed beside "
            "the page; come back in a while, or run 'assistant index'."
        )
    parts = [
        "Papers that are alike lie near one another. Hover a dot for its title, click to open."
    ]
    if drawn < chart.papers:
        parts.append(f"Drawn: {drawn:,} of {chart.papers:,} papers.")
    on_map = sum(dot.paper_id in lit for dot in chart.dots)
    if lit:
        parts.append(f"Lit up: {on_map} of the latest answer's {len(lit)} sources.")
    return " ".join(parts)
