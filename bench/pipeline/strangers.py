"""The yardstick of a metric of identity: what pairs of different people in a category score."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from bench.base.metric import Better, ImageMetric
from bench.store.records import StrangersRecord
from bench.store.sets import pairs_digest
from bench.workers.score_job import Measurement


class Strangers:
    """The HR images of a category, described one by one by a metric with a threshold.

    Args:
        metric: need not be loaded.
        category: its name.
        hr_digests: of each image, by its id.
    """

    def __init__(self, metric: ImageMetric, category: str, hr_digests: Mapping[int, str]) -> None:
        self.metric, self.category, self.members = metric, category, pairs_digest(hr_digests)
        self.images = {*hr_digests}
        """The ids of those that are not described yet."""
        self._described: list[Any] = []

    def take(self, image_id: int, hr: Measurement) -> StrangersRecord | None:
        """Take the features of an image, if it is one of them; the record comes with the last.

        An image that the metric cannot describe is left out; where it leaves no pair, the record has none.
        """
        if image_id not in self.images:
            return None
        self.images.remove(image_id)
        if hr.reason is None:
            self._described.append(hr.value)
        return None if self.images else self._record()

    def _record(self) -> StrangersRecord:
        metric = self.metric
        values = np.array([metric.between(one, other) for one, other in combinations(self._described, 2)])
        numbers = (0.0, 0.0, 0.0, 0.0, 0)
        if len(values) and metric.threshold is not None:
            threshold, is_lower = metric.threshold, metric.better is Better.LOWER
            is_one_person = values <= threshold if is_lower else values >= threshold
            low, high = np.percentile(values, (2.5, 97.5))
            numbers = (float(values.mean()), float(low), float(high), float(is_one_person.mean()), len(values))
        return StrangersRecord(self.category, metric.name, metric.signature, *numbers, self.members)
