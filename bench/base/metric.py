"""What a metric promises."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from bench.base.types import Pixels

if TYPE_CHECKING:
    import torch

    from bench.assets.declare import Asset


class Better(Enum):
    """The direction of a metric."""

    HIGHER = "higher"
    LOWER = "lower"


@runtime_checkable
class ImageMetric(Protocol):
    """One value an image. With reference `hr` or `lr` it compares with that; with `none` it looks at SR alone.

    It may set `kinds` (the kinds of image it means something for; every kind when absent), `unit`, and
    `extra` (the optional dependency that it needs).
    """

    name: ClassVar[str]
    better: ClassVar[Better]
    signature: ClassVar[str]
    reference: ClassVar[Literal["hr", "lr", "none"]]

    def assets(self) -> Sequence[Asset]:
        """Return the files it needs."""
        ...

    def load(self, device: torch.device) -> None:
        """Read the networks; raise `bench.base.errors.Unavailable` with a reason and a remedy when it cannot."""
        ...

    def features(self, reference: Pixels) -> Any:
        """Describe the reference image; called once an image, for all methods. Returns None when unused.

        Raises:
            ImageError: when it cannot be described (no face in it, say): its cells then have no value.
        """
        ...

    def compare(self, sr: Pixels, features: Any, factor: int) -> float:
        """Return the value of one SR image; NaN is an error."""
        ...


class SetValue(NamedTuple):
    """The value of a set metric."""

    value: float
    n: int
    note: str | None = None
    """A plain warning about this n, or None."""


class Gathered(Protocol):
    """What a set metric keeps of a set of images; sets that were gathered apart can be merged."""

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


@runtime_checkable
class SetMetric(Protocol):
    """One value for all the images of a method, category and factor."""

    name: ClassVar[str]
    better: ClassVar[Better]
    signature: ClassVar[str]

    def assets(self) -> Sequence[Asset]:
        """Return the files it needs."""
        ...

    def load(self, device: torch.device) -> None:
        """As `ImageMetric.load`."""
        ...

    def features(self, image: Pixels) -> npt.NDArray[np.float32]:
        """Describe one image, SR or HR: (d,)."""
        ...

    def gather(self) -> Gathered:
        """Return an empty set."""
        ...

    def distance(self, sr: Any, hr: Any) -> SetValue:
        """Compare two sets of its own kind."""
        ...
