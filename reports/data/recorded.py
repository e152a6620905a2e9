"""What the methods recorded about themselves, steps taken or a missed eps: shown with them, ranked nowhere."""

from collections.abc import Mapping
from typing import NamedTuple

from reports.data.comparison import Comparison


class Recorded(NamedTuple):
    """One value that a method records, over the images of a category and factor."""

    category: str
    factor: int
    name: str
    mean: float
    low: float
    high: float
    n: int


def recorded(comparison: Comparison) -> Mapping[str, list[Recorded]]:
    """Return by label what each method recorded, in the order of the tables; methods without any are not there."""
    frame = comparison.frame
    metrics = {metric.name for metric in comparison.metrics}
    rows = frame[frame["metric"].notna() & ~frame["metric"].isin(metrics) & frame["value"].notna()]
    groups = rows.groupby(["method", "category", "factor", "metric"], sort=False, observed=True)["value"]
    values: dict[str, list[Recorded]] = {}
    for (method, *where), *numbers in groups.agg(["mean", "min", "max", "count"]).itertuples(name=None):
        values.setdefault(method, []).append(Recorded(*where, *numbers))
    return values
