"""Set metrics: one value a method, category, factor and repeat."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from bench.base.errors import one_line
from bench.base.metric import Gathered, SetMetric
from bench.pipeline.scoring.common import Cell, Scorer, read


def score_sets(scorer: Scorer, metric: SetMetric, cells: Sequence[Cell]) -> None:
    """Compute a set metric for every set whose members changed since it was last computed."""
    due = _due(scorer, metric, cells)
    metric_id = scorer.load(metric, "set") if due else None
    if metric_id is None:
        return
    with scorer.reporter.stage(f"score {metric.name}", len(due)) as stage:
        for _, groups in groupby(due, key=lambda group: group[0].category):
            described = _Described(scorer, metric)
            for group in groups:
                stage.advance(_score(scorer, metric, metric_id, group, described))


def _due(scorer: Scorer, metric: SetMetric, cells: Sequence[Cell]) -> list[list[Cell]]:
    groups: dict[tuple[object, ...], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell.category, cell.method, cell.factor, cell.repeat].append(cell)
    finished = scorer.finished(metric, "set_scores", "members")
    return [group for group in groups.values() if _members(group) not in finished]


def _members(group: Sequence[Cell]) -> str:
    first = group[0]
    lines = [f"{first.method}|{first.category}|{first.factor}|{first.repeat}"]
    lines += [f"{cell.image}|{cell.digest}" for cell in group]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class _Described:
    """Gathers sets of one category. HR images are described once for all methods that restored the same ones."""

    def __init__(self, scorer: Scorer, metric: SetMetric) -> None:
        self.scorer, self.metric = scorer, metric
        self._images: list[str] = []
        self._hr: Gathered | None = None

    def hr(self, group: Sequence[Cell]) -> Gathered:
        images = [cell.image for cell in group]
        if self._hr is None or images != self._images:
            layout = self.scorer.store.layout
            self._hr = self._gathered(layout.hr(cell.category, cell.image) for cell in group)
            self._images = images
        return self._hr

    def sr(self, group: Sequence[Cell]) -> Gathered:
        return self._gathered(self.scorer.sr_path(cell) for cell in group)

    def _gathered(self, paths: Iterable[Path]) -> Gathered:
        gathered = self.metric.gather()
        for path in paths:
            gathered.add(self.metric.features(read(path)))
        return gathered


def _score(scorer: Scorer, metric: SetMetric, metric_id: int, group: Sequence[Cell], described: _Described) -> str:
    first, store = group[0], scorer.store
    value, note = _distance(metric, group, described)
    category = store.rows("SELECT id FROM categories WHERE name = ?", first.category)[0]["id"]
    row = [first.method, category, first.factor, first.repeat, metric_id, value, len(group), note, _members(group)]
    with store.transaction():
        store.connection.execute("INSERT OR REPLACE INTO set_scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    return f"{first.slug} {first.category} x{first.factor}: {note if value is None else f'{value:.4f}'}"


def _distance(metric: SetMetric, group: Sequence[Cell], described: _Described) -> tuple[float | None, str | None]:
    try:
        result = metric.distance(described.sr(group), described.hr(group))
    except Exception as error:
        return None, one_line(error)
    return result.value, result.note
