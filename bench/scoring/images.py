"""Image metrics: one value a cell."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bench.contracts import ImageMetric, Pixels
from bench.errors import one_line
from bench.scoring.common import Cell, Scorer, read
from bench.store import Score


def score_images(scorer: Scorer, metric: ImageMetric, cells: Sequence[Cell]) -> None:
    """Compute the missing values of one metric, the cells of one reference image together."""
    due = _due(scorer, metric, cells)
    metric_id = scorer.load(metric, "image") if due else None
    if metric_id is None:
        return
    with scorer.reporter.stage(f"score {metric.name}", len(due)) as stage:
        for group in _by_reference(due, metric.reference):
            scores = _compare_group(scorer, metric, metric_id, group)
            with scorer.store.transaction():
                scorer.store.insert_scores(scores)
            for cell, one in zip(group, scores, strict=True):
                told = one.reason if one.value is None else f"{one.value:.4f}"
                stage.advance(f"{cell.slug} {cell.category}/{cell.image} x{cell.factor}: {told}")


def _due(scorer: Scorer, metric: ImageMetric, cells: Sequence[Cell]) -> list[Cell]:
    failed_too = "" if scorer.redo is None else " AND value IS NOT NULL"
    rows = scorer.store.rows(
        "SELECT cell_id FROM scores JOIN metrics ON metrics.id = metric_id"
        f" WHERE name = ? AND signature = ?{failed_too}",
        metric.name,
        metric.signature,
    )
    finished = set() if scorer.redo == "all" else {row["cell_id"] for row in rows}
    return [cell for cell in cells if cell.id not in finished]


def _compare_group(scorer: Scorer, metric: ImageMetric, metric_id: int, group: Sequence[Cell]) -> list[Score]:
    try:
        features = metric.features(_reference(scorer, group[0], metric)) if metric.reference != "none" else None
    except Exception as error:
        return [Score(cell.id, metric_id, None, one_line(error)) for cell in group]
    return [_compare(scorer, metric, metric_id, cell, features) for cell in group]


def _reference(scorer: Scorer, cell: Cell, metric: ImageMetric) -> Pixels:
    layout = scorer.store.layout
    if metric.reference == "lr":
        return read(layout.lr(cell.category, cell.image, cell.factor))
    return read(layout.hr(cell.category, cell.image))


def _compare(scorer: Scorer, metric: ImageMetric, metric_id: int, cell: Cell, features: Any) -> Score:
    try:
        value = float(metric.compare(read(scorer.sr_path(cell)), features, cell.factor))
    except Exception as error:
        return Score(cell.id, metric_id, None, one_line(error))
    if math.isnan(value):
        return Score(cell.id, metric_id, None, "the metric returned NaN")
    return Score(cell.id, metric_id, value)


def _by_reference(cells: Sequence[Cell], reference: str) -> list[list[Cell]]:
    """Group the cells that share a reference image, so that it is described once."""
    groups: dict[tuple[object, ...], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell.category, cell.image, cell.factor if reference == "lr" else 0].append(cell)
    return list(groups.values())
