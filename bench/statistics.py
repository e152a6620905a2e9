"""What a difference between methods is worth: intervals, paired tests and ranks over images.

The unit is always the image. Intervals are bias-corrected and accelerated bootstrap intervals (BCa; Efron, JASA
1987) of a mean, from one seed; p-values are Wilcoxon's signed-rank test's, corrected by Holm (1979) within the
family of methods that are compared with one baseline.
"""

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from bench.base.errors import UsageError
from bench.base.metric import Better

Floats = npt.NDArray[np.float64]

_LEVEL = 0.05
_RESAMPLES = 10_000
_FEW = 13  # up to this many images scipy tries every sign where values tie, a second or more a call
_CHUNK = 2_000_000  # resampled images held at once, in three arrays of 16 MB


class Interval(NamedTuple):
    """A mean and its 95 % interval; one image has no interval (NaN)."""

    mean: float
    low: float
    high: float
    n: int


class Verdict(Enum):
    """The outcome of a test against the baseline."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "no clear difference"
    TOO_SMALL = "n too small"
    """Even if every image agreed, no p-value could reach 0.05."""


class PairedTest(NamedTuple):
    """Method a compared with method b on the same images."""

    difference: float
    """Mean of a - b."""
    low: float
    high: float
    p: float
    """Wilcoxon's, two-sided; corrected for the family where there is one."""
    win_rate: float
    """The share of images where a is better; a tie counts half."""
    n: int
    verdict: Verdict


class RankInterval(NamedTuple):
    """The rank of a method's mean, 1 the best, with its 95 % interval; ties share the mean rank."""

    rank: float
    low: float
    high: float


def mean_intervals(table: npt.ArrayLike, seed: int = 0, n: int = _RESAMPLES) -> list[Interval]:
    """Return the mean of each column and its 95 % BCa interval, from the same resampled images.

    Args:
        table: (images, columns).
        seed: of the n resamples.
        n: how many.

    Raises:
        UsageError: for no value, or one that is not a number.
    """
    values = _numbers(table, 2)
    lows, highs = _bca(values, resampled_means(values, seed, n))
    rows = np.stack([values.mean(0), lows, highs], 1).tolist()
    return [Interval(mean, low, high, len(values)) for mean, low, high in rows]


def compare(methods: npt.ArrayLike, baseline: npt.ArrayLike, better: Better) -> list[PairedTest]:
    """Compare several methods with one baseline, as one family: p-values are Holm's.

    Args:
        methods: (images, methods).
        baseline: (images,).
        better: the direction of the values.

    Returns:
        One a method. A verdict needs both: a p-value under 0.05 and a 95 % interval that excludes 0.

    Raises:
        UsageError: for no value, or one that is not a number.
    """
    differences = _numbers(methods, 2) - _numbers(baseline, 1)[:, None]
    ps = [wilcoxon(column) for column in differences.T]
    return _family(differences, resampled_means(differences), ps, better)


def compare_all(methods: npt.ArrayLike, better: Better) -> list[list[PairedTest | None]]:
    """Compare every method with every other, each in turn the baseline of one family: what `compare` says of each.

    Args:
        methods: (images, methods), at least two of them.
        better: the direction of the values.

    Returns:
        By baseline, one a method; None for the baseline itself.

    Raises:
        UsageError: for fewer than two methods, no value, or one that is not a number.
    """
    values = _numbers(methods, 2)
    count = values.shape[1]
    if count < 2:
        raise UsageError("there is nothing to compare", got="one method", expected="two or more")
    means = resampled_means(values)
    ps = np.ones((count, count))
    for one, other in zip(*np.triu_indices(count, 1), strict=True):
        ps[one, other] = ps[other, one] = wilcoxon(values[:, one] - values[:, other])
    return [_against(values, means, ps, baseline, better) for baseline in range(count)]


def _against(values: Floats, means: Floats, ps: Floats, baseline: int, better: Better) -> list[PairedTest | None]:
    others = [index for index in range(values.shape[1]) if index != baseline]
    differences = values[:, others] - values[:, [baseline]]
    tests = _family(differences, means[:, others] - means[:, [baseline]], ps[others, baseline].tolist(), better)
    return [*tests[:baseline], None, *tests[baseline:]]


def _family(differences: Floats, means: Floats, ps: Sequence[float], better: Better) -> list[PairedTest]:
    """Return what the differences from one baseline say, (images, k), given their resampled means."""
    n, family = differences.shape
    sign = 1 if better is Better.HIGHER else -1
    lows, highs = _bca(differences, means)
    wins = ((sign * differences > 0) + 0.5 * (differences == 0)).mean(0)
    small = too_small(n, family)
    rows = np.stack([differences.mean(0), lows, highs, holm(ps), wins], 1).tolist()
    return [
        PairedTest(mean, low, high, p, win, n, _verdict(low, high, p, sign, small))
        for mean, low, high, p, win in rows
    ]


def wilcoxon(differences: npt.ArrayLike) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; 1 when no image differs."""
    values = _numbers(differences, 1)
    nonzero = values[values != 0]
    if not len(nonzero):
        return 1.0
    if len(values) <= _FEW and len(np.unique(np.abs(nonzero))) < len(values):
        return _exact_with_ties(nonzero)
    return float(stats.wilcoxon(values).pvalue)


def _exact_with_ties(values: Floats) -> float:
    """Return what scipy finds for a few values with ties or zeros by trying every sign, all signs at once."""
    ranks = stats.rankdata(np.abs(values))
    signs = (np.arange(2 ** len(ranks))[:, None] >> np.arange(len(ranks))) & 1
    null = signs @ ranks  # halves of whole numbers: exact in floating point
    observed = ranks[values > 0].sum()
    return float(min(1.0, 2 * min((null <= observed).mean(), (null >= observed).mean())))


def holm(pvalues: Sequence[float]) -> Floats:
    """Correct the p-values of one family by Holm's step-down method."""
    ps = np.asarray(pvalues, dtype=np.float64)
    order = np.argsort(ps, kind="stable")
    steps = np.maximum.accumulate(ps[order] * np.arange(len(ps), 0, -1))
    corrected = np.empty_like(ps)
    corrected[order] = np.minimum(steps, 1)
    return corrected


def too_small(n: int, family: int = 1) -> bool:
    """Say whether no p-value could reach 0.05: even n differences of one sign give 2 / 2ⁿ, times the family."""
    return family * 2.0 ** (1 - n) > _LEVEL


def rank_intervals(table: npt.ArrayLike, better: Better) -> list[RankInterval]:
    """Rank methods by their means over images, with 95 % percentile intervals over resampled images.

    Equal means share the best rank that they take.

    Args:
        table: (methods, images).
        better: the direction of the values.

    Raises:
        UsageError: for no value, or one that is not a number.
    """
    values = _numbers(table, 2).T * (-1 if better is Better.HIGHER else 1)
    ranks = stats.rankdata(values.mean(0), method="min")
    resampled = stats.rankdata(resampled_means(values), method="min", axis=1)
    low, high = np.quantile(resampled, [_LEVEL / 2, 1 - _LEVEL / 2], axis=0)
    return [RankInterval(*row) for row in np.stack([ranks, low, high], 1).tolist()]


def smallest_detectable_difference(differences: npt.ArrayLike) -> float:
    """Return the mean difference that a paired t-test finds with 80 % power, two-sided at 0.05.

    Args:
        differences: one an image, (images,).

    Returns:
        The difference at this number of images and this spread, in the metric's unit; NaN for one image.
    """
    values = _numbers(differences, 1)
    n = len(values)
    return _detectable_effect(n) * float(values.std(ddof=1)) / float(np.sqrt(n)) if n > 1 else float("nan")


@lru_cache
def _detectable_effect(n: int) -> float:
    """Return the noncentrality at which a two-sided t-test on n differences has 80 % power."""
    critical = stats.t.ppf(1 - _LEVEL / 2, n - 1)

    def lacking(effect: float) -> float:
        return float(stats.nct.cdf(critical, n - 1, effect)) - 0.2

    return optimize.brentq(lacking, 0, 20 + critical)


def _verdict(low: float, high: float, p: float, sign: int, small: bool) -> Verdict:
    if small:
        return Verdict.TOO_SMALL
    if p >= _LEVEL or low <= 0 <= high:
        return Verdict.UNDECIDED
    return Verdict.BETTER if sign * low > 0 else Verdict.WORSE


def _numbers(values: npt.ArrayLike, dimensions: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != dimensions or not array.size or not np.isfinite(array).all():
        got = f"shape {array.shape}, {np.isfinite(array).sum()} of them finite"
        expected = f"{dimensions} dimension{'s' * (dimensions > 1)}"
        raise UsageError("statistics need one finite number an image", got=got, expected=expected)
    return array


def _bca(values: Floats, means: Floats) -> tuple[Floats, Floats]:
    """Return the ends of the BCa interval of each column's mean, (k,) each.

    Args:
        values: (images, k).
        means: of resampled images, (resamples, k).
    """
    n, columns = values.shape
    if n < 2:
        return np.full(columns, np.nan), np.full(columns, np.nan)
    mean = values.mean(0)
    spread = np.ptp(values, axis=0)
    means = np.where(spread > 0, means, mean)
    tie = 1e-9 * spread  # a resample of every image once has this mean, but for rounding
    below = ((means < mean - tie).mean(0) + (means <= mean + tie).mean(0)) / 2
    bias = stats.norm.ppf(below)
    influence = values - mean
    squares = np.square(influence).sum(0)
    skew = (influence**3).sum(0) / np.where(squares > 0, squares, 1) ** 1.5 / 6
    shifts = bias + stats.norm.ppf([[_LEVEL / 2], [1 - _LEVEL / 2]])
    levels = stats.norm.cdf(bias + shifts / (1 - skew * shifts))
    quantiles = [np.quantile(column, ends) for column, ends in zip(means.T, levels.T, strict=True)]
    low, high = np.stack(quantiles, 1)
    return low, high


def resampled_means(values: Floats, seed: int = 0, resamples: int = _RESAMPLES) -> Floats:
    """Return the column means of images drawn with replacement, (resamples, k): the same draws for each column."""
    n = len(values)
    if n * resamples <= _CHUNK:
        return _draws(n, seed, resamples) @ values / n
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // n)
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    return np.concatenate([_drawn(generator, rows, n) @ values / n for rows in sizes])


@lru_cache(maxsize=2)
def _draws(n: int, seed: int, resamples: int) -> Floats:
    """Return how often each of n images was drawn, (resamples, n): made once for all metrics of a run."""
    return _drawn(np.random.default_rng(seed), resamples, n)


def _drawn(generator: np.random.Generator, rows: int, n: int) -> Floats:
    drawn = generator.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
    return np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)
