"""Every method against one of them, the baseline: is a difference more than chance, could chance hide it?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.base.errors import unknown
from bench.statistics import (
    PairedTest,
    RankInterval,
    Verdict,
    compare_all,
    rank_intervals,
    smallest_detectable_difference,
)
from bench.store.results import MethodRecord, MetricRecord
from reports.data.comparison import Comparison
from reports.data.scores import Floats, Scores, Slice


class Duel(NamedTuple):
    """A method against the baseline by one metric, and its rank among all methods."""

    metric: MetricRecord
    rank: RankInterval
    paired: PairedTest | None
    """None for the baseline itself."""
    detectable: float
    """The smallest mean difference that this many images would show, in the metric's unit."""


class Contestant(NamedTuple):
    """A method with its duels, one a metric; None where it has no value."""

    order: int
    method: MethodRecord
    duels: tuple[Duel | None, ...]


class Tournament(NamedTuple):
    """The duels of a slice against one baseline."""

    where: Slice
    baseline: MethodRecord
    metrics: tuple[MetricRecord, ...]
    contestants: tuple[Contestant, ...]
    n: int
    is_too_small: bool


@dataclass(frozen=True)
class Duels:
    """The tests against a baseline, which may be any of the competing methods.

    Args:
        comparison: the runs.
        scores: their values.
        baseline: the label of the one that is shown first; the first competing method when None.

    Raises:
        bench.base.errors.UsageError: when no competing method has this label.
    """

    comparison: Comparison
    scores: Scores
    baseline: str | None = None

    def __post_init__(self) -> None:
        if self.baseline is not None and self.baseline not in self.comparison.ranked:
            raise unknown("method", self.baseline, self.comparison.ranked)

    @property
    def first(self) -> str:
        """The label of the baseline that is shown first, empty when no method competes."""
        return self.baseline or next(iter(self.comparison.ranked), "")

    @cached_property
    def tournaments(self) -> list[Tournament]:
        """Against the first baseline: one for each slice in which it and another method have values."""
        return self.against(self.first)

    def against(self, baseline: str) -> list[Tournament]:
        """Return the tournaments of another baseline."""
        found = [self._tournament(where, baseline) for where in [*self.scores.slices, *self.scores.overall]]
        return [tournament for tournament in found if tournament]

    def _tournament(self, where: Slice, baseline: str) -> Tournament | None:
        compared = self.scores.compared[where]
        if baseline not in compared or len(compared) < 2:
            return None
        every = {metric: self._columns[where, metric.name].get(baseline, {}) for metric in self._metrics}
        columns = {metric: duels for metric, duels in every.items() if duels}
        if not columns:
            return None
        contestants = [
            Contestant(index, method, tuple(duels.get(method.label) for duels in columns.values()))
            for index, method in enumerate(self.comparison.methods)
            if method.label in compared
        ]
        record = next(method for method in self.comparison.methods if method.label == baseline)
        pairs = [duel.paired for duels in columns.values() for duel in duels.values() if duel.paired]
        n = max((pair.n for pair in pairs), default=0)
        small = bool(pairs) and all(pair.verdict is Verdict.TOO_SMALL for pair in pairs)
        return Tournament(where, record, tuple(columns), tuple(contestants), n, small)

    @property
    def _metrics(self) -> list[MetricRecord]:
        return [metric for metric in self.comparison.metrics if metric.scope == "image"]

    @cached_property
    def _columns(self) -> dict[tuple[Slice, str], dict[str, dict[str, Duel]]]:
        """By slice and metric, then by baseline and method: the resampling is shared by all baselines."""
        every = [*self.scores.slices, *self.scores.overall]
        return {(where, metric.name): self._pairs(where, metric) for where in every for metric in self._metrics}

    def _pairs(self, where: Slice, metric: MetricRecord) -> dict[str, dict[str, Duel]]:
        table = _usable(self.scores.shared(where, metric.name)[self.scores.compared[where]])
        if table.shape[1] < 2:
            return {}
        labels, values = list(map(str, table)), table.to_numpy()
        ranks = rank_intervals(values.T, metric.better)
        return {
            baseline: {
                label: Duel(metric, ranks[index], row[index], _detectable(values[:, index] - values[:, own]))
                for index, label in enumerate(labels)
            }
            for own, (baseline, row) in enumerate(zip(labels, compare_all(values, metric.better), strict=True))
        }


def _usable(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the methods that have this metric as a finite number: an infinite PSNR has no statistics."""
    return table.loc[:, np.isfinite(table.to_numpy(dtype=float)).all(axis=0)] if len(table) else table.iloc[:, :0]


def _detectable(differences: Floats) -> float:
    return smallest_detectable_difference(differences) if differences.any() else float("nan")
