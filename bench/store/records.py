"""What the database of a run holds: one record a row, and the words for how a cell ended."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, NamedTuple

from bench.base.metric import Better
from bench.base.types import Size


class Status(StrEnum):
    """How a cell ended."""

    DONE = "done"
    ERROR = "error"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    SKIPPED = "skipped"

    @classmethod
    def failed(cls) -> set[Status]:
        """What `--redo failed` does again."""
        return {cls.ERROR, cls.TIMEOUT, cls.OUT_OF_MEMORY}


Redo = Literal["failed", "all"]
"""What to compute again although it is there."""


class MethodRecord(NamedTuple):
    """A method as it ran."""

    name: str
    """By which a command selects it."""
    label: str
    """Its name in every table: `pulse[steps=200]`, or the user's own."""
    title: str
    slug: str
    """Its folder in `sr/`."""
    identity: str
    options: dict[str, Any]
    is_upper_bound: bool
    training_metrics: tuple[str, ...]
    notes: str


class MetricRecord(NamedTuple):
    """A metric as it was computed."""

    name: str
    title: str
    """Its name on pages: `PSNR`."""
    signature: str
    better: Better
    scope: str
    """`image`, `set`, `cost`, or `value` for what a method records about itself."""
    unit: str
    is_training_metric: bool = False
    """Whether the training of any method of this run used its network."""
    about: str = ""
    """One sentence on what a value says."""
    threshold: float | None = None
    """From which value on, in its direction, two images are taken for one person."""


class StrangersRecord(NamedTuple):
    """What pairs of different images of a category score by a metric of identity."""

    category: str
    metric: str
    signature: str
    mean: float
    low: float
    """95 % of the pairs lie between `low` and `high`."""
    high: float
    share: float
    """Of the pairs that are taken for one person, in [0, 1]."""
    pairs: int


COSTS = tuple(
    MetricRecord(name, title, f"{name}|{what}|v1", Better.LOWER, "cost", unit, about=about)
    for name, title, what, unit, about in (
        ("seconds", "Time", "wall|restore|one-image", "s", "Of one image, without loading."),
        ("peak_memory_mb", "Peak memory", "worker", "MB", "Of the process that restores."),
        ("parameters_m", "Parameters", "all-networks", "M", "Of all networks of the method."),
        (
            "gmacs",
            "Operations",
            "convolutions+matrix-products|one-image",
            "GMAC",
            "Multiplications for one image.",
        ),
    )
)
"""What a restoration costs: the worker measures it, and tables treat it like a metric."""


class CategoryRecord(NamedTuple):
    """A category as it was used."""

    name: str
    title: str
    kind: str | None
    about: str
    """What a reader must know: the plain words on sampled faces, say."""
    licence: str
    digest: str
    """Of its list and preparation."""
    has_hr: bool


class ImageRecord(NamedTuple):
    """An image of a category."""

    category: str
    image: str
    width: int
    height: int
    has_hr: bool
    flag: str | None
    """Why it is not the published image, or None."""
    digest: str
    """Of its pixels."""


class InputRecord(NamedTuple):
    """One LR image of one factor, or why there is none."""

    input_id: int
    category: str
    kind: str | None
    has_hr: bool
    image: str
    factor: int
    digest: str | None
    """Of its pixels."""
    width: int | None
    height: int | None
    problem: str | None
    stamp: str | None
    """Changes when a person may have changed the image's file."""

    @property
    def lr_size(self) -> Size:
        """Of the LR image; (0, 0) when there is none."""
        return self.height or 0, self.width or 0

    @property
    def hr_size(self) -> Size:
        """Of the image that a method makes of it."""
        height, width = self.lr_size
        return height * self.factor, width * self.factor


class ImageRow(NamedTuple):
    """An image as it is written."""

    category_id: int
    name: str
    position: int
    """In the category's list, from 0."""
    stamp: str | None = None
    digest: str | None = None
    width: int | None = None
    height: int | None = None
    flag: str | None = None


class InputRow(NamedTuple):
    """An input as it is written: with its pixels, or with a problem."""

    image_id: int
    factor: int
    digest: str | None = None
    width: int | None = None
    height: int | None = None
    problem: str | None = None


class CellRow(NamedTuple):
    """A cell as it is written."""

    method_id: int
    input_id: int
    repeat: int
    status: Status
    reason: str | None = None
    digest: str | None = None


class RestoredCell(NamedTuple):
    """A cell that is done: a restored image to measure."""

    cell_id: int
    method_id: int
    slug: str
    is_current: bool
    """False for a method that was edited since."""
    category_id: int
    category: str
    kind: str | None
    has_hr: bool
    image: str
    factor: int
    repeat: int
    digest: str
    """Of its pixels."""

    def __str__(self) -> str:
        repeat = f", repeat {self.repeat}" if self.repeat else ""
        return f"{self.slug} {self.category}/{self.image} x{self.factor}{repeat}"


class FailedCell(NamedTuple):
    """A cell that ended without an image."""

    method: str
    category: str
    image: str
    factor: int
    status: str
    reason: str


class Score(NamedTuple):
    """One value of one cell, or why there is none."""

    cell_id: int
    metric_id: int
    value: float | None
    reason: str | None = None


class SetScore(NamedTuple):
    """One value of the images of a method, category, factor and repeat."""

    method_id: int
    category_id: int
    factor: int
    repeat: int
    metric_id: int
    value: float | None
    n: int
    note: str | None
    """A plain warning about n, or why there is no value."""
    members: str
    """A digest of the images that it was computed on."""


class UnavailableMetric(NamedTuple):
    """A metric that was asked for and could not be had."""

    name: str
    reason: str
    remedy: str
