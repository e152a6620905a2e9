"""How a metric spreads over the images: every value, and a box a method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.store.results import MetricRecord
from reports import text
from reports.data.leaderboard import Board
from reports.data.scores import Scores
from reports.plots.axes import axis_name, competing, orient, point_style
from reports.plots.legend import add_legend
from reports.plots.save import panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def distributions(scores: Scores, boards: Sequence[Board], metric: MetricRecord) -> Figure:
    """Draw a metric's values on the common images: a box and a point an image, one panel a factor."""
    figure, (axes,) = panels(len(boards))
    for board, axis in zip(boards, axes, strict=True):
        table = scores.shared(board.where, metric.name)
        for place, row in enumerate(competing(board)):
            values = table[row.method.label].dropna().to_numpy()
            style = point_style(row)
            _box(axis, values, place, style["color"])
            # Points beside one another by rank, not by chance: the same results give the same picture.
            spread = (np.arange(len(values)) * 0.618 % 1 - 0.5) * 0.4
            axis.plot(place + spread, values, **{**style, "markersize": 4})
        axis.set_title(text.enlarged(board.where.factor))
        axis.set_xticks([])
        orient(axis, metric)
    axes[0].set_ylabel(axis_name(metric))
    add_legend(figure, axes)
    return figure


def _box(axis: Axes, values: np.ndarray, place: int, colour: str) -> None:
    if not len(values):
        return
    lines = {"color": colour, "linewidth": 1.2}
    styles: dict[str, Any] = {f"{part}props": lines for part in ("box", "whisker", "cap", "median")}
    axis.boxplot(values, positions=[place], widths=0.62, showfliers=False, manage_ticks=False, **styles)
