"""What is missing and why: failed cells and values."""

from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from reports import text
from reports.data.comparison import Comparison
from reports.data.quoted import Quoted
from reports.data.scores import Scores


class Failure(NamedTuple):
    """Cells of one method, category and factor that ended in the same way."""

    method: str
    category: str
    factor: int
    status: str
    reason: str
    images: tuple[str, ...]


def failures(comparison: Comparison) -> list[Failure]:
    """Return every cell that ended without an image, those with one reason together, in the tables' order."""
    frame = comparison.frame
    is_ended = ~frame["status"].isin(["done", "pending"])
    failed = frame[is_ended & frame["image"].notna()].fillna({"reason": ""})
    groups: Any = failed.groupby(["method", "category", "factor", "status", "reason"], sort=False)["image"]
    ended = [Failure._make((*key, tuple(images))) for key, images in groups.unique().items()]
    return sorted(ended, key=lambda failure: (comparison.labels.index(failure.method), failure))


def missing_cells(comparison: Comparison, scores: Scores) -> list[str]:
    """Return a sentence for each method with cells that were asked for and not tried."""
    frame = comparison.frame
    pending: Any = frame[frame["status"] == "pending"].groupby(["category", "factor", "method"])["image"].nunique()
    return [
        text.plain(f"{label} was not run on {text.count(int(pending[key]), 'image')} of {where.place}")
        for where in scores.slices
        for label in comparison.labels
        if (key := (where.category, where.factor, label)) in pending
    ]


def unmeasured_quotes(comparison: Comparison, quotes: Sequence[Quoted]) -> list[str]:
    """Return a sentence for each quoted row with values that stand in no table: the run has not measured them."""
    names = {metric.name for metric in comparison.metrics}
    return [
        text.plain(f"{', '.join(others)} of {row.method} ({row.source}): not measured in {row.where.place}")
        for row in quotes
        if (others := [name for name in row.values if name not in names])
    ]


def left_out(comparison: Comparison) -> list[str]:
    """Return a sentence for each reason why restored images are in no table, by method and category."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for run in comparison.runs:
        for cell in run.left_out:
            groups.setdefault((cell.slug, cell.category, cell.reason), []).append(cell.image)
    return [
        text.plain(
            f"{text.count(len(images), 'result')} in sr/{slug} of {category} "
            f"({', '.join([*dict.fromkeys(images)][:3])}): {reason}"
        )
        for (slug, category, reason), images in groups.items()
    ]


def missing_values(comparison: Comparison, scores: Scores) -> list[str]:
    """Return a sentence for each metric and slice in which restored images lack a value."""
    frame, lines = comparison.frame, []
    unmeasured = frame[frame["image"].notna() & frame["value"].isna() & frame["reason"].notna()]
    reasons = unmeasured.groupby(["metric", "category", "factor"])["reason"].first().to_dict()
    titles = Counter(metric.title for metric in comparison.image_metrics)
    for metric, where in product(comparison.image_metrics, scores.slices):
        done = scores.done(where)
        lacking = (done & scores.table(where, metric.name).isna()).sum()
        total, missing = int(done.sum().sum()), int(lacking.sum())
        if missing:
            names = ", ".join(f"{label} {n}" for label, n in lacking.items() if n)
            what = "has no value" if missing == total else f"lacks {missing} of {total} values ({names})"
            name = metric.title if titles[metric.title] == 1 else f"{metric.title} ({metric.name})"
            why = reasons.get((metric.name, *where))
            lines.append(text.plain(f"{name} {what} for {where.place}" + (f": {why}" if why else "")))
    return lines
