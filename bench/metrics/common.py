"""What several metrics share: checks in the same words, and the distance of feature maps."""

import importlib
import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bench.base.errors import AssetError, ImageError, Unavailable
from bench.base.metric import ImageMetric
from bench.base.types import Pixels
from bench.images.png import to_tensor


@contextmanager
def needing_assets(metric: str) -> Iterator[None]:
    """Turn an asset that cannot be had into a metric that cannot be had.

    Raises:
        Unavailable: in place of AssetError.
    """
    try:
        yield
    except AssetError as error:
        what = f"metric {metric} has no weights: {error.what}"
        raise Unavailable(what, got=error.got, expected=error.expected, remedy=error.remedy) from error


def require(metric: str, package: str, extra: str) -> None:
    """Refuse to go on without a package that an optional dependency brings.

    Raises:
        Unavailable: when it cannot be imported.
    """
    try:
        importlib.import_module(package)
    except ImportError as error:
        what = f"metric {metric} needs the package {package.partition('.')[0]}"
        remedy = f"install it with: pip install 'glean-bench[{extra}]'"
        raise Unavailable(what, got=error, remedy=remedy) from error


def check_size(metric: str, sr: Pixels, size: Sequence[int]) -> None:
    """Refuse an image of another height and width than the reference's.

    Raises:
        ImageError: naming both sizes.
    """
    if sr.shape[:2] != tuple(size):
        raise ImageError(f"{metric} compares images of one size", got=_words(sr.shape), expected=_words(size))


def check_large(metric: str, image: Pixels, smallest: int) -> None:
    """Refuse an image that is smaller than the metric's window.

    Raises:
        ImageError: naming the size.
    """
    if min(image.shape[:2]) < smallest:
        what = f"the image is too small for {metric}"
        raise ImageError(what, got=_words(image.shape), expected=f"sides of at least {smallest}")


def finite(metric: str, value: float) -> float:
    """Return the value, which must be a number.

    Raises:
        ImageError: for NaN and infinity.
    """
    value = float(value)
    if not math.isfinite(value):
        raise ImageError(f"{metric} is not a number for this image", got=value)
    return value


def _words(size: Sequence[int]) -> str:
    return f"{size[1]}x{size[0]}"


class Stages(NamedTuple):
    """The features of one image."""

    size: Sequence[int]
    """Height and width of the image."""
    maps: list[Tensor]
    """Of unit length at each position, one (1, C, h, w) a stage."""


class FeatureDistance(ImageMetric):
    """A distance of feature maps, 0 for equal images."""

    smallest: ClassVar[int]
    """The side below which a stage has nothing left."""

    @abstractmethod
    def maps(self, image: Tensor) -> list[Tensor]:
        """Return the unit-normalised features of RGB in [0, 1], (1, 3, H, W)."""

    @abstractmethod
    def distance(self, sr: list[Tensor], hr: list[Tensor]) -> float:
        """Return the distance of two lists of features; those of SR may be written over."""

    @torch.inference_mode()
    def features(self, reference: Pixels) -> Stages:
        """Return the features of HR."""
        check_large(self.name, reference, self.smallest)
        return Stages(reference.shape[:2], self._maps(reference))

    @torch.inference_mode()
    def compare(self, sr: Pixels, features: Stages, factor: int) -> float:
        """Return the distance."""
        check_size(self.name, sr, features.size)
        return finite(self.name, self.distance(self._maps(sr), features.maps))

    def _maps(self, image: Pixels) -> list[Tensor]:
        return self.maps(to_tensor(image, self.device).contiguous(memory_format=torch.channels_last))
