"""What the plots share: how a method looks, how an axis is named and turned, and the legend below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.store.results import MetricRecord
from reports.data.comparison import is_lower_better
from reports.data.leaderboard import Board, Row
from reports.page import text
from reports.plots.palette import mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def competing(board: Board) -> list[Row]:
    """Return the methods that are drawn: those that compete and restored something."""
    return [row for row in board.rows if not row.method.is_upper_bound and row.done]


def look(row: Row) -> dict[str, Any]:
    """Return the colour, the marker and the legend's text of a method, for `errorbar`."""
    found = mark(row.order)
    title = text.short(text.plain(row.method.title), 28)
    shape = {"marker": found.marker, "markersize": 7, "markeredgecolor": "white", "markeredgewidth": 0.6}
    return {"color": found.colour, "label": title, "linestyle": "none", **shape}


def axis_name(metric: MetricRecord) -> str:
    """Return how an axis calls a metric, with its unit and direction."""
    arrow = "↓" if is_lower_better(metric) else "↑"
    unit = f" [{metric.unit}]" if metric.unit else ""
    return f"{text.plain(metric.name)}{'†' if metric.is_training_metric else ''}{unit} {arrow}"


def orient(axis: Axes, metric: MetricRecord) -> None:
    """Turn the axis so that up is better, whatever the direction of the metric."""
    if is_lower_better(metric):
        axis.invert_yaxis()


def finish(figure: Figure, axes: Sequence[Axes]) -> None:
    """Put one legend under all panels."""
    handles: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if handles:
        columns = max(1, min(len(handles), int(figure.get_figwidth() // 1.9)))
        figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=columns)
