"""The yardstick of a metric of identity: what pairs of different people in a category score."""

import hashlib
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from bench.base.metric import Better, ImageMetric
from bench.store.records import RestoredCell, StrangersRecord
from bench.workers.score_job import Measurement

PAIRED_IMAGES = 100
"""Images of a category that are paired at most: 4,950 pairs."""


class Strangers:
    """The HR images of a category, described one by one by a metric with a threshold.

    Args:
        metric: need not be loaded.
        cells: one an image.
        hr_digests: of each image.
    """

    def __init__(self, metric: ImageMetric, cells: Sequence[RestoredCell], hr_digests: Sequence[str]) -> None:
        self.metric, self.category, self.category_id = metric, cells[0].category, cells[0].category_id
        self.images = {cell.image_id for cell in cells}
        """The ids of those that are not described yet."""
        self._digests = dict(zip((cell.image_id for cell in cells), hr_digests, strict=True))
        self._described: list[Any] = []

    def members(self) -> str:
        """Return a digest of the images, without those that could not be described."""
        return hashlib.sha256("|".join(self._digests.values()).encode()).hexdigest()

    def take(self, image_id: int, hr: Measurement) -> StrangersRecord | None:
        """Take the features of an image, if it is one of them; the record comes with the last.

        An image that the metric cannot describe is left out; None also when there is no pair.
        """
        if image_id not in self.images:
            return None
        self.images.remove(image_id)
        if hr.reason is None:
            self._described.append(hr.value)
        else:
            del self._digests[image_id]
        return None if self.images else self._record()

    def _record(self) -> StrangersRecord | None:
        metric = self.metric
        values = np.array([metric.between(one, other) for one, other in combinations(self._described, 2)])
        if not len(values) or metric.threshold is None:
            return None
        is_one_person = values <= metric.threshold if metric.better is Better.LOWER else values >= metric.threshold
        low, high = np.percentile(values, (2.5, 97.5))
        numbers = (float(values.mean()), float(low), float(high), float(is_one_person.mean()), len(values))
        return StrangersRecord(self.category, metric.name, metric.signature, *numbers)
