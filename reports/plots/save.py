"""Plots as SVG, the same for the same results: their common style, their panels, their dark twin.

Text stays text, so that a browser draws names of any script; the dark twin of a figure differs in its ink alone.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, _DARK_INK = "#24292e", "#e3e6ea"
_GRID, _DARK_GRID = "#dcdfe3", "#3a4048"
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": _GRID,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _GRID,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


class DrawnPlot(NamedTuple):
    """A figure as SVG, for light and for dark paper."""

    light: str
    dark: str
    width: int
    height: int
    """In pixels."""


def panels(columns: int, rows: int = 1) -> tuple[Figure, list[list[Axes]]]:
    """Make a figure of plots, row by row."""
    from matplotlib.figure import Figure

    height = 4.2 if rows == 1 else 2.9 * rows + 0.6
    figure = Figure(figsize=(4.1 * columns + 0.4, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, [list(row) for row in axes]


def svg(draw: Callable[[], Figure]) -> DrawnPlot:
    """Draw a figure and return its two twins."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # Names of any script are drawn by the browser's fonts; matplotlib only lacks them for measuring.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = draw()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    light = buffer.getvalue()
    dark = light.replace(INK, _DARK_INK).replace(_GRID, _DARK_GRID)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return DrawnPlot(light, dark, width, height)
