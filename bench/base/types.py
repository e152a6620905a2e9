"""The words that every room uses: images, categories, cells, and what goes into and comes out of a method.

Images have two forms. A saved image is `Pixels`: uint8 RGB, (H, W, 3), what a PNG holds. Inside a network it
is a tensor: float32 RGB in [0, 1], (N, 3, H, W).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Pixels = npt.NDArray[np.uint8]
Size = tuple[int, int]
"""Height, width."""


class Category(NamedTuple):
    """What a method may know of the category it restores."""

    name: str
    kind: str | None
    """What the images show (`faces`, `cats`, ...), None when nobody said."""


class Cell(NamedTuple):
    """One image that a run asks of a method."""

    category: str
    factor: int
    image: str


@dataclass(frozen=True)
class Batch:
    """The input of one `restore` call."""

    lr: Tensor
    """float32 RGB in [0, 1], (N, 3, h, w)."""
    factor: int
    images: tuple[str, ...]
    seeds: tuple[int, ...]
    """One seed an image, from the run's seed and the LR pixels."""
    category: Category
    extras: Mapping[str, Any] = field(default_factory=dict)
    """`hr` for a method that says `sees_hr`."""
    references: tuple[tuple[Tensor, ...], ...] = ()
    """Of each image, for a method that says `sees_references`: float32 RGB in [0, 1], (1, 3, H, W), any size."""


@dataclass(frozen=True)
class Restored:
    """The output of one `restore` call."""

    sr: Tensor
    """float32 RGB in [0, 1], (N, 3, h * factor, w * factor)."""
    values: Sequence[Mapping[str, float]] = ()
    """What the method wants recorded, one mapping an image (steps taken, a missed eps), or nothing."""


class Needs(NamedTuple):
    """What one worker of a method must have."""

    memory_mb: float = 800.0
    """The peak of its process at 1024 pixels; torch alone takes about 700."""
    gpu: bool = False
    """Whether it cannot run without one."""
