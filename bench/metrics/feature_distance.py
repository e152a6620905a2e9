"""What metrics share that compare an image's feature maps, stage by stage, with those of HR."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from bench.base.metric import ImageMetric
from bench.base.types import Pixels
from bench.images.png import to_tensor
from bench.metrics.common import check_large, check_size, finite


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
        return self.maps(to_tensor(image).to(self.device).contiguous(memory_format=torch.channels_last))
