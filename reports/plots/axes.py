"""What all plots share: their panels' axes, how a method's points look, and the legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.store.results import MetricRecord
from reports import text
from reports.data.leaderboard import Board, Row
from reports.data.metrics import arrow, is_lower_better, marked_title
from reports.plots.palette import method_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEGEND_LINE = 0.23
"""Inches; the height of a figure leaves room for two."""


def competing(board: Board) -> list[Row]:
    """Return the methods that are drawn: those that compete and restored something."""
    return [row for row in board.rows if not row.method.is_upper_bound and row.done]


def point_style(row: Row) -> dict[str, Any]:
    """Return the colour, the marker and the legend's text of a method, for `errorbar`."""
    style = method_style(row.order)
    title = text.short(text.plain(row.method.title), 28)
    marker = {"marker": style.marker, "markersize": 7, "markeredgecolor": "white", "markeredgewidth": 0.6}
    return {"color": style.colour, "label": title, "linestyle": "none", **marker}


def axis_name(metric: MetricRecord) -> str:
    """Return how an axis calls a metric, with its unit and direction."""
    unit = f" [{metric.unit}]" if metric.unit else ""
    return f"{text.plain(marked_title(metric))}{unit} {arrow(metric)}"


def orient(axis: Axes, metric: MetricRecord) -> None:
    """Turn the axis so that up is better, whatever the direction of the metric."""
    if is_lower_better(metric):
        axis.invert_yaxis()


def add_legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """Put one legend under all panels, which keep their height; a method of several panels is named once."""
    handles: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if handles:
        columns = max(1, min(len(handles), int(figure.get_figwidth() // 1.9)))
        lines = math.ceil(len(handles) / columns)
        figure.set_figheight(figure.get_figheight() + _LEGEND_LINE * max(0, lines - 2))
        figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=columns)
