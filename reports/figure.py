"""`bench figure`: images by methods as a grid for a paper, with crops, names and values, in PDF, PNG and LaTeX."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from bench.base.errors import UsageError, unknown
from bench.base.files import write_atomically
from bench.base.types import Pixels
from bench.images.png import load_png
from bench.store.results import MetricRecord, Run
from reports.data import quoted
from reports.data.comparison import Comparison, is_lower_better
from reports.data.leaderboard import Tables, selected
from reports.data.scores import Scores, Slice
from reports.export import tables as writers
from reports.page import text
from reports.plots.palette import COLOURS
from reports.plots.plots import headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LR, HR = "LR", "HR"
DPI = 300
GAP, NAMES, VALUES, SIDE_TEXT, LETTER = 0.04, 0.17, 0.2, 0.22, 0.068  # inches
STYLE: Any = {"font.family": "sans-serif", "font.size": 7, "text.parse_math": False, "pdf.fonttype": 42}


class Crop(NamedTuple):
    """A square part of every image, in HR pixels from the left and the top."""

    x: int
    y: int
    side: int


class Line(NamedTuple):
    """A row of the figure: one image at one factor."""

    where: Slice
    image: str


@dataclass(frozen=True)
class Wanted:
    """What a figure shows; None leaves the choice to the run.

    Args:
        images: names of images; the first two of the category when None.
        methods: labels; all that compete when None.
        factors: every factor of the run when None.
        category: the first one when None.
        crops: shown under each image, magnified.
        metrics: whose values stand under each image; those of the report's headline when None.
        width: of the figure, in inches.
        quotes: a TOML file of rows quoted from papers, for the LaTeX table.
    """

    images: Sequence[str] | None = None
    methods: Sequence[str] | None = None
    factors: Sequence[int] | None = None
    category: str | None = None
    crops: Sequence[Crop] = ()
    metrics: Sequence[str] | None = None
    width: float = 7.0
    quotes: Path | None = None


def draw(runs: Sequence[Run], out: Path, wanted: Wanted | None = None) -> list[Path]:
    """Write a figure as PDF and PNG, and its table as LaTeX with `booktabs` rules.

    Args:
        runs: one run or several.
        out: where to write; the suffixes are `.pdf`, `.png` and `.tex`, whatever it has.
        wanted: what to show.

    Returns:
        The three files.

    Raises:
        bench.base.errors.UsageError: for a name that the runs do not have, or a crop that leaves the image.
    """
    import matplotlib as mpl

    paper = Paper(Comparison(tuple(runs)), wanted or Wanted())
    files = [out.with_suffix(suffix) for suffix in (".pdf", ".png", ".tex")]
    nothing: dict[str, dict[str, None]] = {".pdf": {"CreationDate": None}, ".png": {"Software": None}}
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = paper.figure()
        for file in files[:2]:
            buffer = io.BytesIO()
            kind = file.suffix.removeprefix(".")
            figure.savefig(buffer, format=kind, dpi=DPI, metadata=nothing[file.suffix])
            write_atomically(file, buffer.getvalue())
    write_atomically(files[2], paper.latex(files[0].name).encode())
    return files


@dataclass(frozen=True)
class Paper:
    """A figure of a comparison."""

    comparison: Comparison
    wanted: Wanted

    @cached_property
    def scores(self) -> Scores:
        """The values, arranged."""
        return Scores(self.comparison)

    @cached_property
    def tables(self) -> Tables:
        """The leaderboards, with the quoted rows."""
        return Tables(self.comparison, self.scores, quoted.read(self.wanted.quotes, self.scores))

    @cached_property
    def lines(self) -> list[Line]:
        """The rows: each image at each factor."""
        categories = [category.name for category in self.comparison.categories]
        category = _known(
            "category", [self.wanted.category] if self.wanted.category else categories[:1], categories
        )
        names = [image.image for image in self.comparison.images_of(category[0])] if category else []
        images = _known("image", self.wanted.images or names[:2], names)
        known = self.comparison.factors
        factors = _known("factor", list(map(str, self.wanted.factors or known)), list(map(str, known)))
        lines = [Line(Slice(category[0], int(factor)), image) for image in images for factor in factors]
        if not lines:
            raise UsageError("there is no image to show", got="a run without any")
        return lines

    @cached_property
    def methods(self) -> list[str]:
        """The labels of the columns between LR and HR."""
        ranked = self.comparison.ranked
        return _known("method", self.wanted.methods or ranked, ranked)

    @cached_property
    def metrics(self) -> list[MetricRecord]:
        """Those whose values are printed."""
        known = {metric.name: metric for metric in self.comparison.metrics if metric.scope == "image"}
        if self.wanted.metrics is not None:
            return [known[name] for name in _known("metric", self.wanted.metrics, list(known))]
        return [metric for metric in headline(self.tables.boards) if metric and metric.name in known]

    def figure(self) -> Figure:
        """Draw the grid."""
        from matplotlib.figure import Figure

        columns = [LR, *self.methods, *([HR] if self._has_hr else [])]
        side = (self.wanted.width - SIDE_TEXT) / len(columns) - GAP
        heights = [self._height(line, side) for line in self.lines]
        titles = [self._title(column, side) for column in columns]
        names = NAMES * max(title.count("\n") + 1 for title in titles)
        height = names + sum(heights)
        figure = Figure(figsize=(self.wanted.width, height))
        top = height - names
        for index, title in enumerate(titles):
            _write(figure, SIDE_TEXT + index * (side + GAP) + side / 2, height - names / 2, title, weight="bold")
        for line, tall in zip(self.lines, heights, strict=True):
            _write(figure, SIDE_TEXT / 2, top - tall / 2, self._name(line), rotation=90)
            for index, column in enumerate(columns):
                _Cell(self, figure, line, column, (SIDE_TEXT + index * (side + GAP), top, side)).draw()
            top -= tall
        return figure

    def latex(self, figure: str) -> str:
        """Return the figure's environment and the leaderboards of what it shows."""
        slices = list(dict.fromkeys(line.where for line in self.lines))
        boards = [selected(self.tables.board(where), self.methods) for where in slices]
        names = text.tex(", ".join(dict.fromkeys(line.image for line in self.lines)))
        places = ", ".join(f"${where.factor}\\times$" for where in slices)
        values = ", ".join(text.tex(metric.name) for metric in self.metrics)
        caption = f"{names} at {places}. Under each image: {values or 'no values'}."
        lines = [r"\begin{figure*}", r"\centering", f"\\includegraphics[width=\\textwidth]{{{figure}}}"]
        return "\n".join([*lines, f"\\caption{{{caption}}}", r"\end{figure*}", "", writers.as_tex(boards)])

    @property
    def _has_hr(self) -> bool:
        return any(self.comparison.hr_path(line.where.category, line.image) for line in self.lines)

    def _height(self, line: Line, side: float) -> float:
        record = next(one for one in self.comparison.images_of(line.where.category) if one.image == line.image)
        ratio = record.height / record.width if record.width and record.height else 1.0
        strip = (
            (side - GAP / 2 * (len(self.wanted.crops) - 1)) / len(self.wanted.crops) if self.wanted.crops else 0
        )
        return side * ratio + (GAP / 2 + strip if strip else 0) + (VALUES if self.metrics else GAP)

    def _title(self, column: str, side: float) -> str:
        """Return a method's name in at most two lines of a column's width."""
        titles = {method.label: method.title for method in self.comparison.methods}
        room = max(6, int(side / LETTER))
        lines = textwrap.wrap(text.plain(titles.get(column, column)), room) or [""]
        if len(lines) > 2:
            lines[1:] = [text.short(" ".join(lines[1:]), room)]
        return "\n".join(lines)

    def _name(self, line: Line) -> str:
        several = len({one.image for one in self.lines}) > 1
        name = f"{text.short(text.plain(line.image), 16)}, " if several else ""
        return name + text.enlarged(line.where.factor)

    def picture(self, line: Line, column: str) -> Pixels | None:
        """Return an image of the grid, None where there is none; LR enlarged, each pixel a square."""
        category, factor = line.where
        paths = {
            LR: lambda: self.comparison.lr_path(category, line.image, factor),
            HR: lambda: self.comparison.hr_path(category, line.image),
        }
        path = paths.get(column, lambda: self.comparison.sr_path(column, category, line.image, factor))()
        if path is None:
            return None
        image = load_png(path)
        return image.repeat(factor, 0).repeat(factor, 1) if column == LR else image

    def values(self, line: Line, column: str) -> list[tuple[str, bool]]:
        """Return an image's values as printed, and whether each is the best of the methods shown."""
        return [self._value(line, column, metric) for metric in self.metrics]

    def _value(self, line: Line, column: str, metric: MetricRecord) -> tuple[str, bool]:
        decimals = self.scores.decimals[metric.name]
        row = self.scores.table(line.where, metric.name).loc[line.image, self.methods].round(decimals)
        best = row.min() if is_lower_better(metric) else row.max()
        return text.number(float(row.to_dict()[column]), decimals), bool(len(row) > 1 and row[column] == best)


class _Cell(NamedTuple):
    """One picture of the grid with what stands under it."""

    paper: Paper
    figure: Figure
    line: Line
    column: str
    place: tuple[float, float, float]
    """Left, top and width, in inches."""

    def draw(self) -> None:
        left, top, side = self.place
        image = self.paper.picture(self.line, self.column)
        if image is None:
            _write(self.figure, left + side / 2, top - side / 2, "not restored")
            return
        tall = side * image.shape[0] / image.shape[1]
        axis = self._show(image, (left, top - tall, side, tall))
        for index, crop in enumerate(self.paper.wanted.crops):
            self._frame(axis, crop, image, COLOURS[index % len(COLOURS)])
        if self.column == LR:
            self._corner(image, (left, top - tall, side, tall))
        bottom = top - tall - self._crops(image, (left, top - tall, side))
        if self.column not in (LR, HR):
            self._values(left, bottom, side)

    def _show(self, image: Pixels, box: tuple[float, float, float, float]) -> Axes:
        axis = _axis(self.figure, box)
        height, width = image.shape[:2]
        axis.imshow(_printed(image, box), extent=(0, width, height, 0), interpolation="none", aspect="auto")
        return axis

    def _frame(self, axis: Axes, crop: Crop, image: Pixels, colour: str) -> None:
        from matplotlib.patches import Rectangle

        height, width = image.shape[:2]
        if not (0 <= crop.x <= width - crop.side and 0 <= crop.y <= height - crop.side and crop.side > 0):
            expected = f"a square within {width}x{height} pixels"
            raise UsageError("the crop leaves the image", got=f"{crop.x},{crop.y},{crop.side}", expected=expected)
        axis.add_patch(
            Rectangle((crop.x, crop.y), crop.side, crop.side, fill=False, edgecolor=colour, linewidth=0.9)
        )

    def _corner(self, image: Pixels, box: tuple[float, float, float, float]) -> None:
        """Show LR as small as it is beside the others, in the corner."""
        left, bottom, wide, tall = box
        factor = self.line.where.factor
        rim = 0.012
        size = (wide / factor, tall / factor)
        frame = _axis(self.figure, (left, bottom, size[0] + 2 * rim, size[1] + 2 * rim))
        frame.patch.set(visible=True, facecolor="white")
        axis = _axis(self.figure, (left + rim, bottom + rim, *size))
        axis.imshow(image[::factor, ::factor], interpolation="none", aspect="auto")

    def _crops(self, image: Pixels, place: tuple[float, float, float]) -> float:
        """Draw the crops in a strip and return its height."""
        left, top, side = place
        crops = self.paper.wanted.crops
        if not crops:
            return 0.0
        each = (side - GAP / 2 * (len(crops) - 1)) / len(crops)
        for index, crop in enumerate(crops):
            part = image[crop.y : crop.y + crop.side, crop.x : crop.x + crop.side]
            box = (left + index * (each + GAP / 2), top - GAP / 2 - each, each, each)
            axis = self._show(part, box)
            axis.patch.set(visible=True)
            for spine in axis.spines.values():
                spine.set(visible=True, color=COLOURS[index % len(COLOURS)], linewidth=0.9)
        return each + GAP / 2

    def _values(self, left: float, top: float, side: float) -> None:
        found = self.paper.values(self.line, self.column)
        for index, (value, is_best) in enumerate(found):
            x = left + side * (index + 0.5) / len(found)
            _write(self.figure, x, top - VALUES * 0.42, value, weight="bold" if is_best else "normal", size=6)


def _axis(figure: Figure, box: tuple[float, float, float, float]) -> Axes:
    width, height = figure.get_size_inches()
    axis = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
    axis.set(xticks=[], yticks=[])
    axis.patch.set(visible=False)
    for spine in axis.spines.values():
        spine.set(visible=False)
    return axis


def _write(figure: Figure, x: float, y: float, words: str, **look: Any) -> None:
    width, height = figure.get_size_inches()
    figure.text(x / width, y / height, words, ha="center", va="center", **look)


def _printed(image: Pixels, box: tuple[float, float, float, float]) -> Pixels:
    """Return an image at the resolution of print: larger pixels as squares, smaller ones averaged."""
    wide, tall = (max(1, round(DPI * inches)) for inches in box[2:])
    is_larger = image.shape[1] > wide
    resample = Image.Resampling.LANCZOS if is_larger else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(image, "RGB").resize((wide, tall), resample))


def _known(kind: str, names: Sequence[str], known: Sequence[str]) -> list[str]:
    for name in names:
        if name not in known:
            raise unknown(kind, name, known)
    return list(names)
