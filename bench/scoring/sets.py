"""Set metrics: one value a method, category, factor and repeat."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from bench.contracts import SetMetric
from bench.errors import one_line
from bench.protocol import load_png
from bench.scoring.common import Cell, Scorer


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
    rows = scorer.store.rows(
        "SELECT members FROM set_scores JOIN metrics ON metrics.id = metric_id WHERE name = ? AND signature = ?",
        metric.name,
        metric.signature,
    )
    finished = set() if scorer.redo == "all" else {row["members"] for row in rows}
    return [group for group in groups.values() if _members(group) not in finished]


def _members(group: Sequence[Cell]) -> str:
    first = group[0]
    lines = [f"{first.method}|{first.category}|{first.factor}|{first.repeat}"]
    lines += [f"{cell.image}|{cell.digest}" for cell in group]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class _Described:
    """The features of one category's images; HR ones are computed once for all methods."""

    def __init__(self, scorer: Scorer, metric: SetMetric) -> None:
        self.scorer, self.metric, self.known = scorer, metric, dict[str, Any]()

    def hr(self, cell: Cell) -> Any:
        if cell.image not in self.known:
            path = self.scorer.store.layout.hr(cell.category, cell.image)
            self.known[cell.image] = self.metric.features(load_png(path))
        return self.known[cell.image]

    def sr(self, cell: Cell) -> Any:
        return self.metric.features(load_png(self.scorer.sr_path(cell)))


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
        sr, hr = (np.stack([describe(cell) for cell in group]) for describe in (described.sr, described.hr))
        result = metric.distance(sr, hr)
    except Exception as error:
        return None, one_line(error)
    return result.value, result.note
