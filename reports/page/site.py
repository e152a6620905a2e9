"""The page: one static folder that opens from the disk, with no network and no request to any host."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.base.files import half_written, write_atomically
from bench.images import previews
from bench.store.results import MetricRecord
from reports import text
from reports.data import problems, quoted, recorded
from reports.data.agreement import FEWEST_IMAGES, FEWEST_METHODS, Agreements
from reports.data.comparison import Comparison, name_of
from reports.data.leaderboard import Leaderboards
from reports.data.metrics import arrow, headline, marked_title
from reports.data.scores import Scores
from reports.data.significance import TIE_RULE, ComparisonTable, PairedComparison, Significance
from reports.export import export_tables
from reports.page import sentences
from reports.page.embedded import data_address, embedded
from reports.page.grid import Grid
from reports.page.sentences import listed
from reports.plots.draw import Plot, Plots
from reports.plots.palette import method_style


@dataclass(frozen=True)
class Site:
    """The page of a comparison and the files beside it."""

    comparison: Comparison
    out: Path
    baseline: str | None = None
    quotes: str | Path | None = None
    is_single: bool = False

    @cached_property
    def scores(self) -> Scores:
        """The values, arranged."""
        return Scores(self.comparison)

    @cached_property
    def leaderboards(self) -> Leaderboards:
        """The leaderboards."""
        return Leaderboards(self.significance, quoted.read(self.quotes, self.scores))

    @cached_property
    def grid(self) -> Grid:
        """The pictures."""
        return Grid(self.comparison, self.scores, self.out, self.is_single)

    @cached_property
    def significance(self) -> Significance:
        """The tests."""
        return Significance(self.scores, self.baseline)

    @cached_property
    def agreements(self) -> Agreements:
        """How far the metrics agree."""
        return Agreements(self.comparison, self.scores)

    def write(self) -> Path:
        """Write every file; the page last, when everything it shows is there."""
        self._remove_half_written()
        previews.refresh(self.grid.previews())
        plots = Plots(self.leaderboards)
        if self.is_single:
            page = self._render([_with_contents(plot) for plot in plots.drawn()], [])
        else:
            files = export_tables(self.leaderboards, self.out / "tables")
            page = self._render(plots.write(self.out / "plots"), files)
        target = self.out / ("report.html" if self.is_single else "index.html")
        write_atomically(target, page.encode())
        return target

    def _remove_half_written(self) -> None:
        """Remove the files of a report that was killed: no other process writes into this folder."""
        for folder in (self.out, self.out / "plots", self.out / "tables"):
            for left in half_written(folder):
                left.unlink(missing_ok=True)

    def _render(self, plots: Sequence[Plot], files: Sequence[str]) -> str:
        template = self._environment().get_template("page.html")
        return template.render(
            **embedded(self._data(), is_single=self.is_single),
            plots=plots,
            files=files,
            is_single=self.is_single,
            **self._words(),
            **self._contents(),
        )

    def _words(self) -> dict[str, Any]:
        factors = [text.enlarged(factor) for factor in self.comparison.factors]
        return {
            "title": f"Super-resolution at {listed(factors)}" if factors else "Super-resolution",
            "name": text.plain(", ".join(name_of(run) for run in self.comparison.runs)),
            "lede": self._lede(),
            "tie_rule": TIE_RULE,
            "training_metrics_note": self._training_metrics_note(),
            "warnings": sentences.warnings(self.leaderboards.boards),
            "folders": {
                kind: text.address(self.comparison.folder / kind, self.out) + "/" for kind in ("hr", "lr", "sr")
            },
        }

    def _contents(self) -> dict[str, Any]:
        comparison = self.comparison
        return {
            "comparison": comparison,
            "details": sentences.DETAILS,
            "titles": {category.name: category.title for category in comparison.categories},
            "sections": self._sections(),
            "approaches": list(dict.fromkeys(m.approach for m in comparison.methods if not m.is_upper_bound)),
            "boards": self.leaderboards.every,
            "legend": self._present("quality"),
            "cost_legend": self._present("costs"),
            "agreements": self.agreements.every,
            "fewest_images": FEWEST_IMAGES,
            "fewest_methods": FEWEST_METHODS,
            "baselines": [method for method in comparison.methods if method.label in comparison.ranked],
            "tables": self._comparison_tables(),
            "failures": problems.failures(comparison),
            "untried": problems.missing_cells(comparison, self.scores),
            "left_out": problems.left_out(comparison),
            "unmeasured_quotes": problems.unmeasured_quotes(comparison, self.leaderboards.quotes),
            "unscored": problems.missing_values(comparison, self.scores),
            "recorded": recorded.recorded(comparison),
            "flagged": [image for image in comparison.images if image.flag],
            "runs": [{"name": name_of(run), "provenance": run.provenance} for run in comparison.runs],
        }

    def _sections(self) -> dict[str, str]:
        """Return the title of every section that the page has, by its id."""
        titles = {
            "leaderboard": "Leaderboard",
            "costs": "Costs" if self._present("costs") else "",
            "plots": "Plots",
            "statistics": "Statistics",
            "agreement": "Agreement" if self.agreements.every else "",
            "images": "Images",
            "problems": "Missing",
            "methods": "Methods",
            "provenance": "Provenance",
        }
        return {name: title for name, title in titles.items() if title}

    def _present(self, kind: Literal["quality", "costs"]) -> list[MetricRecord]:
        """Return the metrics or the costs that any leaderboard has."""
        present = {metric for board in self.leaderboards.every for metric in getattr(board, kind)}
        return [metric for metric in self.comparison.metrics if metric in present]

    def _comparison_tables(self) -> list[ComparisonTable]:
        """Return the tests against every baseline, the first baseline's first."""
        labels = sorted(self.comparison.ranked, key=lambda label: label != self.significance.first)
        return [table for label in labels for table in self.significance.against(label)]

    def _lede(self) -> str:
        comparison = self.comparison
        boards = self.leaderboards.boards
        done = sum(row.done for board in boards for row in board.rows)
        asked = sum(row.total for board in boards for row in board.rows)
        what = f"{text.count(len(comparison.methods), 'method')} on {text.count(len(comparison.images), 'image')}"
        factors = listed([text.enlarged(factor) for factor in comparison.factors])
        state = f"{done:,} of {asked:,} cells are done" if asked else "no cell is done yet"
        is_scored = any(metric.scope != "cost" for board in boards for metric in board.metrics)
        scored = "; `bench score` has not scored them yet" if done and not is_scored else ""
        return f"{what}{f' at {factors}' if factors else ''}: {state}{scored}."

    def _training_metrics_note(self) -> str:
        names = [text.plain(method.title) for method in self.comparison.methods if method.training_metrics]
        if not any(metric.is_training_metric for metric in self.comparison.metrics):
            return ""
        by = f" ({listed(names)})" if names else ""
        return (
            f"training metric: a method of this table{by} was trained with this metric's network, "
            "so it carries no headline claim"
        )

    def _data(self) -> dict[str, Any]:
        names = [metric.name for metric in self.comparison.image_metrics]
        headline = {metric.name for metric in self.leaderboards.headline.present}
        shown = sorted(range(len(names)), key=lambda index: names[index] not in headline)[:4]
        return {**self.grid.data, "shown": sorted(shown), "baseline": text.plain(self.significance.first)}

    def _format_test(self, comparison: PairedComparison | None) -> sentences.FormattedTest:
        decimals = self.scores.decimals[comparison.metric.name] if comparison else 0
        return sentences.format_test(comparison, decimals)

    def _environment(self) -> Environment:
        environment = Environment(
            loader=PackageLoader("reports.page"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        names = [category.name for category in self.comparison.categories]
        environment.filters |= {
            "plain": text.plain,
            "breakable": sentences.breakable,
            "with_code": sentences.with_code,
            "short": text.short,
            "enlarged": text.enlarged,
            "method_style": method_style,
            "arrow": arrow,
            "marked_title": lambda metric: text.plain(marked_title(metric)),
            "position": names.index,
            "means": sentences.means,
            "classes": sentences.classes,
            "ends": lambda cell: Markup(f"{text.DASH}<wbr>").join(cell.interval.split(" to ")),
            "winners": lambda board: sentences.winners(board, headline(board.metrics).present),
            "contradiction": sentences.contradiction,
            "correlation": sentences.correlation,
            "described": sentences.described,
            "tip": sentences.tip,
            "quote": sentences.quote,
            "strangers_tip": sentences.strangers_tip,
            "verdict": sentences.verdict,
            "place": lambda where: sentences.place(where, self.comparison, self.scores.parts(where)),
            "format_test": self._format_test,
        }
        return environment


def _with_contents(plot: Plot) -> Plot:
    """Return a plot with addresses that hold the plot itself."""
    light, dark = (data_address(twin.encode(), "image/svg+xml") for twin in (plot.drawn.light, plot.drawn.dark))
    return plot._replace(light=light, dark=dark)
