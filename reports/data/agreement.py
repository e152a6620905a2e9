"""How far metrics agree: whether they order the images of a method alike, and the methods among themselves."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from bench.statistics import Floats, resampled_means
from bench.store.results import MetricRecord
from reports.data.comparison import Comparison
from reports.data.metrics import is_lower_better
from reports.data.scores import Scores, Slice

FEWEST_IMAGES = 4
FEWEST_METHODS = 3
_RESAMPLES = 1_000


class Correlation(NamedTuple):
    """Spearman's rank correlation and its 95 % percentile interval over resampled images."""

    rho: float
    low: float
    high: float
    n: int
    """How many images or methods are ordered."""


class Agreement(NamedTuple):
    """How far the metrics of a slice agree, two by two; better is up for each of them."""

    where: Slice
    metrics: tuple[MetricRecord, ...]
    over_images: dict[tuple[str, str], Correlation]
    """The mean over methods of how alike two metrics order its images."""
    over_methods: dict[tuple[str, str], Correlation]
    """How alike two metrics order the methods by their means."""


@dataclass(frozen=True)
class Agreements:
    """The agreement of metrics in every slice of a comparison."""

    comparison: Comparison
    scores: Scores

    @cached_property
    def every(self) -> list[Agreement]:
        """One for each slice in which two metrics can be compared."""
        every = [self._agreement(where) for where in self.scores.every]
        return [one for one in every if one.over_images or one.over_methods]

    def _agreement(self, where: Slice) -> Agreement:
        metrics = [metric for metric in self.comparison.image_metrics if metric.scope == "image"]
        over_images: dict[tuple[str, str], Correlation] = {}
        over_methods: dict[tuple[str, str], Correlation] = {}
        for index, one in enumerate(metrics):
            for other in metrics[index + 1 :]:
                x, y = self._common(where, one, other)
                if len(x) >= FEWEST_IMAGES and (correlation := correlation_over_images(x, y)):
                    over_images[one.name, other.name] = correlation
                if len(x) and x.shape[1] >= FEWEST_METHODS and (correlation := correlation_over_methods(x, y)):
                    over_methods[one.name, other.name] = correlation
        named = {name for pair in (*over_images, *over_methods) for name in pair}
        return Agreement(where, tuple(m for m in metrics if m.name in named), over_images, over_methods)

    def _common(self, where: Slice, *metrics: MetricRecord) -> tuple[Floats, Floats]:
        """Return the values of two metrics on the images and methods that have both, (images, methods) each."""
        labels = self.scores.compared[where]
        tables = [self.scores.shared(where, metric.name)[labels] for metric in metrics]
        images = tables[0].index.intersection(tables[1].index)
        values = [table.loc[images].to_numpy(dtype=np.float64) for table in tables]
        is_whole = np.logical_and(*(np.isfinite(table).all(axis=0) for table in values))
        signs = [-1.0 if is_lower_better(metric) else 1.0 for metric in metrics]
        one, other = (sign * table[:, is_whole] for sign, table in zip(signs, values, strict=True))
        return one, other


def correlation_over_images(x: Floats, y: Floats) -> Correlation | None:
    """Return the mean over methods of the rank correlation of two metrics over images.

    The interval resamples images and keeps their ranks; methods whose values are all equal have no order.

    Args:
        x: of one metric, (images, methods).
        y: of the other.
    """
    ranks = [rankdata(values, axis=0) for values in (x, y)]
    has_order = np.logical_and(*(np.ptp(rank, axis=0) > 0 for rank in ranks))
    if not has_order.any():
        return None
    a, b = (rank[:, has_order] - (len(x) + 1) / 2 for rank in ranks)
    moments = np.hstack([a, b, a * a, b * b, a * b])
    rho = float(_pearson(moments.mean(axis=0)[None])[0])
    low, high = np.nanquantile(_pearson(resampled_means(moments, resamples=_RESAMPLES)), [0.025, 0.975])
    return Correlation(rho, float(low), float(high), len(x))


def correlation_over_methods(x: Floats, y: Floats) -> Correlation | None:
    """Return the rank correlation of two metrics over the methods' means; the interval resamples images."""
    means = [values.mean(axis=0)[None] for values in (x, y)]
    if not all(np.ptp(mean) > 0 for mean in means):
        return None
    resampled = [resampled_means(values, resamples=_RESAMPLES) for values in (x, y)]  # the same draws for both
    low, high = np.nanquantile(_spearman(*resampled), [0.025, 0.975])
    return Correlation(float(_spearman(*means)[0]), float(low), float(high), x.shape[1])


def _spearman(x: Floats, y: Floats) -> Floats:
    """Return the rank correlation of each row of x with that of y."""
    a, b = (rankdata(values, axis=1) - (values.shape[1] + 1) / 2 for values in (x, y))
    with np.errstate(invalid="ignore"):
        return (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))


def _pearson(moments: Floats) -> Floats:
    """Return the mean over methods of the correlation, by the means of a, b, a², b² and ab, (rows, 5 methods)."""
    a, b, aa, bb, ab = np.split(moments, 5, axis=1)
    spread = (aa - a * a) * (bb - b * b)
    with np.errstate(invalid="ignore"):
        each = (ab - a * b) / np.sqrt(np.where(spread > 1e-12, spread, np.nan))
    counted = np.isfinite(each).sum(axis=1)
    return np.where(counted > 0, np.nansum(each, axis=1) / np.maximum(counted, 1), np.nan)
