"""The values of a comparison, arranged once: who completed what, and each metric as images by methods."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports import text
from reports.gather import Comparison

Floats = npt.NDArray[np.float64]


class Slice(NamedTuple):
    """A category at a factor: what one leaderboard is about."""

    category: str
    factor: int


class SetScore(NamedTuple):
    """A value of a whole set, and the warning that was recorded with it."""

    value: float
    note: str


@dataclass(frozen=True)
class Scores:
    """The values of a comparison. Repeats of a cell are averaged before anything else."""

    comparison: Comparison

    @cached_property
    def slices(self) -> list[Slice]:
        """Every category at every factor that has a cell."""
        frame = self.comparison.frame
        present = set(zip(frame["category"], frame["factor"], strict=True))
        wanted = [(c.name, f) for c in self.comparison.categories for f in self.comparison.factors]
        return [Slice(*key) for key in wanted if key in present]

    @cached_property
    def _tables(self) -> dict[tuple[str, int, str], pd.DataFrame]:
        frame = self.comparison.frame
        rows = frame[frame["metric"].notna() & frame["image"].notna() & frame["value"].notna()]
        keys = ["category", "factor", "metric", "image", "method"]
        means = rows.groupby(keys, sort=False, observed=True)["value"].mean()
        parts: Any = means.groupby(level=[0, 1, 2], sort=False)
        return {key: part.droplevel([0, 1, 2]).unstack("method") for key, part in parts}

    def table(self, where: Slice, metric: str) -> pd.DataFrame:
        """Return a metric's values: one row an image in list order, one column a method, NaN where missing."""
        names = [image.image for image in self.comparison.images_of(where.category)]
        found = self._tables.get((where.category, where.factor, metric), pd.DataFrame())
        return found.reindex(index=names, columns=self.comparison.labels).astype(float)

    @cached_property
    def _done(self) -> dict[Slice, pd.DataFrame]:
        frame = self.comparison.frame
        cells = frame[(frame["status"] == "done") & frame["image"].notna()]
        cells = cells[["category", "factor", "image", "method"]].drop_duplicates().assign(done=True)
        return {
            where: cells[(cells["category"] == where.category) & (cells["factor"] == where.factor)]
            .set_index(["image", "method"])["done"]
            .unstack("method")
            for where in self.slices
        }

    def done(self, where: Slice) -> pd.DataFrame:
        """Return which cells are done: bool, images by methods."""
        names = [image.image for image in self.comparison.images_of(where.category)]
        found = self._done.get(where, pd.DataFrame())
        return found.reindex(index=names, columns=self.comparison.labels).notna()

    @cached_property
    def compared(self) -> dict[Slice, list[str]]:
        """By category and factor, the competing methods that completed anything there."""
        tables = {where: self.done(where)[self.comparison.ranked] for where in self.slices}
        return {where: [str(label) for label in done.columns[done.any()]] for where, done in tables.items()}

    @cached_property
    def common(self) -> dict[Slice, list[str]]:
        """By category and factor, the images that every compared method completed: means are over these."""
        tables = {where: self.done(where)[labels] for where, labels in self.compared.items()}
        return {
            where: [str(name) for name in done.index[done.all(axis=1)]] if done.shape[1] else []
            for where, done in tables.items()
        }

    def shared(self, where: Slice, metric: str) -> pd.DataFrame:
        """Return a metric on the common images for which every method that has this metric has a value."""
        table = self.table(where, metric).loc[self.common[where]]
        present = [label for label in self.compared[where] if table[label].notna().any()]
        return table[table[present].notna().all(axis=1)] if present else table.iloc[:0]

    @cached_property
    def _sets(self) -> dict[tuple[str, int, str, str], SetScore]:
        frame = self.comparison.frame
        rows = frame[frame["metric"].notna() & frame["image"].isna() & frame["value"].notna()]
        keys = zip(rows["category"], rows["factor"], rows["metric"], rows["method"], strict=True)
        found: dict[tuple[str, int, str, str], SetScore] = {}
        for key, value, reason in zip(keys, rows["value"], rows["reason"], strict=True):
            found.setdefault(key, SetScore(value, (reason or "").partition("; ")[2]))
        return found

    def of_set(self, where: Slice, metric: str, method: str) -> SetScore | None:
        """Return the value of a metric that has one for a whole set, first repeat."""
        return self._sets.get((where.category, where.factor, metric, method))

    def mean_cost(self, where: Slice, metric: str, method: str) -> float:
        """Return the mean of a cost over the cells that have it, whether recorded by image or once."""
        values = self.table(where, metric)[method].dropna()
        if len(values):
            return float(values.mean())
        once = self.of_set(where, metric, method)
        return once.value if once else float("nan")

    @cached_property
    def decimals(self) -> dict[str, int]:
        """By metric, how many decimals it is printed with: one number for the page and every file."""
        values = self.comparison.frame.groupby("metric", observed=True)["value"]
        found = {str(name): column.to_numpy(dtype=np.float64) for name, column in values}
        none = np.empty(0)
        return {
            metric.name: text.digits(found.get(metric.name, none), metric.unit, metric.shape)
            for metric in self.comparison.metrics
        }
