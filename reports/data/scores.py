"""The values of a comparison, arranged once: who completed what, and each metric as images by methods."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bench.statistics import Floats
from reports import text
from reports.data.comparison import Comparison

EVERY = 0
"""In place of a factor: the mean over all of them."""


class Slice(NamedTuple):
    """What one leaderboard is about: a category at a factor, or over all factors, or all categories over them."""

    category: str
    """Empty for every category."""
    factor: int
    """`EVERY` for all factors: each image counts once, with its mean over them."""

    @property
    def place(self) -> str:
        """In words: `faces at 16`, then the sign for times, or `all categories over all factors`."""
        factor = f"at {text.enlarged(self.factor)}" if self.factor != EVERY else "over all factors"
        return f"{self.category or 'all categories'} {factor}"


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
        pairs = [(c.name, f) for c in self.comparison.categories for f in self.comparison.factors]
        return [Slice(*pair) for pair in pairs if pair in present]

    @cached_property
    def overall(self) -> list[Slice]:
        """Each category over all its factors, then all categories; none where that is one slice again."""
        categories = list(dict.fromkeys(where.category for where in self.slices))
        several = [Slice(name, EVERY) for name in categories if len(self.parts(Slice(name, EVERY))) > 1]
        return [*several, *([Slice("", EVERY)] if len(categories) > 1 else [])]

    @property
    def every(self) -> list[Slice]:
        """All slices: by category and factor, then overall."""
        return [*self.slices, *self.overall]

    def parts(self, where: Slice) -> list[Slice]:
        """Return the slices that an overall one is taken over; another is its own only part."""
        if where.factor != EVERY:
            return [where]
        return [one for one in self.slices if where.category in ("", one.category)]

    @cached_property
    def _tables(self) -> dict[tuple[str, int, str], pd.DataFrame]:
        frame = self.comparison.frame
        rows = frame[frame["metric"].notna() & frame["image"].notna() & frame["value"].notna()]
        keys = ["category", "factor", "metric", "image", "method"]
        means = rows.groupby(keys, sort=False, observed=True)["value"].mean()
        parts: Any = means.groupby(level=[0, 1, 2], sort=False)
        return {key: part.droplevel([0, 1, 2]).unstack("method") for key, part in parts}

    def table(self, where: Slice, metric: str) -> pd.DataFrame:
        """Return a metric's values: one row an image in list order, one column a method, NaN where missing.

        Over all factors, an image has the mean of its values, and none when it lacks one of them.
        """
        if (where, metric) not in self._means:
            self._means[where, metric] = self._mean_table(where, metric)
        return self._means[where, metric]

    @cached_property
    def _means(self) -> dict[tuple[Slice, str], pd.DataFrame]:
        return {}

    def _mean_table(self, where: Slice, metric: str) -> pd.DataFrame:
        if where.factor != EVERY:
            names = [image.image for image in self.comparison.images_of(where.category)]
            table = self._tables.get((where.category, where.factor, metric), pd.DataFrame())
            return table.reindex(index=names, columns=self.comparison.labels).astype(float)
        return self._over_factors(where, lambda part: self.table(part, metric), "mean").astype(float)

    def _over_factors(self, where: Slice, take: Callable[[Slice], pd.DataFrame], how: str) -> pd.DataFrame:
        """Join the factors of each image, then the categories, whose images are then called by both."""
        tables = []
        for category in dict.fromkeys(part.category for part in self.parts(where)):
            parts = [take(part) for part in self.parts(where) if part.category == category]
            stacked = np.stack([part.to_numpy() for part in parts])
            joined: Any = stacked.all(axis=0) if how == "all" else stacked.mean(axis=0)
            index = parts[0].index if where.category else [f"{category}/{name}" for name in parts[0].index]
            tables.append(pd.DataFrame(joined, index=index, columns=parts[0].columns))
        return pd.concat(tables)

    @cached_property
    def _done(self) -> dict[Slice, pd.DataFrame]:
        frame = self.comparison.frame
        cells = frame[(frame["status"] == "done") & frame["image"].notna()]
        cells = cells.drop_duplicates(["category", "factor", "image", "method"])
        parts: Any = cells.groupby(["category", "factor"], observed=True)
        return {Slice(*key): part.pivot(index="image", columns="method", values="status") for key, part in parts}

    def done(self, where: Slice) -> pd.DataFrame:
        """Return which cells are done: bool, images by methods; over all factors, those done at each of them."""
        if where.factor == EVERY:
            return self._over_factors(where, self.done, "all")
        names = [image.image for image in self.comparison.images_of(where.category)]
        done = self._done.get(where, pd.DataFrame())
        return done.reindex(index=names, columns=self.comparison.labels).notna()

    @cached_property
    def _asked(self) -> dict[tuple[str, int, str], frozenset[str]]:
        cells = self.comparison.frame[self.comparison.frame["image"].notna()]
        groups: Any = cells.groupby(["category", "factor", "method"], observed=True)["image"]
        return {key: frozenset(images) for key, images in groups}

    def asked(self, where: Slice, method: str) -> frozenset[str]:
        """Return the images that were asked of a method, at a category and factor."""
        return self._asked.get((*where, method), frozenset())

    def total(self, where: Slice) -> int:
        """Return how many images were asked of any method; over all factors, at any of them."""
        images = {
            (part.category, i)
            for part in self.parts(where)
            for m in self.comparison.labels
            for i in self.asked(part, m)
        }
        return len(images)

    def count(self, where: Slice, method: str) -> tuple[int, int]:
        """Return how many cells of a method are done, and how many were asked for."""
        parts = self.parts(where)
        return sum(int(self.done(part)[method].sum()) for part in parts), sum(
            len(self.asked(part, method)) for part in parts
        )

    @cached_property
    def compared(self) -> dict[Slice, list[str]]:
        """By slice, the competing methods that completed any image there."""
        tables = {where: self.done(where)[self.comparison.ranked] for where in self.every}
        return {where: [str(label) for label in done.columns[done.any()]] for where, done in tables.items()}

    @cached_property
    def common(self) -> dict[Slice, list[str]]:
        """By slice, the images that every compared method completed: means are over these."""
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
        keys = ["category", "factor", "metric", "method"]
        first = rows.drop_duplicates(keys).fillna({"reason": ""}).set_index(keys)[["value", "reason"]]
        notes = [reason.partition("; ")[2] for reason in first["reason"]]
        return dict(zip(first.index, map(SetScore, first["value"], notes), strict=True))

    def of_set(self, where: Slice, metric: str, method: str) -> SetScore | None:
        """Return the value of a metric that has one for a whole set, first repeat; the mean over several sets."""
        parts = self.parts(where)
        scores = [self._sets.get((part.category, part.factor, metric, method)) for part in parts]
        present = [score for score in scores if score]
        if not present or len(present) < len(parts):
            return None
        notes = dict.fromkeys(score.note for score in present if score.note)
        return SetScore(float(np.mean([score.value for score in present])), "; ".join(notes))

    def costs(self, where: Slice, metric: str, method: str) -> Floats:
        """Return a cost of the cells that have it, whether recorded by image or once."""
        columns = [self.table(part, metric)[method].dropna().to_numpy() for part in self.parts(where)]
        once = self.of_set(where, metric, method)
        return np.concatenate(columns) if any(map(len, columns)) else np.array([once.value] if once else [])

    def doubt(self, where: Slice, metric: str, method: str) -> str:
        """Return why a cost may not be that of the method alone, empty when nothing disturbed it."""
        reasons = (
            self._doubts.get((part.category, part.factor, metric, method), "") for part in self.parts(where)
        )
        return next(filter(None, reasons), "")

    @cached_property
    def _doubts(self) -> dict[tuple[Any, ...], str]:
        frame = self.comparison.frame
        rows = frame[frame["image"].notna() & frame["value"].notna() & frame["reason"].notna()]
        keys = rows[["category", "factor", "metric", "method"]].itertuples(index=False, name=None)
        return dict(zip(keys, rows["reason"], strict=True))

    @cached_property
    def decimals(self) -> dict[str, int]:
        """By metric, how many decimals it is printed with: one number for the page and every file."""
        values = self.comparison.frame.groupby("metric", observed=True)["value"]
        columns = {str(name): column.to_numpy(dtype=np.float64) for name, column in values}
        none = np.empty(0)
        return {
            metric.name: text.digits(columns.get(metric.name, none), metric.unit, metric.scope)
            for metric in self.comparison.metrics
        }
