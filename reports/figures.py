"""How every figure looks and how it is written: SVG that is the same for the same results.

Text stays text, so that a browser draws names of any script; the dark twin of a figure differs in its ink alone.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.protocol import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, DARK_INK = "#24292e", "#e3e6ea"
GRID, DARK_GRID = "#dcdfe3", "#3a4048"
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GRID,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


def panels(n: int) -> tuple[Figure, list[Axes]]:
    """Make a figure of n plots in a row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.1 * n + 0.4, 4.2), layout="constrained")
    axes = figure.subplots(1, n, squeeze=False)[0]
    return figure, list(axes)


def save(draw: Callable[[], Figure], light: Path, dark: Path) -> tuple[int, int]:
    """Draw a figure, write it for light and for dark paper, and return its width and height in pixels."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        # Names of any script are drawn by the browser's fonts; matplotlib only lacks them for measuring.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = draw()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = buffer.getvalue()
    write_atomically(light, drawn.encode())
    write_atomically(dark, drawn.replace(INK, DARK_INK).replace(GRID, DARK_GRID).encode())
    width, height = figure.get_size_inches()
    return round(96 * width), round(96 * height)
