"""What the database of a run holds: one record a row, and the words for how a cell ended."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

from bench.base.metric import Better
from bench.base.types import Size


class Status(StrEnum):
    """How a cell ended."""

    DONE = "done"
    ERROR = "error"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    SKIPPED = "skipped"
    PENDING = "pending"
    """A command asks for it; it did not come to it yet, or its image or its method has changed since."""

    @classmethod
    def failed(cls) -> set[Status]:
        """What `--redo failed` does again."""
        return {cls.ERROR, cls.TIMEOUT, cls.OUT_OF_MEMORY}


EVERY = sys.maxsize
"""How many images a command without a limit asks for."""
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
    trained_on: tuple[str, ...] = ()
    """The data sets that its weights have seen."""
    approach: str = "single pass"
    """How it restores, as `bench list methods` groups them: `single pass`, `search`, `made elsewhere`, ..."""


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
    """0 where the metric could describe less than two of the images; the other numbers mean nothing then."""
    members: str
    """A digest of the images."""


COSTS = tuple(
    MetricRecord(name, title, f"{name}|{what}|v1", Better.LOWER, "cost", unit, about=about)
    for name, title, what, unit, about in (
        (
            "seconds",
            "Time",
            "wall|restore|one-image|undisturbed",
            "s",
            "Of one image, without loading: the median of undisturbed ones.",
        ),
        (
            "peak_memory_mb",
            "Peak memory",
            "worker",
            "MB",
            "Of the process that restores; on a GPU what it holds of it.",
        ),
        ("allocated_memory_mb", "Allocated memory", "gpu|tensors", "MB", "Of the GPU: what tensors took at most."),
        ("parameters_m", "Parameters", "all-networks", "M", "Of all networks of the method."),
        (
            "gmacs",
            "Operations",
            "convolutions+matrix-products|one-image",
            "GMAC",
            "Multiplications for one image, counted in the first of its size.",
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
    origin: str
    """Where its images come from: a path, or a source with its settings."""
    preparation: str
    has_hr: bool
    data_set: str | None = None
    """Of which its images are training data."""


class ImageRecord(NamedTuple):
    """An image of a category."""

    category: str
    image: str
    file: str
    """The stem of its PNGs: its name, unless an earlier content has that."""
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
    position: int
    file: str | None
    factor: int
    digest: str | None
    """Of its pixels."""
    width: int | None
    height: int | None
    problem: str | None

    @property
    def lr_size(self) -> Size:
        """Of the LR image; (0, 0) when there is none."""
        return self.height or 0, self.width or 0

    @property
    def hr_size(self) -> Size:
        """Of the image that a method makes of it."""
        height, width = self.lr_size
        return height * self.factor, width * self.factor


class ImageFile(NamedTuple):
    """What lies on the disk of one content of an image at one factor."""

    image_id: int
    category: str
    file: str
    has_hr: bool
    digest: str
    """Of HR."""
    factor: int | None
    lr_digest: str | None


class RestoredCell(NamedTuple):
    """A cell that is done: a restored image to measure."""

    cell_id: int
    method_id: int
    identity: str
    method: str
    """Its label."""
    slug: str
    is_asked: bool
    """Whether it is in the tables."""
    category_id: int
    category: str
    kind: str | None
    has_hr: bool
    image_id: int
    image: str
    file: str
    factor: int
    repeat: int
    digest: str
    """Of its pixels."""

    def __str__(self) -> str:
        return _words(self.method, self)


class FailedCell(NamedTuple):
    """A cell that ended without an image, or without a value."""

    method: str
    category: str
    image: str
    factor: int
    status: str
    reason: str

    @property
    def reason_of_any_image(self) -> str:
        """The reason of an error without the words that differ from image to image: names, paths and numbers.

        The remedy stays as it is: what differs in it is done otherwise.
        """
        if self.status == Status.SKIPPED:
            return self.reason
        what, separator, remedy = self.reason.partition("; ")
        name = f"({re.escape(unquote(self.image))}|{re.escape(self.image)})"
        what = re.sub(rf"\S*/{name}\S*", "", what)
        what = re.sub(rf"^(image )?(.*?\W)??{name}(\.\w+)? ", "", what)
        words = what.split()
        return " ".join(word for word in words if not re.search(r"[/\d]", word)) + separator + remedy


class LeftOutCell(NamedTuple):
    """A restored cell that is in no table."""

    slug: str
    category: str
    image: str
    factor: int
    repeat: int
    reason: str

    def __str__(self) -> str:
        return _words(self.slug, self)


def _words(method: str, cell: RestoredCell | LeftOutCell) -> str:
    repeat = f", repeat {cell.repeat}" if cell.repeat else ""
    return f"{method} {cell.category}/{cell.image} x{cell.factor}{repeat}"


class UnavailableMetric(NamedTuple):
    """A metric that was asked for and could not be had."""

    name: str
    reason: str
    remedy: str
