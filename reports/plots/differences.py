"""Where a method beats the baseline and by how much, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.statistics import Floats
from bench.store.results import MetricRecord
from reports import text
from reports.data.leaderboard import Board
from reports.data.metrics import is_lower_better
from reports.data.scores import Scores
from reports.plots.axes import axis_name, competing, orient, point_style
from reports.plots.legend import add_legend
from reports.plots.save import INK, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def differences(scores: Scores, boards: Sequence[Board], metrics: Sequence[MetricRecord], baseline: str) -> Figure:
    """Draw each method's differences from the baseline in their order: a row a metric, a column a factor."""
    figure, rows = panels(len(boards), len(metrics))
    for metric, axes in zip(metrics, rows, strict=True):
        for board, axis in zip(boards, axes, strict=True):
            _panel(axis, board, metric, scores.shared(board.where, metric.name), baseline)
            axis.set_title(text.enlarged(board.where.factor) if metric == metrics[0] else "")
        axes[0].set_ylabel(f"Δ {axis_name(metric)}")
    for axis in rows[-1]:
        axis.set_xlabel("images, worst to best")
    add_legend(figure, [axis for axes in rows for axis in axes])
    return figure


def _panel(axis: Axes, board: Board, metric: MetricRecord, table: pd.DataFrame, baseline: str) -> None:
    axis.axhline(0, color=INK, linewidth=0.8)
    for row in competing(board):
        if row.method.label == baseline:
            continue
        values = _worst_first(table[row.method.label] - table[baseline], metric)
        every = max(1, len(values) // 12)
        line = {**point_style(row), "linestyle": "-", "linewidth": 1.2, "markersize": 5, "markevery": every}
        if len(values):
            axis.plot(np.arange(1, len(values) + 1), values, **line)
    axis.locator_params(axis="x", integer=True)
    orient(axis, metric)


def _worst_first(column: pd.Series[float], metric: MetricRecord) -> Floats:
    values: Floats = np.asarray(column, dtype=np.float64)
    values = values[np.isfinite(values)]
    return values[np.argsort(-values if is_lower_better(metric) else values, kind="stable")]
