"""One metric against another, a point a method: perception against distortion, quality against seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.store.results import MetricRecord
from reports import text
from reports.data.leaderboard import Board, Estimate
from reports.data.metrics import is_lower_better
from reports.plots.axes import axis_name, competing, orient, point_style
from reports.plots.estimates import error_bar, estimate
from reports.plots.legend import add_legend
from reports.plots.save import INK, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def scatter(
    boards: Sequence[Board], across: MetricRecord, up: MetricRecord, *, has_pareto_front: bool = False
) -> Figure:
    """Draw each method's means of two metrics with their intervals, one panel a factor.

    Args:
        boards: one a factor.
        across: the metric along x.
        up: the metric along y.
        has_pareto_front: whether to draw the line that no method beats in both, over a logarithmic x.
    """
    figure, (axes,) = panels(len(boards))
    for board, axis in zip(boards, axes, strict=True):
        points = [(row, estimate(row, across), estimate(row, up)) for row in competing(board)]
        for row, x, y in points:
            axis.errorbar(x.value, y.value, xerr=_bars(x), yerr=_bars(y), elinewidth=1, **point_style(row))
        if has_pareto_front:
            _scale_by_tens(axis)
            _draw_pareto_front(axis, [(x.value, y.value) for _, x, y in points], lower=is_lower_better(up))
        axis.set_title(text.enlarged(board.where.factor))
        axis.set_xlabel(axis_name(across))
        orient(axis, up)
        if is_lower_better(across) and not has_pareto_front:
            axis.invert_xaxis()
    axes[0].set_ylabel(axis_name(up))
    add_legend(figure, axes)
    return figure


def _bars(value: Estimate) -> list[list[float]]:
    low, high = error_bar(value)
    return [[low], [high]]


def _scale_by_tens(axis: Axes) -> None:
    """Make x logarithmic, with plain numbers: the page's text has no mathematical notation."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _draw_pareto_front(axis: Axes, points: Sequence[tuple[float, float]], *, lower: bool) -> None:
    front: list[tuple[float, float]] = []
    finite = [point for point in points if all(map(math.isfinite, point))]
    for x, y in sorted(finite, key=lambda point: (point[0], point[1] if lower else -point[1])):
        if not front or (y < front[-1][1] if lower else y > front[-1][1]):
            front.append((x, y))
    if front:
        axis.plot(*zip(*front, strict=True), linestyle=":", color=INK, linewidth=1, zorder=1)
