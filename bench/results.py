"""The public reader of a run folder: what reports, notebooks and other tools see. It never writes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from bench.contracts import Better


class MethodRecord(NamedTuple):
    """A method as it ran."""

    label: str
    """Its name in every table: `pulse[steps=200]`, or the user's own."""
    title: str
    slug: str
    identity: str
    options: dict[str, Any]
    is_upper_bound: bool
    trained_with: tuple[str, ...]
    notes: str


class MetricRecord(NamedTuple):
    """A metric as it was computed."""

    name: str
    signature: str
    better: Better
    shape: str
    """`image`, `set` or `cost`."""
    unit: str
    dagger: bool
    """Whether the training of any method of this run used its network."""


class ImageRecord(NamedTuple):
    """An image of a category."""

    category: str
    image: str
    width: int
    height: int
    has_hr: bool
    flag: str | None
    """Why it is not the published image, or None."""


class CategoryRecord(NamedTuple):
    """A category as it was used."""

    name: str
    title: str
    kind: str | None
    about: str
    """What a reader must know: the plain words on sampled faces, say."""
    licence: str


class Gap(NamedTuple):
    """Something that was asked for and could not be had."""

    name: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class Run:
    """A run folder, read-only.

    Args:
        path: the run folder.

    Raises:
        bench.errors.StoreError: when it is not a run folder.
    """

    path: Path

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a value, and one row (metric None) a cell without any.

        Columns: method, category, factor, image, repeat, metric, value, signature, status, reason. `method` is the
        label; set metrics have image None and n images in `reason`; cost metrics (`seconds`, `peak_memory_mb`,
        `parameters_m`, `gmacs`) and the methods' own values (`pulse:missed_eps`) are rows too. `status` is
        `done`, `error`, `timeout`, `out_of_memory` or `skipped`, `reason` says why for all but `done`.
        """
        raise NotImplementedError

    @property
    def methods(self) -> list[MethodRecord]:
        """In the order in which the command named them."""
        raise NotImplementedError

    @property
    def metrics(self) -> list[MetricRecord]:
        """In the order of the metrics registry; the methods' own values are not among them."""
        raise NotImplementedError

    @property
    def images(self) -> list[ImageRecord]:
        """By category, in the order of its list."""
        raise NotImplementedError

    @property
    def categories(self) -> list[CategoryRecord]:
        """In the order in which the command named them."""
        raise NotImplementedError

    @property
    def factors(self) -> list[int]:
        """From small to large."""
        raise NotImplementedError

    @property
    def unavailable(self) -> list[Gap]:
        """The metrics that were asked for and could not be computed."""
        raise NotImplementedError

    @property
    def provenance(self) -> dict[str, Any]:
        """Versions, hardware, commands, seed and protocol: nested plain values."""
        raise NotImplementedError

    def hr_path(self, category: str, image: str) -> Path | None:
        """Return the ground truth, or None in an LR-only category."""
        raise NotImplementedError

    def lr_path(self, category: str, image: str, factor: int) -> Path:
        """Return the LR image."""
        raise NotImplementedError

    def sr_path(self, method: str, category: str, image: str, factor: int, repeat: int = 0) -> Path | None:
        """Return a restored image by method label, or None when that cell is not done."""
        raise NotImplementedError
