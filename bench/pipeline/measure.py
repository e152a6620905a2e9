"""Measures restored images: what scoring writes and what verifying compares."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.base.errors import ImageError, one_line
from bench.base.metric import ImageMetric, SetFeatures, SetMetric, SetValue
from bench.base.types import Pixels
from bench.images.png import load_png
from bench.store.layout import RunLayout
from bench.store.records import RestoredCell
from bench.store.sets import CellSet


class Measured(NamedTuple):
    """A value of a cell, or why there is none."""

    cell: RestoredCell
    value: float | None
    reason: str | None = None


def measure_images(
    metric: ImageMetric, layout: RunLayout, cells: Iterable[RestoredCell]
) -> Iterator[list[Measured]]:
    """Measure cells, those of one image together, so that their reference is described once."""
    groups: dict[tuple[str, str, Path | None], list[RestoredCell]] = defaultdict(list)
    for cell in cells:
        groups[cell.category, cell.image, reference_path(metric, layout, cell)].append(cell)
    for (_, _, reference), group in groups.items():
        yield _measure_group(metric, layout, reference, group)


def reference_path(metric: ImageMetric, layout: RunLayout, cell: RestoredCell) -> Path | None:
    """Return the image that a metric compares a cell with."""
    return layout.reference(metric.reference, cell.category, cell.file, cell.factor)


def read_image(path: Path) -> Pixels:
    """Read an image of the run, uint8 (H, W, 3).

    Raises:
        ImageError: naming the file, whatever is wrong with it.
    """
    try:
        return load_png(path)
    except FileNotFoundError as error:
        remedy = "give the `bench run` command again, which makes what is missing"
        raise ImageError(f"{path} is not there", remedy=remedy) from error
    except Exception as error:  # what a damaged PNG raises is of many kinds
        remedy = "remove it and give `bench run` again with --redo failed"
        raise ImageError(f"{path} cannot be read: {one_line(error)}", remedy=remedy) from error


def _measure_group(
    metric: ImageMetric, layout: RunLayout, reference: Path | None, group: Sequence[RestoredCell]
) -> list[Measured]:
    try:
        features = metric.features(read_image(reference)) if reference else None
    except Exception as error:
        return [Measured(cell, None, one_line(error)) for cell in group]
    return [_measure(metric, layout, cell, features) for cell in group]


def _measure(metric: ImageMetric, layout: RunLayout, cell: RestoredCell, features: Any) -> Measured:
    try:
        value = float(metric.compare(read_image(layout.sr_of(cell)), features, cell.factor))
    except Exception as error:
        return Measured(cell, None, one_line(error))
    if math.isnan(value):
        return Measured(cell, None, "the metric returned NaN")
    return Measured(cell, value)


def measure_sets(
    metric: SetMetric, layout: RunLayout, sets: Iterable[CellSet]
) -> Iterator[tuple[CellSet, SetValue | str]]:
    """Measure sets, or say why they cannot be; HR images are described once for equal sets in a row."""
    described: list[Path] = []
    hr: SetFeatures | None = None
    for cells in sets:
        paths = [layout.hr(cell.category, cell.file) for cell in cells]
        try:
            sr = _describe(metric, map(layout.sr_of, cells))
            if paths != described:
                hr, described = _describe(metric, paths), paths
            result: SetValue | str = metric.distance(sr, hr)
        except Exception as error:
            result = one_line(error)
        yield cells, result


def _describe(metric: SetMetric, paths: Iterable[Path]) -> SetFeatures:
    features = metric.new_set()
    for path in paths:
        features.add(metric.features(read_image(path)))
    return features
