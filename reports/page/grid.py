"""What the picture grid and the compare view show: for every image its files and its values."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from bench.images import previews
from bench.images.previews import Preview
from bench.store.results import ImageRecord, MetricRecord
from reports import text
from reports.data.comparison import Comparison
from reports.data.metrics import is_lower_better
from reports.data.scores import Scores, Slice
from reports.page.embedded import data_address, thumbnails


@dataclass(frozen=True)
class Grid:
    """The pictures of a comparison.

    Args:
        comparison: the runs.
        scores: their values.
        out: the folder of the page; addresses are relative to it.
        is_single: whether the page holds its pictures itself, as thumbnails.
    """

    comparison: Comparison
    scores: Scores
    out: Path
    is_single: bool = False

    @cached_property
    def data(self) -> dict[str, Any]:
        """Everything the page's script needs, as plain values for JSON."""
        comparison = self.comparison
        names = [category.name for category in comparison.categories]
        return {
            "methods": [
                {
                    "label": text.plain(m.label),
                    "title": text.plain(m.title),
                    "upper": m.is_upper_bound,
                    "approach": text.plain(m.approach),
                }
                for m in comparison.methods
            ],
            "metrics": [self._metric(metric) for metric in comparison.image_metrics],
            "categories": [
                {"name": text.plain(c.name), "title": text.plain(c.title)} for c in comparison.categories
            ],
            "factors": comparison.factors,
            "single": self.is_single,
            "roots": [text.address(Path(run.path), self.out) + "/" for run in comparison.runs],
            "images": [self._image(image, names.index(image.category)) for image in comparison.images],
            "cells": {
                f"{names.index(where.category)}/{where.factor}": self._cells(where) for where in self.scores.slices
            },
        }

    def _metric(self, metric: MetricRecord) -> dict[str, Any]:
        return {
            "name": text.plain(metric.name),
            "title": text.plain(metric.title),
            "lower": is_lower_better(metric),
            "digits": self.scores.decimals[metric.name],
            "unit": text.plain(metric.unit),
            "is_training_metric": metric.is_training_metric,
            "signature": text.plain(metric.signature),
        }

    def _image(self, image: ImageRecord, category: int) -> dict[str, Any]:
        return {
            "category": category,
            "name": text.plain(image.image),
            "hr": self._address(self.comparison.hr_path(image.category, image.image)),
            "references": [self._address(path) for path in self._references(image)],
            "flag": text.plain(image.flag) if image.flag else None,
        }

    def _cells(self, where: Slice) -> list[dict[str, Any]]:
        comparison = self.comparison
        names = [metric.name for metric in comparison.image_metrics]
        values = [_rounded(self.scores.table(where, name), self.scores.decimals[name]) for name in names]
        reasons = self._reasons(where)
        return [
            {
                "lr": self._address(comparison.lr_path(where.category, image.image, where.factor), is_lr=True),
                "sr": [self._address(path) for path in self._sr_paths(image, where.factor)],
                "values": [list(column) for column in zip(*(table[row] for table in values), strict=True)],
                "reasons": reasons.get(image.image, {}),
            }
            for row, image in enumerate(comparison.images_of(where.category))
        ]

    def _references(self, image: ImageRecord) -> list[Path]:
        return self.comparison.reference_paths(image.category, image.image)

    def _sr_paths(self, image: ImageRecord, factor: int) -> Iterator[Path | None]:
        """Look for the image as each method restored it; an upper bound's is HR, which is shown anyway."""
        for label in self.comparison.labels:
            competes = label in self.comparison.ranked
            yield self.comparison.sr_path(label, image.category, image.image, factor) if competes else None

    def _address(self, path: Path | None, *, is_lr: bool = False) -> str | None:
        if path is None:
            return None
        if not self.is_single:
            return text.address(path, self.out)
        return data_address(path.read_bytes(), "image/png") if is_lr else self._inlined.get(path)

    @cached_property
    def _inlined(self) -> dict[Path, str]:
        files = {preview.thumbnail: preview.source for preview in self.previews()}
        return {files[path]: address for path, address in thumbnails(files).items()}

    def _reasons(self, where: Slice) -> dict[str, dict[int, str]]:
        frame = self.comparison.frame
        here = (frame["category"] == where.category) & (frame["factor"] == where.factor)
        failed = frame[here & (frame["status"] != "done") & frame["image"].notna()]
        reasons: dict[str, dict[int, str]] = {}
        for image, method, status, reason in failed[["image", "method", "status", "reason"]].to_numpy():
            line = f"{status}: {reason}" if reason else status
            reasons.setdefault(image, {})[self.comparison.labels.index(method)] = text.plain(line)
        return reasons

    def previews(self) -> Iterator[Preview]:
        """Return what is shown small: HR, references and each SR. LR images are small already."""
        for image in self.comparison.images:
            hr = self.comparison.hr_path(image.category, image.image)
            for path in filter(None, [hr, *self._references(image)]):
                yield previews.of_hr(self.comparison.run_of(path).layout, path)
            for factor in self.comparison.factors:
                for sr in filter(None, self._sr_paths(image, factor)):
                    yield previews.of_sr(self.comparison.run_of(sr).layout, sr, factor)


def _rounded(table: pd.DataFrame, decimals: int) -> list[list[float | str | None]]:
    return [[_json(value, decimals) for value in row] for row in table.to_numpy()]


def _json(value: float, decimals: int) -> float | str | None:
    if math.isnan(value):
        return None
    return round(float(value), decimals) if math.isfinite(value) else text.number(value, decimals)
