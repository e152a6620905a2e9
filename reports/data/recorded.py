"""What the methods recorded about themselves: steps taken, a missed eps. Shown apart, ranked nowhere."""

from typing import NamedTuple

from reports.data.comparison import Comparison


class Recorded(NamedTuple):
    """One such value of one method, over the images of a category and factor."""

    category: str
    factor: int
    method: str
    name: str
    mean: float
    low: float
    high: float
    n: int


def recorded(comparison: Comparison) -> list[Recorded]:
    """Return the mean and the range of every value that is no metric, in the order of the tables."""
    frame = comparison.frame
    metrics = {metric.name for metric in comparison.metrics}
    rows = frame[frame["metric"].notna() & ~frame["metric"].isin(metrics) & frame["value"].notna()]
    groups = rows.groupby(["category", "factor", "method", "metric"], sort=False, observed=True)["value"]
    table = groups.agg(["mean", "min", "max", "count"]).reset_index()
    return [Recorded(*row) for row in table.to_numpy().tolist()]
