"""Every method against a baseline: the mean difference, its p-value and interval, and the methods' ranks."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bench.base.errors import unknown
from bench.statistics import (
    Floats,
    PairedTest,
    RankInterval,
    Verdict,
    compare_all,
    rank_intervals,
    smallest_detectable_difference,
)
from bench.store.results import MethodRecord, MetricRecord
from reports.data.comparison import Comparison
from reports.data.scores import Scores, Slice

TIE_RULE = (
    "not told apart from the best: on the same images a paired test (Wilcoxon's, corrected by Holm for all "
    "methods, with a bootstrap interval of the mean difference) finds no clear difference"
)
_UNDECIDED = (Verdict.UNDECIDED, Verdict.TOO_SMALL)


class PairedComparison(NamedTuple):
    """A method against the baseline by one metric, and its rank among all methods."""

    metric: MetricRecord
    rank: RankInterval
    test: PairedTest | None
    """None for the baseline itself."""
    detectable: float
    """The smallest mean difference that this many images would show, in the metric's unit."""


class Entrant(NamedTuple):
    """A method with its comparisons, one a metric; None where it has no value."""

    order: int
    method: MethodRecord
    comparisons: tuple[PairedComparison | None, ...]


class ComparisonTable(NamedTuple):
    """The comparisons of a slice with one baseline."""

    where: Slice
    baseline: MethodRecord
    metrics: tuple[MetricRecord, ...]
    entrants: tuple[Entrant, ...]
    n: int
    is_too_small: bool


@dataclass(frozen=True)
class Significance:
    """The tests against a baseline, which may be any of the competing methods.

    Args:
        scores: the values.
        baseline: the label of the one that is shown first; the first competing method when None.

    Raises:
        bench.base.errors.UsageError: when no competing method has this label.
    """

    scores: Scores
    baseline: str | None = None

    def __post_init__(self) -> None:
        if self.baseline is not None and self.baseline not in self.comparison.ranked:
            raise unknown("method", self.baseline, self.comparison.ranked)

    @property
    def comparison(self) -> Comparison:
        """The runs."""
        return self.scores.comparison

    @property
    def first(self) -> str:
        """The label of the baseline that is shown first, empty when no method competes."""
        return self.baseline or next(iter(self.comparison.ranked), "")

    @cached_property
    def tables(self) -> list[ComparisonTable]:
        """Against the first baseline: one for each slice in which it and another method have values."""
        return self.against(self.first)

    def against(self, baseline: str) -> list[ComparisonTable]:
        """Return the tables of another baseline."""
        tables = [self._table(where, baseline) for where in self.scores.every]
        return [table for table in tables if table]

    def _table(self, where: Slice, baseline: str) -> ComparisonTable | None:
        compared = self.scores.compared[where]
        if baseline not in compared or len(compared) < 2:
            return None
        every = [(metric, self._paired(where, metric)) for metric in self.comparison.image_metrics]
        columns = {metric: tables[baseline] for metric, tables in every if baseline in tables}
        if not columns:
            return None
        entrants = [
            Entrant(index, method, tuple(column.get(method.label) for column in columns.values()))
            for index, method in enumerate(self.comparison.methods)
            if method.label in compared
        ]
        record = next(method for method in self.comparison.methods if method.label == baseline)
        tests = [one.test for column in columns.values() for one in column.values() if one.test]
        n = max((test.n for test in tests), default=0)
        is_too_small = bool(tests) and all(test.verdict is Verdict.TOO_SMALL for test in tests)
        return ComparisonTable(where, record, tuple(columns), tuple(entrants), n, is_too_small)

    def undecided(self, where: Slice, metric: MetricRecord, best: str) -> set[str]:
        """Return the methods that are not told apart from the best one: its test as a baseline finds nothing."""
        if metric not in self.comparison.image_metrics:
            return set()
        others = self._paired(where, metric).get(best, {}).items()
        return {label for label, one in others if one.test and one.test.verdict in _UNDECIDED}

    def _paired(self, where: Slice, metric: MetricRecord) -> dict[str, dict[str, PairedComparison]]:
        """Return the comparisons by baseline and method: all baselines share the resampled images."""
        if (where, metric.name) not in self._computed:
            self._computed[where, metric.name] = self._by_baseline(where, metric)
        return self._computed[where, metric.name]

    @cached_property
    def _computed(self) -> dict[tuple[Slice, str], dict[str, dict[str, PairedComparison]]]:
        return {}

    def _by_baseline(self, where: Slice, metric: MetricRecord) -> dict[str, dict[str, PairedComparison]]:
        table = self.scores.shared(where, metric.name)[self.scores.compared[where]]
        is_finite = np.isfinite(table.to_numpy(dtype=float)).all(axis=0) & (len(table) > 0)
        table = table.loc[:, is_finite]  # an infinite PSNR has no statistics
        if table.shape[1] < 2:
            return {}
        labels, values = list(map(str, table)), table.to_numpy()
        ranks = rank_intervals(values.T, metric.better)
        return {
            baseline: {
                label: PairedComparison(metric, rank, test, _detectable(column - values[:, own]))
                for label, rank, test, column in zip(labels, ranks, tests, values.T, strict=True)
            }
            for own, (baseline, tests) in enumerate(zip(labels, compare_all(values, metric.better), strict=True))
        }


def _detectable(differences: Floats) -> float:
    return smallest_detectable_difference(differences) if differences.any() else float("nan")
