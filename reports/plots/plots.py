"""The plots: perception against distortion, quality against factor and against seconds; one look a method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.base.files import write_atomically
from bench.store.results import MetricRecord
from reports.data.comparison import is_lower_better
from reports.data.leaderboard import Board, Estimate, Row, Tables
from reports.data.significance import Duels
from reports.page import text
from reports.page.inlined import address
from reports.plots.axes import axis_name, competing, finish, look, orient
from reports.plots.distributions import differences, distributions
from reports.plots.save import INK, Drawn, panels, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PERCEPTION = ("lpips", "lpips_alex", "lite2", "lpips_vgg", "lpips_squeeze", "haarpsi", "ms_ssim")
IDENTITY = ("arcface", "dlib")


class Plot(NamedTuple):
    """A plot, and how the page introduces it."""

    name: str
    title: str
    about: str
    category: str
    drawn: Drawn
    file: str = ""
    """Its address for light paper."""
    dark: str = ""

    @property
    def width(self) -> int:
        """In pixels."""
        return self.drawn.width

    @property
    def height(self) -> int:
        """In pixels."""
        return self.drawn.height

    def inlined(self) -> Plot:
        """Return it with addresses that hold the plot itself."""
        light, dark = (address(drawn.encode(), "image/svg+xml") for drawn in (self.drawn.light, self.drawn.dark))
        return self._replace(file=light, dark=dark)


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
    duels: Duels

    def write(self, folder: Path) -> list[Plot]:
        """Write every plot that the results allow, light and dark, into the folder beside the page."""
        written = []
        for plot in self.drawn():
            names = [f"{plot.name}{end}.svg" for end in ("", "-dark")]
            for name, drawn in zip(names, (plot.drawn.light, plot.drawn.dark), strict=True):
                write_atomically(folder / name, drawn.encode())
            light, dark = (f"{folder.name}/{name}" for name in names)
            written.append(plot._replace(file=light, dark=dark))
        return written

    def drawn(self) -> Iterator[Plot]:
        """Draw every plot that the results allow."""
        for number, category in enumerate(self.tables.comparison.categories, 1):
            boards = [board for board in self.tables.boards if board.where.category == category.name]
            for one in self._drawings(boards) if boards else ():
                yield Plot(f"{number}-{one.name}", one.title, one.about, category.name, svg(one.draw))

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
        yield from self._by_image(boards, chosen, identity)

    def _by_image(
        self, boards: list[Board], chosen: list[MetricRecord], identity: MetricRecord | None
    ) -> Iterator[Drawing]:
        scores = self.tables.scores
        if identity:
            yield Drawing(
                "identity",
                "Identity, image by image",
                "Up is better. A box holds the middle half of the images, the line in it their median.",
                lambda: distributions(scores, boards, identity),
            )
        tested = [metric for metric in chosen if any(t.metrics.count(metric) for t in self.duels.tournaments)]
        if tested:
            name = text.short(text.plain(self.duels.tournaments[0].baseline.title))
            yield Drawing(
                "differences",
                f"Difference from {name}, image by image",
                f"Each method's images from its worst to its best; above the line it is better than {name}.",
                lambda: differences(scores, boards, tested, self.duels.first),
            )


def headline(boards: Sequence[Board]) -> tuple[MetricRecord | None, MetricRecord | None, MetricRecord | None]:
    """Return the metrics that stand for distortion, perception and identity here."""
    return _find(boards, ("psnr", "ssim")), _find(boards, PERCEPTION), _find(boards, IDENTITY)


def _find(boards: Sequence[Board], names: Sequence[str]) -> MetricRecord | None:
    """Return the first metric of these names; one that some method trained on only when there is no other."""
    found = {metric.name: metric for board in boards for metric in board.metrics}
    present = [found[name] for name in names if name in found]
    return next(iter([metric for metric in present if not metric.is_training_metric] + present), None)


def _scatter(boards: Sequence[Board], across: MetricRecord, up: MetricRecord, *, front: bool = False) -> Figure:
    figure, (axes,) = panels(len(boards))
    for board, axis in zip(boards, axes, strict=True):
        points = [(row, _estimate(row, across), _estimate(row, up)) for row in competing(board)]
        for row, x, y in points:
            axis.errorbar(x.value, y.value, xerr=_bars(x), yerr=_bars(y), elinewidth=1, **look(row))
        if front:
            _scale_by_tens(axis)
            _draw_front(axis, [(x.value, y.value) for _, x, y in points], lower=is_lower_better(up))
        axis.set_title(text.enlarged(board.where.factor))
        axis.set_xlabel(axis_name(across))
        orient(axis, up)
        if is_lower_better(across) and not front:
            axis.invert_xaxis()
    axes[0].set_ylabel(axis_name(up))
    finish(figure, axes)
    return figure


def _scale_by_tens(axis: Axes) -> None:
    """Make x logarithmic, with plain numbers: the page's text has no mathematical notation."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _by_factor(boards: Sequence[Board], metrics: Sequence[MetricRecord]) -> Figure:
    figure, (axes,) = panels(len(metrics))
    positions = range(len(boards))
    for metric, axis in zip(metrics, axes, strict=True):
        rows = {row.method.label: row for board in boards for row in competing(board)}
        for turn, (label, row) in enumerate(rows.items()):
            estimates = [_estimate(_row(board, label), metric) for board in boards]
            shift = (turn - (len(rows) - 1) / 2) * min(0.06, 0.4 / max(len(rows), 1))
            bars = [[_length(e.value, e.low) for e in estimates], [_length(e.high, e.value) for e in estimates]]
            line = {**look(row), "linestyle": "-", "linewidth": 1.2, "elinewidth": 1}
            axis.errorbar([p + shift for p in positions], [e.value for e in estimates], yerr=bars, **line)
        axis.set_xticks(list(positions), [text.enlarged(board.where.factor) for board in boards])
        axis.set_title(axis_name(metric))
        orient(axis, metric)
    finish(figure, axes)
    return figure


def _draw_front(axis: Axes, points: Sequence[tuple[float, float]], *, lower: bool) -> None:
    best: list[tuple[float, float]] = []
    known = [point for point in points if all(map(math.isfinite, point))]
    for x, y in sorted(known, key=lambda point: (point[0], point[1] if lower else -point[1])):
        if not best or (y < best[-1][1] if lower else y > best[-1][1]):
            best.append((x, y))
    if best:
        axis.plot(*zip(*best, strict=True), linestyle=":", color=INK, linewidth=1, zorder=1)


def _row(board: Board, label: str) -> Row:
    return next(row for row in board.rows if row.method.label == label)


def _estimate(row: Row, metric: MetricRecord) -> Estimate:
    missing = Estimate(float("nan"), float("nan"), float("nan"), 0)
    return next((cell.estimate for cell in row.cells if cell.metric == metric), missing)


def _length(high: float, low: float) -> float:
    return max(high - low, 0.0) if math.isfinite(high - low) else 0.0


def _bars(estimate: Estimate) -> list[list[float]]:
    return [[_length(estimate.value, estimate.low)], [_length(estimate.high, estimate.value)]]
