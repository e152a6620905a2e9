"""The means that plots show as points, and their intervals as error bars."""

import math

from bench.store.results import MetricRecord
from reports.data.leaderboard import Estimate, Row


def estimate(row: Row, metric: MetricRecord) -> Estimate:
    """Return a method's mean of a metric, NaN where it has none."""
    missing = Estimate(float("nan"), float("nan"), float("nan"), 0)
    return next((cell.estimate for cell in row.cells if cell.metric == metric), missing)


def error_bar(value: Estimate) -> tuple[float, float]:
    """Return the lengths of an interval below and above its mean, 0 where there is none."""
    return _length(value.value, value.low), _length(value.high, value.value)


def _length(high: float, low: float) -> float:
    return max(high - low, 0.0) if math.isfinite(high - low) else 0.0
