"""The plots: perception against distortion, quality against factor and against seconds; one look a method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.results import MetricRecord
from reports import text
from reports.figures import INK, panels, save
from reports.gather import is_lower_better
from reports.palette import mark
from reports.tables import Board, Estimate, Row, Tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PERCEPTION = ("lpips", "lpips_alex", "lite2", "lpips_vgg", "lpips_squeeze", "haarpsi", "ms_ssim")
IDENTITY = ("arcface", "dlib")


class Plot(NamedTuple):
    """A plot that was written, and how the page introduces it."""

    file: str
    dark: str
    title: str
    about: str
    category: str
    width: int
    height: int
    """In pixels."""


class Drawing(NamedTuple):
    """A plot to be drawn."""

    name: str
    title: str
    about: str
    draw: Callable[[], Figure]


@dataclass(frozen=True)
class Plots:
    """The plots of a comparison."""

    tables: Tables

    def write(self, folder: Path) -> list[Plot]:
        """Write every plot that the results allow, light and dark, and return what was written."""
        written: list[Plot] = []
        for category in self.tables.comparison.categories:
            boards = [board for board in self.tables.boards if board.where.category == category.name]
            if not boards:
                continue
            number = self.tables.comparison.categories.index(category) + 1
            for drawing in self._drawings(boards):
                light, dark = (folder / f"{number}-{drawing.name}{end}.svg" for end in ("", "-dark"))
                size = save(drawing.draw, light, dark)
                names = (light.name, dark.name, drawing.title, drawing.about, category.name)
                written.append(Plot(*names, *size))
        return written

    def _drawings(self, boards: list[Board]) -> Iterator[Drawing]:
        distortion, perception, identity = headline(boards)
        if distortion and perception:
            yield Drawing(
                "perception-distortion",
                "Perception against distortion",
                f"Up and to the right is better: {perception.name} says how natural an image looks, "
                f"{distortion.name} how close its pixels are.",
                lambda: _scatter(boards, distortion, perception),
            )
        chosen = [metric for metric in (distortion, perception, identity) if metric]
        if len(boards) > 1 and chosen:
            about = "Up is better. Bars are 95 % intervals of the mean."
            yield Drawing("factor", "Quality against factor", about, lambda: _by_factor(boards, chosen))
        seconds = _find(boards, ("seconds",))
        if seconds and chosen:
            yield Drawing(
                "seconds",
                "Quality against seconds an image",
                "Up and to the left is better. No method on the dotted line is beaten in both.",
                lambda: _scatter(boards, seconds, perception or chosen[0], front=True),
            )


def headline(boards: Sequence[Board]) -> tuple[MetricRecord | None, MetricRecord | None, MetricRecord | None]:
    """Return the metrics that stand for distortion, perception and identity here."""
    return _find(boards, ("psnr", "ssim")), _find(boards, PERCEPTION), _find(boards, IDENTITY)


def _find(boards: Sequence[Board], names: Sequence[str]) -> MetricRecord | None:
    """Return the first metric of these names; one that some method trained on only when there is no other."""
    found = {metric.name: metric for board in boards for metric in board.metrics}
    present = [found[name] for name in names if name in found]
    return next(iter([metric for metric in present if not metric.dagger] + present), None)


def _scatter(boards: Sequence[Board], across: MetricRecord, up: MetricRecord, *, front: bool = False) -> Figure:
    figure, axes = panels(len(boards))
    for board, axis in zip(boards, axes, strict=True):
        points = [(row, _estimate(row, across), _estimate(row, up)) for row in _competing(board)]
        for row, x, y in points:
            axis.errorbar(x.value, y.value, xerr=_bars(x), yerr=_bars(y), **_look(row))
        if front:
            axis.set_xscale("log")
            _draw_front(axis, [(x.value, y.value) for _, x, y in points], lower=is_lower_better(up))
        axis.set_title(text.enlarged(board.where.factor))
        axis.set_xlabel(_name(across))
        _orient(axis, up)
        if is_lower_better(across) and not front:
            axis.invert_xaxis()
    _finish(figure, axes, up)
    return figure


def _by_factor(boards: Sequence[Board], metrics: Sequence[MetricRecord]) -> Figure:
    figure, axes = panels(len(metrics))
    positions = range(len(boards))
    for metric, axis in zip(metrics, axes, strict=True):
        rows = {row.method.label: row for board in boards for row in _competing(board)}
        for turn, (label, row) in enumerate(rows.items()):
            estimates = [_estimate(_row(board, label), metric) for board in boards]
            shift = (turn - (len(rows) - 1) / 2) * min(0.06, 0.4 / max(len(rows), 1))
            bars = [[_length(e.value, e.low) for e in estimates], [_length(e.high, e.value) for e in estimates]]
            look = {**_look(row), "linestyle": "-", "linewidth": 1.2}
            axis.errorbar([p + shift for p in positions], [e.value for e in estimates], yerr=bars, **look)
        axis.set_xticks(list(positions), [text.enlarged(board.where.factor) for board in boards])
        axis.set_title(_name(metric))
        _orient(axis, metric)
    _finish(figure, axes, None)
    return figure


def _draw_front(axis: Axes, points: Sequence[tuple[float, float]], *, lower: bool) -> None:
    best: list[tuple[float, float]] = []
    known = [point for point in points if all(map(math.isfinite, point))]
    for x, y in sorted(known, key=lambda point: (point[0], point[1] if lower else -point[1])):
        if not best or (y < best[-1][1] if lower else y > best[-1][1]):
            best.append((x, y))
    if best:
        axis.plot(*zip(*best, strict=True), linestyle=":", color=INK, linewidth=1, zorder=1)


def _competing(board: Board) -> list[Row]:
    return [row for row in board.rows if not row.method.is_upper_bound and row.done]


def _row(board: Board, label: str) -> Row:
    return next(row for row in board.rows if row.method.label == label)


def _estimate(row: Row, metric: MetricRecord) -> Estimate:
    missing = Estimate(float("nan"), float("nan"), float("nan"), 0)
    return next((cell.estimate for cell in row.cells if cell.metric == metric), missing)


def _look(row: Row) -> dict[str, Any]:
    look = mark(row.order)
    title = text.short(text.plain(row.method.title), 28)
    shape = {"marker": look.marker, "markersize": 7, "markeredgecolor": "white", "markeredgewidth": 0.6}
    return {"color": look.colour, "label": title, "linestyle": "none", "elinewidth": 1, **shape}


def _length(high: float, low: float) -> float:
    return max(high - low, 0.0) if math.isfinite(high - low) else 0.0


def _bars(estimate: Estimate) -> list[list[float]]:
    return [[_length(estimate.value, estimate.low)], [_length(estimate.high, estimate.value)]]


def _name(metric: MetricRecord) -> str:
    arrow = "↓" if is_lower_better(metric) else "↑"
    unit = f" [{metric.unit}]" if metric.unit else ""
    return f"{text.plain(metric.name)}{'†' if metric.dagger else ''}{unit} {arrow}"


def _orient(axis: Axes, metric: MetricRecord) -> None:
    """Turn the axis so that up is better, whatever the direction of the metric."""
    if is_lower_better(metric):
        axis.invert_yaxis()


def _finish(figure: Figure, axes: Sequence[Axes], up: MetricRecord | None) -> None:
    if up:
        axes[0].set_ylabel(_name(up))
    handles: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if handles:
        columns = max(1, min(len(handles), int(figure.get_figwidth() // 1.9)))
        figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=columns)
