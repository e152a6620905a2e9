"""The page: one static folder that opens from the disk, with no network and no request to any host."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bench.base.files import half_written, write_atomically
from bench.images import previews
from bench.store.results import Run
from reports.data import problems, quoted
from reports.data.comparison import Comparison, name_of
from reports.data.leaderboard import Tables
from reports.data.recorded import recorded
from reports.data.scores import Scores
from reports.data.significance import Duel, Duels, Tournament
from reports.export import tables as writers
from reports.page import text, wording
from reports.page.grids import Grids
from reports.page.wording import listed
from reports.plots.palette import mark
from reports.plots.plots import Plot, Plots, headline

SCRIPTS = ("state.js", "tables.js", "grid.js", "compare.js", "start.js")


def build(
    runs: Sequence[Run],
    out: Path | None = None,
    baseline: str | None = None,
    *,
    quotes: Path | None = None,
    is_single: bool = False,
) -> Path:
    """Draw the report of one or more runs.

    Args:
        runs: the runs; where two hold the same cell, the first that is done counts.
        out: the folder to write; by default `report` in a run, `comparison` in the first of several.
        baseline: the label of the method that the others are tested against at first; the first one when None.
        quotes: a TOML file of rows quoted from papers.
        is_single: whether to write one file that holds everything, its pictures as thumbnails.

    Returns:
        The page, `index.html`, or `report.html` when it is a single file.

    Raises:
        bench.base.errors.UsageError: when there is no run, no method has the baseline's label, or the quotes are wrong.
    """
    comparison = Comparison(tuple(runs))
    folder = out or comparison.folder / ("report" if len(runs) == 1 else "comparison")
    return Site(comparison, folder.absolute(), baseline, quotes, is_single).write()


@dataclass(frozen=True)
class Site:
    """The page of a comparison and the files beside it."""

    comparison: Comparison
    out: Path
    baseline: str | None = None
    quotes: Path | None = None
    is_single: bool = False

    @cached_property
    def scores(self) -> Scores:
        """The values, arranged."""
        return Scores(self.comparison)

    @cached_property
    def tables(self) -> Tables:
        """The leaderboards."""
        return Tables(self.comparison, self.scores, quoted.read(self.quotes, self.scores))

    @cached_property
    def grids(self) -> Grids:
        """The pictures."""
        return Grids(self.comparison, self.scores, self.out, self.is_single)

    @cached_property
    def duels(self) -> Duels:
        """The tests."""
        return Duels(self.comparison, self.scores, self.baseline)

    def write(self) -> Path:
        """Write every file; the page last, when everything it shows is there."""
        self._forget_the_killed()
        previews.refresh(self.grids.previews())
        plots = Plots(self.tables, self.duels)
        if self.is_single:
            page = self._render([plot.inlined() for plot in plots.drawn()], [])
        else:
            files = writers.write(self.tables, self.duels, self.out / "tables")
            page = self._render(plots.write(self.out / "plots"), files)
        target = self.out / ("report.html" if self.is_single else "index.html")
        write_atomically(target, page.encode())
        return target

    def _forget_the_killed(self) -> None:
        """Remove what a report that was killed left half written: no other process writes into this folder."""
        for folder in (self.out, self.out / "plots", self.out / "tables"):
            for left in half_written(folder):
                left.unlink(missing_ok=True)

    def _render(self, plots: Sequence[Plot], files: Sequence[str]) -> str:
        environment = self._environment()
        style, script = _source("page.css"), _script()
        return environment.get_template("page.html").render(
            policy=_policy(style, script, "data:" if self.is_single else "'self' file: data:"),
            style=Markup(style),
            script=Markup(script),
            data=Markup(_embeddable(self._data())),
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
            "training_metrics_note": self._training_metrics_note(),
            "warnings": wording.warnings(self.tables.boards),
            "folders": {
                kind: text.address(self.comparison.folder / kind, self.out) + "/" for kind in ("hr", "lr", "sr")
            },
        }

    def _contents(self) -> dict[str, Any]:
        comparison = self.comparison
        return {
            "sections": self._sections(),
            "details": wording.DETAILS,
            "categories": comparison.categories,
            "titles": {category.name: category.title for category in comparison.categories},
            "factors": comparison.factors,
            "methods": comparison.methods,
            "metrics": comparison.metrics,
            "boards": [*self.tables.boards, *self.tables.overall],
            "baselines": [method for method in comparison.methods if method.label in comparison.ranked],
            "tournaments": self._tournaments(),
            "failures": problems.failures(comparison),
            "untried": problems.missing_cells(comparison, self.scores),
            "unscored": problems.missing_values(comparison, self.scores),
            "recorded": recorded(comparison),
            "unavailable": comparison.unavailable,
            "flagged": [image for image in comparison.images if image.flag],
            "runs": [{"name": name_of(run), "provenance": run.provenance} for run in comparison.runs],
        }

    def _tournaments(self) -> list[Tournament]:
        """Return the tests against every baseline, those of the chosen one first."""
        others = [label for label in self.comparison.ranked if label != self.duels.first]
        return [one for label in [self.duels.first, *others] for one in self.duels.against(label)]

    def _sections(self) -> list[tuple[str, str]]:
        names = ("Leaderboard", "Statistics", "Plots", "Images")
        sections = [(name.lower(), name) for name in names]
        return [*sections, ("problems", "Missing"), ("provenance", "Provenance")]

    def _lede(self) -> str:
        comparison = self.comparison
        boards = self.tables.boards
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
        return f"a method of this table{by} was trained with this metric's network: it carries no headline claim"

    def _data(self) -> dict[str, Any]:
        chosen = headline(self.tables.boards)
        names = [metric.name for metric in self.grids.metrics]
        shown = [names.index(metric.name) for metric in chosen if metric and metric.name in names]
        rest = [index for index in range(len(names)) if index not in shown]
        first = self.duels.first
        return {**self.grids.data, "shown": sorted((shown + rest)[:4]), "baseline": text.plain(first)}

    def _told(self, duel: Duel | None) -> wording.Told:
        return wording.told(duel, self.scores.decimals[duel.metric.name] if duel else 0)

    def _environment(self) -> Environment:
        environment = Environment(
            loader=PackageLoader("reports"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        names = [category.name for category in self.comparison.categories]
        environment.filters |= {
            "plain": text.plain,
            "short": text.short,
            "enlarged": text.enlarged,
            "mark": mark,
            "position": names.index,
            "means": wording.means,
            "classes": wording.classes,
            "described": wording.described,
            "tip": wording.tip,
            "quote": wording.quote,
            "verdict": wording.verdict,
            "place": lambda where: wording.place(where, self.comparison, self.scores.parts(where)),
            "told": self._told,
        }
        return environment


def _script() -> str:
    parts = "\n".join(_source(name) for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


def _source(name: str) -> str:
    return resources.files("reports.page").joinpath("templates", name).read_text(encoding="utf-8")


def _policy(style: str, script: str, pictures: str) -> str:
    """Allow this style, this script and its pictures; nothing from any host, nothing inline besides."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        f"img-src {pictures}; base-uri 'none'; form-action 'none'"
    )


def _digest(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _embeddable(data: dict[str, Any]) -> str:
    """Write JSON that cannot end its script element, whatever names it holds."""
    plain = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
