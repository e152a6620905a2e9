"""The base classes of every metric: one value an image, or one value a set of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from bench.base.errors import ImageError
from bench.base.types import Pixels

if TYPE_CHECKING:
    import torch

    from bench.assets.declare import Asset


class Better(Enum):
    """The direction of a metric."""

    HIGHER = "higher"
    LOWER = "lower"


class Metric(ABC):
    """What both scopes of metric share.

    Attributes:
        name: by which a command selects it.
        better: its direction.
        signature: everything that decides its value, as `psnr|rgb|crop:0|uint8|cap:100|v1`; another crop, range or
            network is another signature.
        title: what tables call it (`PSNR`); its name when empty.
        about: what a value says, in a sentence for readers of a page; the docstring's first line when empty.
        unit: `dB`, or nothing.
        kinds: the kinds of image that it means something for, None for every kind.
        extra: the optional dependency that it needs, None for none.
    """

    name: str
    better: Better
    signature: str
    title: str = ""
    about: str = ""
    unit: str = ""
    kinds: ClassVar[tuple[str, ...] | None] = None
    extra: ClassVar[str | None] = None

    def assets(self) -> Sequence[Asset]:
        """Return the files it needs."""
        return ()

    def load(self, device: torch.device) -> None:
        """Keep the device as `self.device`; a metric with networks reads them here.

        Raises:
            Unavailable: when they cannot be had, with a reason and a remedy.
        """
        self.device = device


class ImageMetric(Metric):
    """One value an image. With reference `hr` or `lr` it compares with that; with `none` it looks at SR alone.

    Attributes:
        reference: what it compares with.
        threshold: of a metric of identity: from this value on, in its direction, two images are taken for one
            person. Tables then have the share of such images, and what pairs of strangers score.
    """

    reference: Literal["hr", "lr", "none"] = "hr"
    threshold: ClassVar[float | None] = None

    def features(self, reference: Pixels) -> Any:
        """Describe the reference image, uint8 (H, W, 3); called once an image, for all methods.

        Raises:
            ImageError: when it cannot be described (no face in it, say): its cells then have no value.
        """
        return reference

    @abstractmethod
    def compare(self, sr: Pixels, features: Any, factor: int) -> float:
        """Return the value of one SR image, uint8 (H, W, 3); NaN is an error.

        Args:
            sr: the saved image.
            features: of the reference; None when there is none.
            factor: of the enlargement.

        Raises:
            ImageError: when this image cannot be measured.
        """

    def between(self, features: Any, others: Any) -> float:
        """Return the value of two different reference images by their features; for a metric with a threshold.

        Called where nothing is loaded; the features come from another process.
        """
        raise NotImplementedError


class SetValue(NamedTuple):
    """The value of a set metric."""

    value: float
    n: int
    note: str | None = None
    """A plain warning about this n, or None."""


class SetFeatures(Protocol):
    """What a set metric keeps of a set of images; two such can be merged."""

    @property
    def n(self) -> int:
        """Return how many images it has taken."""
        ...

    def add(self, features: npt.NDArray[np.float32]) -> None:
        """Take one more image's features, (d,)."""
        ...

    def merge(self, other: Self) -> None:
        """Take another set's images."""
        ...


class SetMetric(Metric):
    """One value for all the images of a method, category and factor.

    Workers describe images; sets are gathered and compared in one process, where nothing is loaded.
    """

    @abstractmethod
    def features(self, image: Pixels) -> npt.NDArray[np.float32]:
        """Describe one image, SR or HR, uint8 (H, W, 3), as (d,)."""

    @abstractmethod
    def new_set(self) -> SetFeatures:
        """Return the features of a set that has no image yet."""

    @abstractmethod
    def distance(self, sr: Any, hr: Any) -> SetValue:
        """Compare two sets of its own kind."""


def metric_value(step: str, value: object) -> float:
    """Return what a metric's step returned as a number, finite or not.

    Raises:
        ImageError: when it is none.
    """
    if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
        raise ImageError(f"{step} returned no number", got=repr(value))
    return float(value)
