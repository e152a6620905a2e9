"""A grid of images, a row an image and a column a method, with crops under them, at the resolution of print."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from PIL import Image

from bench.base.errors import UsageError
from bench.base.files import write_atomically
from bench.base.types import Pixels
from reports import text
from reports.data.scores import Slice
from reports.plots.fonts import fit_fonts
from reports.plots.palette import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LR, HR = "LR", "HR"
_DPI = 300
_GAP, _TITLE, _LINE, _SIDE_TEXT = 0.04, 0.17, 0.105, 0.22  # inches
_BOLD, _PLAIN = 0.0108, 0.0088
"""The widths of a letter, in inches a point of its size."""
_HEADING, _VALUE, _SMALLEST = 7.0, 6.0, 4.0
"""Points; narrow columns have smaller words, down to the last."""
_STYLE: Any = {"font.family": "sans-serif", "font.size": _HEADING, "text.parse_math": False, "pdf.fonttype": 42}


class Crop(NamedTuple):
    """A square part of every image, in HR pixels from the left and the top."""

    x: int
    y: int
    side: int


class GridRow(NamedTuple):
    """One image at one factor."""

    where: Slice
    image: str


class GridColumn(NamedTuple):
    """LR, HR or a method by its label, and its title."""

    label: str
    title: str


class _Box(NamedTuple):
    """A place on the figure, in inches from its left and its bottom."""

    left: float
    bottom: float
    width: float
    height: float


class Pictures(Protocol):
    """Where a grid takes its images and values from."""

    def picture(self, row: GridRow, column: str) -> Pixels | None:
        """Return an image, None where there is none."""
        ...

    def shape(self, row: GridRow) -> tuple[int, int]:
        """Return the height and width of a row's images."""
        ...

    def values(self, row: GridRow, column: str) -> list[tuple[str, bool]]:
        """Return an image's values as printed, and whether each is the best of its row; under LR their names."""
        ...


def save(grid: ImageGrid, pdf: Path, png: Path) -> None:
    """Write a grid as PDF and as PNG, the same bytes for the same images."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        figure = grid.draw()
        fit_fonts(figure)
        for file, kind, date in ((pdf, "pdf", "CreationDate"), (png, "png", "Software")):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, dpi=_DPI, metadata={date: None})
            write_atomically(file, buffer.getvalue())


@dataclass(frozen=True)
class ImageGrid:
    """What a grid shows.

    Args:
        pictures: its images and values.
        rows: from above.
        columns: from the left.
        crops: shown under each image, magnified.
        width: in inches.
        lines: of values under each image.
    """

    pictures: Pictures
    rows: Sequence[GridRow]
    columns: Sequence[GridColumn]
    crops: Sequence[Crop]
    width: float
    lines: int

    def draw(self) -> Figure:
        """Draw it."""
        from matplotlib.figure import Figure

        side = (self.width - _SIDE_TEXT) / len(self.columns) - _GAP
        lefts = [_SIDE_TEXT + index * (side + _GAP) for index in range(len(self.columns))]
        heights = [self._height(row, side) for row in self.rows]
        size = _fitting_size(
            (word for column in self.columns for word in column.title.split()), side, _HEADING, _BOLD
        )
        names = (name for row in self.rows for name, _ in self.pictures.values(row, LR))
        value_size = _fitting_size(names, side, _VALUE, _PLAIN)
        titles = [_wrapped(column.title, side, size) for column in self.columns]
        title_height = _TITLE * max(title.count("\n") + 1 for title in titles)
        figure = Figure(figsize=(self.width, title_height + sum(heights)))
        top = sum(heights)
        for left, title in zip(lefts, titles, strict=True):
            _write(figure, left + side / 2, top + title_height / 2, title, weight="bold", size=size)
        for row, height in zip(self.rows, heights, strict=True):
            _write(figure, _SIDE_TEXT / 2, top - height / 2, self._name(row), rotation=90, size=size)
            for left, column in zip(lefts, self.columns, strict=True):
                _Cell(self, figure, row, column.label, left, top, side, value_size).draw()
            top -= height
        return figure

    def _height(self, row: GridRow, side: float) -> float:
        height, width = self.pictures.shape(row)
        ratio = height / width if width and height else 1.0
        strip = _GAP / 2 + self.crop_side(side) if self.crops else 0
        return side * ratio + strip + _LINE * self.lines + 2 * _GAP

    def crop_side(self, side: float) -> float:
        """Return the side of each crop under an image of this side."""
        return (side - _GAP / 2 * (len(self.crops) - 1)) / len(self.crops)

    def _name(self, row: GridRow) -> str:
        several = len({one.image for one in self.rows}) > 1
        name = f"{text.short(text.plain(row.image), 16)}, " if several else ""
        return name + text.enlarged(row.where.factor)


class _Cell(NamedTuple):
    """One picture of the grid with what stands under it; left, top and side in inches, `value_size` in points."""

    grid: ImageGrid
    figure: Figure
    row: GridRow
    column: str
    left: float
    top: float
    side: float
    value_size: float

    def draw(self) -> None:
        image = self.grid.pictures.picture(self.row, self.column)
        if image is None:
            _write(self.figure, self.left + self.side / 2, self.top - self.side / 2, "not restored")
            return
        height = self.side * image.shape[0] / image.shape[1]
        box = _Box(self.left, self.top - height, self.side, height)
        axis = self._show(image, box)
        for crop, colour in self._crops():
            _frame(axis, crop, image, colour)
        if self.column == LR:
            self._draw_corner(image, box)
        bottom = box.bottom - self._draw_crops(image, box.bottom)
        values = self.grid.pictures.values(self.row, self.column) if self.column != HR else []
        room = _room(self.side, self.value_size, _PLAIN)
        for index, (value, is_best) in enumerate(values):
            y, weight = bottom - _GAP - _LINE * (index + 0.5), "bold" if is_best else "normal"
            style = {"weight": weight, "size": self.value_size}
            _write(self.figure, self.left + self.side / 2, y, text.short(value, room), **style)

    def _show(self, image: Pixels, box: _Box) -> Axes:
        """Show an image at the resolution of print: larger pixels as squares, smaller ones averaged."""
        axis, (height, width) = _axis(self.figure, box), image.shape[:2]
        size = (max(1, round(_DPI * box.width)), max(1, round(_DPI * box.height)))
        resample = Image.Resampling.LANCZOS if width > size[0] else Image.Resampling.NEAREST
        resized = np.asarray(Image.fromarray(image, "RGB").resize(size, resample))
        axis.imshow(resized, extent=(0, width, height, 0), interpolation="none", aspect="auto")
        return axis

    def _crops(self) -> list[tuple[Crop, str]]:
        return [(crop, COLOURS[index % len(COLOURS)]) for index, crop in enumerate(self.grid.crops)]

    def _draw_corner(self, image: Pixels, box: _Box) -> None:
        """Show LR as small as it is beside the others, in the corner."""
        factor = self.row.where.factor
        border = 0.012
        width, height = box.width / factor, box.height / factor
        frame = _axis(self.figure, _Box(box.left, box.bottom, width + 2 * border, height + 2 * border))
        frame.patch.set(visible=True, facecolor="white")
        axis = _axis(self.figure, _Box(box.left + border, box.bottom + border, width, height))
        axis.imshow(image[::factor, ::factor], interpolation="none", aspect="auto")

    def _draw_crops(self, image: Pixels, top: float) -> float:
        """Draw the crops in a strip and return its height."""
        if not self.grid.crops:
            return 0.0
        side = self.grid.crop_side(self.side)
        for index, (crop, colour) in enumerate(self._crops()):
            part = image[crop.y : crop.y + crop.side, crop.x : crop.x + crop.side]
            left = self.left + index * (side + _GAP / 2)
            axis = self._show(part, _Box(left, top - _GAP / 2 - side, side, side))
            axis.patch.set(visible=True)
            for spine in axis.spines.values():
                spine.set(visible=True, color=colour, linewidth=0.9)
        return side + _GAP / 2


def _frame(axis: Axes, crop: Crop, image: Pixels, colour: str) -> None:
    from matplotlib.patches import Rectangle

    height, width = image.shape[:2]
    if not (0 <= crop.x <= width - crop.side and 0 <= crop.y <= height - crop.side and crop.side > 0):
        expected = f"a square within {width}x{height} pixels"
        raise UsageError("the crop leaves the image", got=f"{crop.x},{crop.y},{crop.side}", expected=expected)
    axis.add_patch(Rectangle((crop.x, crop.y), crop.side, crop.side, fill=False, edgecolor=colour, linewidth=0.9))


def _fitting_size(words: Iterable[str], side: float, size: float, letter: float) -> float:
    """Return the size, in points, at which the longest of some words fits a column's width; at most `size`."""
    longest = max(map(len, words), default=1)
    return min(size, max(_SMALLEST, side / longest / letter))


def _room(side: float, size: float, letter: float) -> int:
    """Return how many letters of a size fit a column's width."""
    return max(6, int(side / (letter * size) + 1e-6))  # the word that decided the size fits


def _wrapped(title: str, side: float, size: float) -> str:
    """Return a title in at most two lines of a column's width."""
    room = _room(side, size, _BOLD)
    lines = textwrap.wrap(text.plain(title), room) or [""]
    if len(lines) > 2:
        lines[1:] = [text.short(" ".join(lines[1:]), room)]
    return "\n".join(lines)


def _axis(figure: Figure, box: _Box) -> Axes:
    width, height = figure.get_size_inches()
    axis = figure.add_axes((box.left / width, box.bottom / height, box.width / width, box.height / height))
    axis.set(xticks=[], yticks=[])
    axis.patch.set(visible=False)
    for spine in axis.spines.values():
        spine.set(visible=False)
    return axis


def _write(figure: Figure, x: float, y: float, words: str, **style: Any) -> None:
    width, height = figure.get_size_inches()
    figure.text(x / width, y / height, words, ha="center", va="center", **style)
