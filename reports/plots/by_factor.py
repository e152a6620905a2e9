"""Quality against factor: each method's mean at each factor, one panel a metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.store.results import MetricRecord
from reports import text
from reports.data.leaderboard import Board, Row
from reports.plots.axes import axis_name, competing, orient, point_style
from reports.plots.estimates import error_bar, estimate
from reports.plots.legend import add_legend
from reports.plots.save import panels

if TYPE_CHECKING:
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
            estimates = [estimate(_row(board, label), metric) for board in boards]
            shift = (turn - (len(rows) - 1) / 2) * min(0.06, 0.4 / max(len(rows), 1))
            bars = list(zip(*map(error_bar, estimates), strict=True))
            line = {**point_style(row), "linestyle": "-", "linewidth": 1.2, "elinewidth": 1}
            axis.errorbar([p + shift for p in positions], [e.value for e in estimates], yerr=bars, **line)
        axis.set_xticks(list(positions), [text.enlarged(board.where.factor) for board in boards])
        axis.set_title(axis_name(metric))
        orient(axis, metric)
    add_legend(figure, axes)
    return figure


def _row(board: Board, label: str) -> Row:
    return next(row for row in board.rows if row.method.label == label)
