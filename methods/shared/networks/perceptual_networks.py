"""Perceptual networks for searches and trainings: a frozen network, its features, and their distance.

The inversion papers use VGG16; EfficientNet-Lite0 costs a fifth of it. Which one a search used is an option, never
a silent choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.networks import efficientnet_lite
from bench.networks.efficientnet_lite import LiteFeatures
from bench.networks.imagenet import convolutions_asset, load_convolutions
from bench.networks.vgg16 import Vgg16Features

if TYPE_CHECKING:
    from bench import Asset

Network = Literal["lite0", "vgg16"]
CONTAMINATED_METRICS: dict[Network, tuple[str, ...]] = {"lite0": ("lite0",), "vgg16": ("dists", "lpips_vgg")}
"""The metrics that a network's use in a loss spoils as evidence."""
SEARCH_SIZE = 256
"""The side to which a search resizes images for the network, by nearest neighbours, as mGANprior does."""


class Perceptual(Protocol):
    """Features of images, and how far two lists of them are apart."""

    def __call__(self, image: Tensor) -> list[Tensor]:
        """Return the features of RGB in [0, 1], (N, 3, h, w), resized to SEARCH_SIZE."""
        ...

    def distance(self, features: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
        """Return a scalar, 0 for equal features."""
        ...


class Lite0(nn.Module):
    """EfficientNet-Lite0: squared distance of unit-length features over five stages."""

    name: ClassVar[Network] = "lite0"

    def __init__(self) -> None:
        super().__init__()
        self.network = LiteFeatures("lite0")

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.features(_resized(image))

    def features(self, image: Tensor) -> list[Tensor]:
        """Return the features of RGB in [0, 1], (N, 3, h, w), at its own size."""
        return self.network(image)

    def distance(self, features: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
        """Return the mean over the images; it lies in [0, 4]."""
        return efficientnet_lite.distance(features, target).mean()


class Vgg16(nn.Module):
    """The first `depth` layers of torchvision's VGG16: mean absolute or squared difference of their output."""

    name: ClassVar[Network] = "vgg16"

    def __init__(self, weights: Mapping[str, Tensor], depth: int, *, squared: bool) -> None:
        super().__init__()
        self.network = Vgg16Features(weights, depth)
        self.squared = squared

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.features(_resized(image))

    def features(self, image: Tensor) -> list[Tensor]:
        """Return the features of RGB in [0, 1], (N, 3, h, w), at its own size."""
        return [self.network(image)]

    def distance(self, features: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
        """Return the mean over features and images."""
        return F.mse_loss(features[0], target[0]) if self.squared else F.l1_loss(features[0], target[0])


def load(name: Network, depth: int, *, squared: bool, device: torch.device) -> Lite0 | Vgg16:
    """Return a network; depth and squared are VGG16's.

    Raises:
        AssetError: when its weights cannot be had.
    """
    network = Lite0() if name == "lite0" else Vgg16(load_convolutions("vgg16"), depth, squared=squared)
    return network.to(device)


def assets(name: Network) -> tuple[Asset, ...]:
    """Return the files that a network needs."""
    return (efficientnet_lite.ASSETS["lite0"],) if name == "lite0" else (convolutions_asset("vgg16"),)


def _resized(image: Tensor) -> Tensor:
    if image.shape[-2:] == (SEARCH_SIZE, SEARCH_SIZE):
        return image
    return F.interpolate(image, size=(SEARCH_SIZE, SEARCH_SIZE), mode="nearest")
