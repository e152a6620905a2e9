"""The leaderboards: means with their intervals over the images that every compared method completed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from bench.statistics import Floats, mean_intervals
from bench.store.results import MethodRecord, MetricRecord, StrangersRecord
from reports import text
from reports.data.comparison import Comparison
from reports.data.metrics import Headline, headline, is_lower_better
from reports.data.quoted import Quoted
from reports.data.scores import Scores, Slice
from reports.data.shares import share_interval
from reports.data.significance import Significance

_NAN = float("nan")


class Estimate(NamedTuple):
    """A printed number: a mean, its 95 % bootstrap interval where images were drawn, and why to doubt a cost."""

    value: float = _NAN
    low: float = _NAN
    high: float = _NAN
    n: int = 0
    note: str = ""
    doubt: str = ""


class Cell(NamedTuple):
    """One number of a leaderboard and its place among the others."""

    estimate: Estimate
    metric: MetricRecord
    decimals: int
    is_best: bool = False
    is_second: bool = False
    is_tied: bool = False
    common: int = 0
    """Over how many images the means of the leaderboard are, but where a number says otherwise."""

    @property
    def value(self) -> str:
        """The number as printed."""
        return text.number(self.estimate.value, self.decimals)

    @property
    def n(self) -> str:
        """The number of images, where it is another than that of the leaderboard; else empty."""
        is_other = self.metric.scope != "cost" and self.estimate.n != self.common
        return f"n={self.estimate.n}" if is_other and not np.isnan(self.estimate.value) else ""

    @property
    def interval(self) -> str:
        """The interval as printed, empty when there is none."""
        low, high = (text.number(end, self.decimals) for end in (self.estimate.low, self.estimate.high))
        return "" if np.isnan(self.estimate.low) else f"{low} to {high}"


class Row(NamedTuple):
    """A method in a leaderboard."""

    order: int
    method: MethodRecord
    done: int
    total: int
    cells: tuple[Cell, ...]
    seen: str = ""
    """What data set of the categories its weights have seen; empty for none."""

    @property
    def quality(self) -> tuple[Cell, ...]:
        """The numbers that say how good it is."""
        return tuple(cell for cell in self.cells if cell.metric.scope != "cost")

    @property
    def costs(self) -> tuple[Cell, ...]:
        """The numbers that say what it takes."""
        return tuple(cell for cell in self.cells if cell.metric.scope == "cost")

    @property
    def n(self) -> int:
        """Over how many images its means are, but where a number says otherwise; 0 for none."""
        numbers = [cell for cell in self.quality if not np.isnan(cell.estimate.value)]
        return numbers[0].common if numbers else 0

    @property
    def remark(self) -> str:
        """What qualifies the whole row, for its name."""
        return f"trained on {self.seen}: has seen these images" if self.seen else ""


class Board(NamedTuple):
    """One leaderboard."""

    where: Slice
    metrics: tuple[MetricRecord, ...]
    rows: tuple[Row, ...]
    common: int
    total: int
    absent: tuple[str, ...]
    """Competing methods that completed no image here, and therefore do not limit the others."""
    quoted: tuple[Quoted, ...] = ()
    """Rows of papers."""
    strangers: tuple[StrangersRecord, ...] = ()
    """What pairs of different people score: the yardstick of identity."""

    @property
    def quality(self) -> tuple[MetricRecord, ...]:
        """The metrics that say how good a method is."""
        return tuple(metric for metric in self.metrics if metric.scope != "cost")

    @property
    def costs(self) -> tuple[MetricRecord, ...]:
        """Those that say what it takes."""
        return tuple(metric for metric in self.metrics if metric.scope == "cost")

    def stranger(self, metric: MetricRecord) -> str:
        """Return what strangers score by a metric as printed, empty when nobody measured it."""
        for one in self.strangers:
            if metric.signature == one.signature:
                return text.number(one.mean, 4)
            if metric.signature.startswith(f"{one.signature}|share"):
                return text.number(100 * one.share, 1)
        return ""


@dataclass(frozen=True)
class Leaderboards:
    """The leaderboards of a comparison."""

    significance: Significance
    quotes: Sequence[Quoted] = ()

    @property
    def comparison(self) -> Comparison:
        """The runs."""
        return self.significance.comparison

    @property
    def scores(self) -> Scores:
        """Their values."""
        return self.significance.scores

    @cached_property
    def boards(self) -> list[Board]:
        """One for each category and factor."""
        return [self._board(where) for where in self.scores.slices]

    @cached_property
    def overall(self) -> list[Board]:
        """Each category over its factors and all categories over theirs, where there are several."""
        return [self._board(where) for where in self.scores.overall]

    @property
    def every(self) -> list[Board]:
        """All of them: by category and factor, then overall."""
        return [*self.boards, *self.overall]

    @property
    def headline(self) -> Headline:
        """The headline metrics among those that have a value somewhere."""
        return headline([metric for board in self.boards for metric in board.metrics])

    def board(self, where: Slice) -> Board:
        """Return the leaderboard of a category and factor."""
        return next(board for board in self.boards if board.where == where)

    def _board(self, where: Slice) -> Board:
        metrics = [metric for metric in self.comparison.metrics if self._has_values(where, metric)]
        columns = [self._column(where, metric) for metric in metrics]
        compared = self.scores.compared[where]
        rows = [
            Row(
                *(index, method, *self.scores.count(where, method.label)),
                tuple(column[index] for column in columns),
                self._seen(where, method),
            )
            for index, method in enumerate(self.comparison.methods)
        ]
        absent = [label for label in self.comparison.ranked if label not in compared]
        rows.sort(key=lambda row: row.method.is_upper_bound)
        quotes = tuple(quoted for quoted in self.quotes if quoted.where == where)
        common = len(self.scores.common[where])
        strangers = tuple(one for one in self.comparison.strangers if one.category == where.category)
        total = self.scores.total(where)
        return Board(where, tuple(metrics), tuple(rows), common, total, tuple(absent), quotes, strangers)

    def _seen(self, where: Slice, method: MethodRecord) -> str:
        categories = {part.category for part in self.scores.parts(where)}
        data_sets = {c.data_set for c in self.comparison.categories if c.name in categories}
        return ", ".join(name for name in method.trained_on if name in data_sets)

    def _has_values(self, where: Slice, metric: MetricRecord) -> bool:
        in_images = bool(self.scores.table(where, metric.name).notna().any(axis=None))
        return in_images or any(self.scores.of_set(where, metric.name, m) for m in self.comparison.labels)

    def _column(self, where: Slice, metric: MetricRecord) -> list[Cell]:
        compute = {"set": self._of_sets, "cost": self._costs}.get(metric.scope, self._means)
        decimals = self.scores.decimals[metric.name]
        common = len(self.scores.common[where])
        cells = [Cell(estimate, metric, decimals, common=common) for estimate in compute(where, metric.name)]
        return self._mark_best(where, cells, self.comparison.methods)

    def _means(self, where: Slice, metric: str) -> list[Estimate]:
        shared, is_share = self.scores.shared(where, metric), metric in self._shares
        whole = [label for label in shared if shared[label].notna().all()] if len(shared) else []
        table = shared[whole].to_numpy(dtype=np.float64)
        intervals = dict(zip(whole, _intervals(table, is_share=is_share), strict=True))
        return [intervals.get(label) or self._partial_mean(where, metric, str(label)) for label in shared]

    @cached_property
    def _shares(self) -> set[str]:
        return {metric.name for metric in self.comparison.metrics if metric.scope == "share"}

    def _partial_mean(self, where: Slice, metric: str, label: str) -> Estimate:
        """Return the mean of what there is: only an upper bound may lack values that all others have."""
        values = self.scores.shared(where, metric)[label].dropna().to_numpy(dtype=np.float64)
        if len(values):
            return _intervals(values[:, None])[0]
        own = self.scores.table(where, metric)[label].dropna()
        if not len(own):
            return Estimate()
        images, mean = text.count(len(own), "image"), text.number(float(own.mean()), self.scores.decimals[metric])
        return Estimate(note=f"its own {images} have the mean {mean}, which compares with nothing here")

    def _of_sets(self, where: Slice, metric: str) -> list[Estimate]:
        counts = self.scores.done(where).sum().items()
        scores = [(self.scores.of_set(where, metric, str(label)), n) for label, n in counts]
        return [Estimate(score.value, n=int(n), note=score.note) if score else Estimate() for score, n in scores]

    def _costs(self, where: Slice, metric: str) -> list[Estimate]:
        return [self._cost(where, metric, str(label)) for label in self.scores.done(where).columns]

    def _cost(self, where: Slice, metric: str, label: str) -> Estimate:
        """Return the median, with the range as its note, and any doubt."""
        values = self.scores.costs(where, metric, label)
        if not len(values):
            return Estimate()
        low, high = (text.number(float(end), self.scores.decimals[metric]) for end in (values.min(), values.max()))
        spread = f"median, from {low} to {high}" if low != high else ""
        doubt = self.scores.doubt(where, metric, label)
        return Estimate(float(np.median(values)), n=len(values), note=spread, doubt=doubt)

    def selected(self, where: Slice, labels: Sequence[str]) -> Board:
        """Return a leaderboard with some of its methods, in this order, the best among them bold.

        Means and tests stay those of the whole leaderboard, over the images that all its methods completed.
        """
        board = self.board(where)
        by_label = {row.method.label: row for row in board.rows}
        rows = [by_label[label] for label in labels if label in by_label]
        methods = [row.method for row in rows]
        columns = [self._mark_best(where, cells, methods) for cells in zip(*(r.cells for r in rows), strict=True)]
        marked = zip(*columns, strict=True) if columns else [()] * len(rows)
        return board._replace(rows=tuple(r._replace(cells=tuple(c)) for r, c in zip(rows, marked, strict=True)))

    def _mark_best(self, where: Slice, cells: Sequence[Cell], methods: Sequence[MethodRecord]) -> list[Cell]:
        """Mark the best (bold) and the second (underlined) by the numbers as printed, and what ties with the best.

        What ties is decided by the paired test against the best one, as the statistics have it.
        """
        ranked = {
            method.label: (-1.0 if is_lower_better(cell.metric) else 1.0) * cell.estimate.value
            for cell, method in zip(cells, methods, strict=True)
            if not method.is_upper_bound and cell.metric.scope != "cost" and not np.isnan(cell.estimate.value)
        }
        if len(ranked) < 2:
            return [cell._replace(is_best=False, is_second=False, is_tied=False) for cell in cells]
        best = max(ranked, key=lambda label: ranked[label])
        undecided = self.significance.undecided(where, cells[0].metric, best)
        printed = {label: round(value, cells[0].decimals) for label, value in ranked.items()}
        firsts = {label for label, value in printed.items() if value == printed[best]}
        second = max((printed[label] for label in printed if label not in firsts), default=_NAN)
        return [
            cell._replace(
                is_best=method.label in firsts,
                is_second=printed.get(method.label) == second,
                is_tied=method.label in undecided - firsts,
            )
            for cell, method in zip(cells, methods, strict=True)
        ]


def _intervals(table: Floats, *, is_share: bool = False) -> list[Estimate]:
    """Return the mean of each column, with its interval where every value is finite and there are two or more."""
    finite: Any = np.isfinite(table).all(axis=0)
    intervals = iter(mean_intervals(table[:, finite]) if finite.any() else ())
    ends = [next(intervals)[1:3] if is_finite else (_NAN, _NAN) for is_finite in finite]
    estimates = []
    for column, pair in zip(table.T, ends, strict=True):
        low, high = ((share_interval(column) if is_share else None) or (0.0, *pair))[1:3]
        estimates.append(Estimate(float(column.mean()), low, high, len(column)))
    return estimates
