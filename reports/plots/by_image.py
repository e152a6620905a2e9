"""Plots of every image's value: how a metric spreads, and where a method beats the baseline by how much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.store.results import MetricRecord
from reports import text
from reports.data.leaderboard import Board
from reports.data.metrics import is_lower_better
from reports.data.scores import Scores
from reports.plots.axes import add_legend, axis_name, competing, orient, point_style
from reports.plots.save import INK, panels

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
        values = (table[row.method.label] - table[baseline]).to_numpy(dtype=np.float64)
        values = values[np.isfinite(values)]
        values = values[np.argsort(-values if is_lower_better(metric) else values, kind="stable")]  # worst first
        every = max(1, len(values) // 12)
        line = {**point_style(row), "linestyle": "-", "linewidth": 1.2, "markersize": 5, "markevery": every}
        if len(values):
            axis.plot(np.arange(1, len(values) + 1), values, **line)
    axis.locator_params(axis="x", integer=True)
    orient(axis, metric)
