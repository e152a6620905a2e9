"""The plots that show every image and no mean: how identity spreads, and where a method beats the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.store.results import MetricRecord
from reports.data.comparison import is_lower_better
from reports.data.leaderboard import Board
from reports.data.scores import Scores
from reports.page import text
from reports.plots.axes import axis_name, competing, finish, look, orient
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
            _box(axis, values, place, look(row)["color"])
            # Points beside one another by rank, not by chance: the same results give the same picture.
            spread = (np.arange(len(values)) * 0.618 % 1 - 0.5) * 0.4
            axis.plot(place + spread, values, **{**look(row), "markersize": 4})
        axis.set_title(text.enlarged(board.where.factor))
        axis.set_xticks([])
        orient(axis, metric)
    axes[0].set_ylabel(axis_name(metric))
    finish(figure, axes)
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
            table = scores.shared(board.where, metric.name)
            axis.axhline(0, color=INK, linewidth=0.8)
            for row in competing(board):
                label = row.method.label
                found = (table[label] - table[baseline]).dropna().to_numpy() if label != baseline else ()
                found = np.asarray(found)[np.isfinite(found)]
                found = found[np.argsort(-found if is_lower_better(metric) else found, kind="stable")]
                every = max(1, len(found) // 12)
                line = {**look(row), "linestyle": "-", "linewidth": 1.2, "markersize": 5, "markevery": every}
                if len(found):
                    axis.plot(np.arange(1, len(found) + 1), found, **line)
            axis.set_title(text.enlarged(board.where.factor) if metric == metrics[0] else "")
            axis.locator_params(axis="x", integer=True)
            orient(axis, metric)
        axes[0].set_ylabel(f"Δ {axis_name(metric)}")
    for axis in rows[-1]:
        axis.set_xlabel("images, worst to best")
    finish(figure, [axis for axes in rows for axis in axes])
    return figure
