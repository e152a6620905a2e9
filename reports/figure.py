"""`bench figure`: images by methods as a grid for a paper, with crops, names and values, in PDF, PNG and LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.base.errors import UsageError
from bench.base.files import write_atomically
from bench.base.types import Pixels
from bench.images.png import load_png
from bench.store.results import MetricRecord, Run, open_run
from reports import text
from reports.data import quoted
from reports.data.comparison import Comparison, refuse_unknown
from reports.data.leaderboard import Leaderboards
from reports.data.metrics import is_lower_better
from reports.data.scores import Scores, Slice
from reports.data.significance import Significance
from reports.markup import leaderboard_latex
from reports.plots.axes import axis_name
from reports.plots.image_grid import HR, LR, Crop, GridColumn, GridRow, ImageGrid, save

TEXT_WIDTH, COLUMN_WIDTH = 7.0, 3.6
"""Of a page, and at most of one of two columns on it, in inches."""


def figure(
    runs: Sequence[Run | str | Path],
    out: str | Path,
    *,
    images: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    factors: Sequence[int] | None = None,
    category: str | None = None,
    crops: Sequence[tuple[int, int, int]] = (),
    metrics: Sequence[str] | None = None,
    width: float = TEXT_WIDTH,
    quotes: str | Path | None = None,
) -> list[Path]:
    """Write a grid of images by methods as PDF and PNG, and its table as LaTeX with `booktabs` rules.

    Args:
        runs: runs or their folders.
        out: where to write; the suffixes are `.pdf`, `.png` and `.tex`, whatever it has.
        images: names of images; the first two of the category when None.
        methods: labels or titles; all that compete when None.
        factors: every factor of the run when None.
        category: the first one when None.
        crops: left, top and side in HR pixels of what is shown under each image, magnified.
        metrics: names; the values that stand under each image, and all of the table's. When None those of the
            report's headline, and all.
        width: of the figure, in inches.
        quotes: a TOML file of rows quoted from papers, for the LaTeX table.

    Returns:
        The three files.

    Raises:
        bench.base.errors.UsageError: for a name that the runs do not have, or a crop that leaves the image.
    """
    comparison = Comparison(tuple(map(open_run, runs)), only_metrics=metrics)
    squares = [Crop(*square) for square in crops]
    drawn = PaperFigure(comparison, images, methods, factors, category, squares, metrics, width, quotes)
    pdf, png, tex = (Path(out).with_suffix(suffix) for suffix in (".pdf", ".png", ".tex"))
    save(drawn.grid(), pdf, png)
    write_atomically(tex, drawn.latex(pdf.name).encode())
    return [pdf, png, tex]


@dataclass(frozen=True)
class PaperFigure:
    """A figure of a comparison: which images, methods and values it shows, as `figure` has them."""

    comparison: Comparison
    only_images: Sequence[str] | None = None
    only_methods: Sequence[str] | None = None
    only_factors: Sequence[int] | None = None
    only_category: str | None = None
    crops: Sequence[Crop] = ()
    only_metrics: Sequence[str] | None = None
    width: float = TEXT_WIDTH
    quotes: str | Path | None = None

    @cached_property
    def scores(self) -> Scores:
        """The values, arranged."""
        return Scores(self.comparison)

    @cached_property
    def leaderboards(self) -> Leaderboards:
        """The leaderboards, with the quoted rows."""
        return Leaderboards(Significance(self.scores), quoted.read(self.quotes, self.scores))

    @cached_property
    def rows(self) -> list[GridRow]:
        """Each image at each factor."""
        categories = [category.name for category in self.comparison.categories]
        category = self.only_category or next(iter(categories), "")
        names = [image.image for image in self.comparison.images_of(category)]
        factors = list(map(str, self.comparison.factors))
        if self.only_category:
            _check("category", [category], categories)
        images = _check("image", self.only_images or names[:2], names)
        shown = _check("factor", list(map(str, self.only_factors or factors)), factors)
        if not images or not shown:
            raise UsageError("there is no image to show", got="a run without any")
        return [GridRow(Slice(category, int(factor)), image) for image in images for factor in shown]

    @cached_property
    def methods(self) -> list[str]:
        """The labels of the columns between LR and HR."""
        ranked = self.comparison.ranked
        return _check("method", self.comparison.labels_of(self.only_methods or ()) or ranked, ranked)

    @cached_property
    def metrics(self) -> list[MetricRecord]:
        """Those whose values are printed."""
        by_name = {metric.name: metric for metric in self.comparison.image_metrics}
        if self.only_metrics is not None:
            return [by_name[name] for name in _check("metric of an image", self.only_metrics, list(by_name))]
        return [metric for metric in self.leaderboards.headline.present if metric.name in by_name]

    def grid(self) -> ImageGrid:
        """Return the grid, to be drawn."""
        titles = {method.label: method.title for method in self.comparison.methods}
        has_hr = any(self.comparison.hr_path(row.where.category, row.image) for row in self.rows)
        labels = [LR, *self.methods, *([HR] if has_hr else [])]
        columns = [GridColumn(label, titles.get(label, label)) for label in labels]
        return ImageGrid(self, self.rows, columns, self.crops, self.width, len(self.metrics))

    def latex(self, file: str) -> str:
        """Return the figure's environment and the leaderboards of what it shows."""
        slices = list(dict.fromkeys(row.where for row in self.rows))
        boards = [self.leaderboards.selected(where, self.methods) for where in slices]
        names = text.tex(", ".join(dict.fromkeys(row.image for row in self.rows)))
        places = ", ".join(f"${where.factor}\\times$" for where in slices)
        values = ", ".join(text.tex(metric.title) for metric in self.metrics)
        caption = f"{names} at {places}. Under each image: {values or 'no values'}."
        label = f"\\label{{fig:{Path(file).stem}}}"
        width = r"\textwidth" if self.width == TEXT_WIDTH else f"{self.width:g}in"
        kind = "figure" if self.width <= COLUMN_WIDTH else "figure*"
        lines = [f"\\begin{{{kind}}}", r"\centering", f"\\includegraphics[width={width}]{{{file}}}"]
        figure = "\n".join([*lines, f"\\caption{{{caption}}}", label, f"\\end{{{kind}}}", "", ""])
        return text.tex_needs(figure) + figure + leaderboard_latex(boards)

    def picture(self, row: GridRow, column: str) -> Pixels | None:
        """Return an image of the grid, None where there is none; LR enlarged, each pixel a square."""
        category, factor = row.where
        paths = {
            LR: lambda: self.comparison.lr_path(category, row.image, factor),
            HR: lambda: self.comparison.hr_path(category, row.image),
        }
        path = paths.get(column, lambda: self.comparison.sr_path(column, category, row.image, factor))()
        if path is None:
            return None
        image = load_png(path)
        return image.repeat(factor, 0).repeat(factor, 1) if column == LR else image

    def shape(self, row: GridRow) -> tuple[int, int]:
        """Return the height and width of a row's images, in HR pixels."""
        images = self.comparison.images_of(row.where.category)
        record = next(image for image in images if image.image == row.image)
        return record.height, record.width

    def values(self, row: GridRow, column: str) -> list[tuple[str, bool]]:
        """Return an image's values as printed, and whether it is the best of those shown; of LR their names."""
        if column == LR:
            return [(axis_name(metric), False) for metric in self.metrics]
        return [self._value(row, column, metric) for metric in self.metrics]

    def _value(self, row: GridRow, column: str, metric: MetricRecord) -> tuple[str, bool]:
        decimals = self.scores.decimals[metric.name]
        values = self.scores.table(row.where, metric.name).loc[row.image, self.methods].round(decimals)
        best = values.min() if is_lower_better(metric) else values.max()
        is_best = bool(len(values) > 1 and values[column] == best)
        return text.number(float(values.to_dict()[column]), decimals), is_best


def _check(kind: str, names: Sequence[str], present: Sequence[str]) -> list[str]:
    refuse_unknown(kind, names, present)
    return list(names)
