"""The share of images that a metric of identity takes for the same person, as a metric of its own."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from bench.base.metric import Better
from bench.statistics import Floats, Interval
from bench.store.results import MetricRecord


def share_of(metric: MetricRecord) -> list[MetricRecord]:
    """Return the metric of a threshold's share, in per cent; none where there is no threshold."""
    if metric.threshold is None:
        return []
    sign, reach = ("<=", "at most") if metric.better is Better.LOWER else (">=", "at least")
    kind = metric.title.partition(" (")[2].rstrip(")") or metric.title
    return [
        MetricRecord(
            name=f"{metric.name}_same",
            title=f"Same person ({kind})",
            signature=f"{metric.signature}|share{sign}{metric.threshold:g}",
            better=Better.HIGHER,
            scope="share",
            unit="%",
            is_training_metric=metric.is_training_metric,
            about=f"The share of images that {kind} takes for the same person: {reach} {metric.threshold:g}.",
        )
    ]


def with_shares(frame: pd.DataFrame, metrics: Sequence[MetricRecord]) -> pd.DataFrame:
    """Return a run's frame with rows of 100 or 0 for what each threshold says of each image."""
    parts = [frame]
    for metric in metrics:
        for share in share_of(metric):
            mine = (frame["metric"] == metric.name) & (frame["signature"] == metric.signature)
            rows = frame[mine & frame["value"].notna()]
            sign = 1 if metric.better is Better.HIGHER else -1
            is_same = sign * rows["value"] >= sign * (metric.threshold or 0.0)
            parts.append(rows.assign(metric=share.name, signature=share.signature, value=100.0 * is_same))
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else frame


def share_interval(values: Floats) -> Interval | None:
    """Return a share and its 95 % interval (Wilson, JASA 1927), in per cent; None unless all are 0 or 100."""
    if not len(values) or not np.isin(values, (0.0, 100.0)).all():
        return None
    share = binomtest(int((values == 100).sum()), len(values)).proportion_ci(method="wilson")
    return Interval(float(values.mean()), 100 * float(share.low), 100 * float(share.high), len(values))
