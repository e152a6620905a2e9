"""Plots of means with their intervals, a point a method: against the factor, or one metric against another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.store.results import MetricRecord
from reports import text
from reports.data.leaderboard import Board, Estimate, Row
from reports.data.metrics import is_lower_better
from reports.plots.axes import add_legend, axis_name, competing, orient, point_style
from reports.plots.save import INK, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def by_factor(boards: Sequence[Board], metrics: Sequence[MetricRecord]) -> Figure:
    """Draw the means with their intervals; methods stand side by side at each factor.

    Args:
        boards: one a factor.
        metrics: one a panel.
    """
    figure, (axes,) = panels(len(metrics))
    positions = range(len(boards))
    for metric, axis in zip(metrics, axes, strict=True):
        rows = {row.method.label: row for board in boards for row in competing(board)}
        for turn, (label, row) in enumerate(rows.items()):
            estimates = [_estimate(_row(board, label), metric) for board in boards]
            shift = (turn - (len(rows) - 1) / 2) * min(0.06, 0.4 / max(len(rows), 1))
            bars = np.hstack([_error_bar(one) for one in estimates])
            line = {**point_style(row), "linestyle": "-", "linewidth": 1.2, "elinewidth": 1}
            axis.errorbar([p + shift for p in positions], [e.value for e in estimates], yerr=bars, **line)
        axis.set_xticks(list(positions), [text.enlarged(board.where.factor) for board in boards])
        axis.set_title(axis_name(metric))
        orient(axis, metric)
    add_legend(figure, axes)
    return figure


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
        points = [(row, _estimate(row, across), _estimate(row, up)) for row in competing(board)]
        for row, x, y in points:
            axis.errorbar(x.value, y.value, _error_bar(y), _error_bar(x), elinewidth=1, **point_style(row))
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


def _row(board: Board, label: str) -> Row:
    return next(row for row in board.rows if row.method.label == label)


def _estimate(row: Row, metric: MetricRecord) -> Estimate:
    """Return a method's mean of a metric, NaN where it has none."""
    return next((cell.estimate for cell in row.cells if cell.metric == metric), Estimate())


def _error_bar(value: Estimate) -> list[list[float]]:
    """Return the lengths of an interval below and above its mean, (2, 1), 0 where there is none."""
    lengths = (value.value - value.low, value.high - value.value)
    return [[max(length, 0.0) if math.isfinite(length) else 0.0] for length in lengths]


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
