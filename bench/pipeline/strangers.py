"""The yardstick of a metric of identity: what pairs of different people in the category score."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from bench.base.errors import ImageError
from bench.base.metric import Better, ImageMetric
from bench.pipeline.measure import read_image, reference_path
from bench.store.layout import RunLayout
from bench.store.records import RestoredCell, StrangersRecord

PAIRED_IMAGES = 100
"""Images of a category that are paired at most: 4,950 pairs."""


def pairs_of_strangers(
    metric: ImageMetric, layout: RunLayout, cells: Sequence[RestoredCell]
) -> StrangersRecord | None:
    """Return what pairs of the HR images of these cells, one an image, score; None when there is no pair.

    Args:
        metric: loaded, with a threshold.
        layout: of the run.
        cells: of one category; an image that the metric cannot describe is left out.
    """
    described = []
    for cell in cells:
        path = reference_path(metric, layout, cell)
        try:
            described += [metric.features(read_image(path))] if path else []
        except ImageError:
            continue
    values = np.array([metric.between(one, other) for one, other in combinations(described, 2)])
    if not len(values) or metric.threshold is None:
        return None
    is_one_person = values <= metric.threshold if metric.better is Better.LOWER else values >= metric.threshold
    low, high = np.percentile(values, (2.5, 97.5))
    numbers = (float(values.mean()), float(low), float(high), float(is_one_person.mean()), len(values))
    return StrangersRecord(cells[0].category, metric.name, metric.signature, *numbers)
