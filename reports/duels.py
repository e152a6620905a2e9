"""Every method against one of them, the baseline: is a difference more than chance, could chance hide it?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.errors import unknown
from bench.results import MethodRecord, MetricRecord
from bench.statistics import Paired, RankInterval, Verdict, compare, rank_intervals, smallest_detectable_difference
from reports.gather import Comparison
from reports.scores import Floats, Scores, Slice


class Duel(NamedTuple):
    """A method against the baseline by one metric, and its rank among all methods."""

    metric: MetricRecord
    rank: RankInterval
    paired: Paired | None
    """None for the baseline itself."""
    detectable: float
    """The smallest mean difference that this many images would show, in the metric's unit."""


class Contestant(NamedTuple):
    """A method with its duels, one a metric; None where it has no value."""

    order: int
    method: MethodRecord
    duels: tuple[Duel | None, ...]


class Tournament(NamedTuple):
    """The duels of a category at a factor."""

    where: Slice
    baseline: MethodRecord
    metrics: tuple[MetricRecord, ...]
    contestants: tuple[Contestant, ...]
    n: int
    is_too_small: bool


@dataclass(frozen=True)
class Duels:
    """The tests against a baseline.

    Args:
        comparison: the runs.
        scores: their values.
        baseline: the label of a competing method; the first one when None.

    Raises:
        bench.errors.UsageError: when no competing method has this label.
    """

    comparison: Comparison
    scores: Scores
    baseline: str | None = None

    def __post_init__(self) -> None:
        if self.baseline is not None and self.baseline not in self.comparison.ranked:
            raise unknown("method", self.baseline, self.comparison.ranked)

    @cached_property
    def tournaments(self) -> list[Tournament]:
        """One for each category and factor in which the baseline and another method have values."""
        found = [self._tournament(where) for where in self.scores.slices]
        return [tournament for tournament in found if tournament]

    def _tournament(self, where: Slice) -> Tournament | None:
        compared = self.scores.compared[where]
        baseline = self.baseline or next(iter(self.comparison.ranked), "")
        if baseline not in compared or len(compared) < 2:
            return None
        metrics = [metric for metric in self.comparison.metrics if metric.shape == "image"]
        columns = {metric: self._duels(where, metric, baseline) for metric in metrics}
        columns = {metric: duels for metric, duels in columns.items() if duels}
        if not columns:
            return None
        contestants = [
            Contestant(index, method, tuple(duels.get(method.label) for duels in columns.values()))
            for index, method in enumerate(self.comparison.methods)
            if method.label in compared
        ]
        records = {method.label: method for method in self.comparison.methods}
        pairs = [duel.paired for duels in columns.values() for duel in duels.values() if duel.paired]
        return Tournament(
            where,
            records[baseline],
            tuple(columns),
            tuple(contestants),
            max((pair.n for pair in pairs), default=0),
            bool(pairs) and all(pair.verdict is Verdict.TOO_SMALL for pair in pairs),
        )

    def _duels(self, where: Slice, metric: MetricRecord, baseline: str) -> dict[str, Duel]:
        table = _usable(self.scores.shared(where, metric.name)[self.scores.compared[where]])
        if baseline not in table or table.shape[1] < 2:
            return {}
        own = table[baseline].to_numpy()
        others = [label for label in table if label != baseline]
        pairs = dict(zip(others, compare(table[others], own, metric.better), strict=True))
        ranks = rank_intervals(table.T, metric.better)
        return {
            label: Duel(metric, rank, pairs.get(label), _detectable(table[label].to_numpy() - own))
            for label, rank in zip(map(str, table), ranks, strict=True)
        }


def _usable(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the methods that have this metric as a finite number: an infinite PSNR has no statistics."""
    return table.loc[:, np.isfinite(table.to_numpy(dtype=float)).all(axis=0)] if len(table) else table.iloc[:, :0]


def _detectable(differences: Floats) -> float:
    return smallest_detectable_difference(differences) if differences.any() else float("nan")
