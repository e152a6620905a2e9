"""Measures sets of restored images: those of one method, category, factor and repeat."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from bench.base.errors import one_line
from bench.base.metric import SetFeatures, SetMetric, SetValue
from bench.pipeline.measure_images import read_image
from bench.store.layout import RunLayout
from bench.store.records import RestoredCell

CellSet = Sequence[RestoredCell]


def cell_sets(cells: Iterable[RestoredCell]) -> list[CellSet]:
    """Group cells by category, method, factor and repeat."""
    groups: dict[tuple[int, ...], list[RestoredCell]] = defaultdict(list)
    for cell in cells:
        groups[cell.category_id, cell.method_id, cell.factor, cell.repeat].append(cell)
    return list(groups.values())


def members(cells: CellSet) -> str:
    """Return a digest of the images of a set."""
    first = cells[0]
    lines = [f"{first.method_id}|{first.category}|{first.factor}|{first.repeat}"]
    lines += [f"{cell.image}|{cell.digest}" for cell in cells]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def measure_sets(
    metric: SetMetric, layout: RunLayout, sets: Iterable[CellSet]
) -> Iterator[tuple[CellSet, SetValue | str]]:
    """Measure sets, or say why they cannot be; HR images are described once for sets of the same images."""
    for _, of_category in groupby(sets, key=lambda cells: cells[0].category):
        describer = _Describer(metric, layout)
        for cells in of_category:
            yield cells, _measure(metric, describer, cells)


def _measure(metric: SetMetric, describer: _Describer, cells: CellSet) -> SetValue | str:
    try:
        return metric.distance(describer.sr(cells), describer.hr(cells))
    except Exception as error:
        return one_line(error)


class _Describer:
    """Describes sets of one category, and keeps the HR images that it described last."""

    def __init__(self, metric: SetMetric, layout: RunLayout) -> None:
        self.metric, self.layout = metric, layout
        self._images: list[str] = []
        self._hr: SetFeatures | None = None

    def sr(self, cells: CellSet) -> SetFeatures:
        return self._describe(self.layout.sr_of(cell) for cell in cells)

    def hr(self, cells: CellSet) -> SetFeatures:
        images = [cell.image for cell in cells]
        if self._hr is None or images != self._images:
            self._hr = self._describe(self.layout.hr(cell.category, cell.image) for cell in cells)
            self._images = images
        return self._hr

    def _describe(self, paths: Iterable[Path]) -> SetFeatures:
        features = self.metric.new_set()
        for path in paths:
            features.add(self.metric.features(read_image(path)))
        return features
