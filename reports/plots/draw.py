"""Every plot that the results allow, with its title and how the page introduces it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.base.files import write_atomically
from reports import text
from reports.data.leaderboard import Board, Leaderboards
from reports.data.metrics import Headline, first_of, headline
from reports.plots.by_image import differences, distributions
from reports.plots.means import by_factor, scatter
from reports.plots.save import DrawnPlot, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    _Drawing = tuple[str, str, str, Callable[[], Figure]]
    """Name, title, what the page says above it, and what draws it."""


class Plot(NamedTuple):
    """A plot, and how the page introduces it."""

    name: str
    title: str
    about: str
    category: str
    drawn: DrawnPlot
    light: str = ""
    """Its address for light paper."""
    dark: str = ""


@dataclass(frozen=True)
class Plots:
    """The plots of a comparison."""

    leaderboards: Leaderboards

    def write(self, folder: Path) -> list[Plot]:
        """Write every plot that the results allow, light and dark, into the folder beside the page."""
        written = []
        for plot in self.drawn():
            names = [f"{plot.name}{end}.svg" for end in ("", "-dark")]
            for name, drawn in zip(names, (plot.drawn.light, plot.drawn.dark), strict=True):
                write_atomically(folder / name, drawn.encode())
            light, dark = (f"{folder.name}/{name}" for name in names)
            written.append(plot._replace(light=light, dark=dark))
        return written

    def drawn(self) -> Iterator[Plot]:
        """Draw every plot that the results allow."""
        for number, category in enumerate(self.leaderboards.comparison.categories, 1):
            boards = [board for board in self.leaderboards.boards if board.where.category == category.name]
            for name, title, about, draw in self._drawings(boards) if boards else ():
                yield Plot(f"{number}-{name}", title, about, category.name, svg(draw))

    def _drawings(self, boards: list[Board]) -> Iterator[_Drawing]:
        metrics = [metric for board in boards for metric in board.metrics]
        shown = headline(metrics)
        distortion, perception, _ = shown
        if distortion and perception:
            yield (
                "perception-distortion",
                "Perception against distortion",
                f"Up and to the right is better: {perception.title} says how natural an image looks, "
                f"{distortion.title} how close its pixels are.",
                lambda: scatter(boards, distortion, perception),
            )
        if len(boards) > 1 and shown.present:
            about = "Up is better. Bars are 95 % intervals of the mean."
            yield ("factor", "Quality against factor", about, lambda: by_factor(boards, shown.present))
        seconds = first_of(("seconds",), metrics)
        if seconds and shown.present:
            yield (
                "seconds",
                "Quality against seconds an image",
                "Up and to the left is better. No method on the dotted line is beaten in both.",
                lambda: scatter(boards, seconds, perception or shown.present[0], has_pareto_front=True),
            )
        yield from self._by_image(boards, shown)

    def _by_image(self, boards: list[Board], shown: Headline) -> Iterator[_Drawing]:
        scores, significance, identity = self.leaderboards.scores, self.leaderboards.significance, shown.identity
        if identity:
            yield (
                "identity",
                "Identity, image by image",
                "Up is better. A box holds the middle half of the images, the line in it their median.",
                lambda: distributions(scores, boards, identity),
            )
        tested = [
            metric for metric in shown.present if any(metric in table.metrics for table in significance.tables)
        ]
        if tested:
            name = text.short(text.plain(significance.tables[0].baseline.title))
            yield (
                "differences",
                f"Difference from {name}, image by image",
                f"Each method's images from its worst to its best; above the line it is better than {name}.",
                lambda: differences(scores, boards, tested, significance.first),
            )
