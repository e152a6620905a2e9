"""Image metrics: one value a cell."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bench.base.errors import one_line
from bench.base.metric import ImageMetric
from bench.pipeline.scoring.common import Cell, Scorer, read
from bench.store.store import Score


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
    finished = scorer.finished(metric, "scores", "cell_id")
    return [cell for cell in cells if cell.id not in finished]


def _compare_group(scorer: Scorer, metric: ImageMetric, metric_id: int, group: Sequence[Cell]) -> list[Score]:
    cell = group[0]
    path = scorer.store.layout.reference(metric.reference, cell.category, cell.image, cell.factor)
    try:
        features = metric.features(read(path)) if path else None
    except Exception as error:
        return [Score(cell.id, metric_id, None, one_line(error)) for cell in group]
    return [_compare(scorer, metric, metric_id, cell, features) for cell in group]


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
