"""The worker that scores: it measures all results of one image by all metrics in one go.

Each PNG is read once, and HR is described once a metric, for all methods and factors.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

from bench.base.errors import ImageError, Unavailable, located
from bench.base.metric import ImageMetric, SetMetric, metric_value
from bench.base.types import Pixels
from bench.registry import METRICS
from bench.workers import determinism
from bench.workers.jobs import Settings
from bench.workers.score_job import Key, Measurement, ScoreJob, Scores


class Scorer:
    """Some loaded metrics."""

    def __init__(self, names: Sequence[str], settings: Settings) -> None:
        determinism.enable(settings.threads)
        self.metrics: dict[str, ImageMetric | SetMetric] = {}
        self.unavailable: dict[str, Unavailable] = {}
        for name in names:
            try:
                self.metrics[name] = _loaded(name, torch.device(settings.device))
            except Unavailable as error:
                self.unavailable[name] = error
            except Exception as error:  # a metric is anybody's code
                self.unavailable[name] = Unavailable(f"metric {name} cannot be loaded", got=located(error))

    def answer(self, job: ScoreJob) -> Scores:
        """Measure the results of one image; whatever a metric raises becomes a reason."""
        pixels = cache(partial(_attempt, job.pixels))
        measurements: dict[Key, Measurement] = {}
        for name, metric in self.metrics.items():
            measurements |= _by_metric(name, metric, job, pixels)
        return Scores(measurements, self.unavailable)


def _loaded(name: str, device: torch.device) -> ImageMetric | SetMetric:
    metric: ImageMetric | SetMetric = METRICS.create(name)
    metric.load(device)
    return metric


def _by_metric(
    name: str, metric: ImageMetric | SetMetric, job: ScoreJob, pixels: Callable[[Path], Measurement]
) -> dict[Key, Measurement]:
    """Measure by one metric, so that one description of HR is held at a time."""
    describe = cache(lambda path: _then(metric.features, pixels(path)))
    measurements: dict[Key, Measurement] = {(name, None): describe(job.hr)} if name in job.described else {}
    for cell in job.cells:
        if name not in cell.metrics:
            continue
        if isinstance(metric, SetMetric):
            measurements[name, cell.cell_id] = _then(metric.features, pixels(cell.sr))
        else:
            references = {"hr": job.hr, "lr": cell.lr}
            path = references.get(metric.reference)
            reference = describe(path) if path else Measurement()
            compare = partial(_compared, metric, cell.factor)
            measurements[name, cell.cell_id] = _then(compare, reference, pixels(cell.sr))
    return measurements


def _compared(metric: ImageMetric, factor: int, features: Any, sr: Pixels) -> float:
    value = metric_value("compare()", metric.compare(sr, features, factor))
    if math.isnan(value):
        raise ImageError("compare() returned nan", remedy="raise bench.ImageError for an image without a value")
    return value


def _then(call: Callable[..., Any], *inputs: Measurement) -> Measurement:
    """Call with what was measured, or pass the first reason on."""
    reasons = [one.reason for one in inputs if one.reason]
    return Measurement(None, reasons[0]) if reasons else _attempt(call, *(one.value for one in inputs))


def _attempt(call: Callable[..., Any], *values: Any) -> Measurement:
    try:
        return Measurement(call(*values))
    except Exception as error:
        return Measurement(None, located(error))
