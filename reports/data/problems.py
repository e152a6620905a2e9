"""What is missing and why: failed cells, values that could not be computed, images that are not the published."""

from typing import NamedTuple

from bench.store.results import MetricRecord
from reports import text
from reports.data.comparison import Comparison
from reports.data.scores import Scores, Slice


class Failure(NamedTuple):
    """Cells of one method, category and factor that ended in the same way."""

    method: str
    category: str
    factor: int
    status: str
    reason: str
    images: tuple[str, ...]


def failures(comparison: Comparison) -> list[Failure]:
    """Return every cell that is not done, those with one reason together, in the order of the tables."""
    frame = comparison.frame
    failed = frame[(frame["status"] != "done") & frame["image"].notna()]
    groups: dict[tuple[str, str, int, str, str], dict[str, None]] = {}
    columns = ["method", "category", "factor", "status", "reason", "image"]
    for method, category, factor, status, reason, image in failed[columns].to_numpy():
        groups.setdefault((method, category, factor, status, reason or ""), {})[image] = None
    order = {label: index for index, label in enumerate(comparison.labels)}
    keys = sorted(groups, key=lambda key: (order[key[0]], key[1:]))
    return [Failure(*key, tuple(groups[key])) for key in keys]


def missing_cells(comparison: Comparison, scores: Scores) -> list[str]:
    """Return a sentence for each method with cells that were asked for and never tried."""
    lines = []
    failed = {(f.method, f.category, f.factor, image) for f in failures(comparison) for image in f.images}
    for where in scores.slices:
        done = scores.done(where)
        for label in comparison.labels:
            left = [image for image in done.index[~done[label]] if (label, *where, image) not in failed]
            if left:
                images = text.count(len(left), "image")
                lines.append(text.plain(f"{label} was not run on {images} of {where.place}"))
    return lines


def missing_values(comparison: Comparison, scores: Scores) -> list[str]:
    """Return a sentence for each metric and slice in which restored images lack a value."""
    metrics = [metric for metric in comparison.metrics if metric.scope == "image"]
    lines = [_missing(metric, where, scores) for metric in metrics for where in scores.slices]
    return [line for line in lines if line]


def _missing(metric: MetricRecord, where: Slice, scores: Scores) -> str:
    """Return the sentence of one metric and slice, empty when every restored image has its value."""
    done, table = scores.done(where), scores.table(where, metric.name)
    lacking = (done & table.isna()).sum()
    total, missing = int(done.sum().sum()), int(lacking.sum())
    if not missing:
        return ""
    names = ", ".join(f"{label} {n}" for label, n in lacking.items() if n)
    what = "has no value" if missing == total else f"lacks {missing} of {total} values ({names})"
    return text.plain(f"{metric.title} {what} for {where.place}")
