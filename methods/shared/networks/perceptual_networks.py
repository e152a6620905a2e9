"""Perceptual networks for searches and trainings: a frozen network, its features, and their distance.

The inversion papers use VGG16. Its weights are not in any package, so EfficientNet-Lite0 is the network that every
machine can have; which one a search used is an option, never a silent choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench import fetch
from bench.metrics.lite import LITE0, LiteFeatures, distance
from bench.metrics.lpips import TRUNKS

if TYPE_CHECKING:
    from bench import Asset

Network = Literal["lite0", "vgg16"]
CONTAMINATED_METRICS: dict[Network, tuple[str, ...]] = {"lite0": ("lite0",), "vgg16": ("lpips_vgg",)}
"""The metrics that a network's use in a loss spoils as evidence."""
SEEN = 256
"""The side that a search brings images to before the network looks, by nearest neighbours, as mGANprior does."""


class Perceptual(Protocol):
    """Features of images, and how far two lists of them are apart."""

    def __call__(self, image: Tensor) -> list[Tensor]:
        """Return the features of RGB in [0, 1], (N, 3, h, w)."""
        ...

    def distance(self, made: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Return a scalar, 0 for equal features."""
        ...


class Lite0(nn.Module):
    """EfficientNet-Lite0: squared distance of unit-length features over five stages."""

    name: ClassVar[Network] = "lite0"

    def __init__(self) -> None:
        super().__init__()
        self.network = LiteFeatures("lite0")

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.features(seen(image))

    def features(self, image: Tensor) -> list[Tensor]:
        """Return the features of RGB in [0, 1], (N, 3, h, w), at its own size."""
        found: list[Tensor] = self.network(image)
        return found

    def distance(self, made: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Return the mean over the images; it lies in [0, 4]."""
        return distance(made, wanted).mean()


class Vgg16(nn.Module):
    """The first `depth` layers of torchvision's VGG16: mean absolute or squared difference of their output."""

    name: ClassVar[Network] = "vgg16"
    mean: Tensor
    deviation: Tensor

    def __init__(self, weights: Mapping[str, Tensor], depth: int, *, squared: bool) -> None:
        super().__init__()
        from torchvision.models import vgg16

        with torch.device("meta"):
            self.layers = vgg16().features[:depth]
        kept = {name: weights[f"features.{name}"] for name in self.layers.state_dict()}
        self.layers.load_state_dict(kept, assign=True)
        self.squared = squared
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.features(seen(image))

    def features(self, image: Tensor) -> list[Tensor]:
        """Return the features of RGB in [0, 1], (N, 3, h, w), at its own size."""
        return [self.layers((image - self.mean) / self.deviation)]

    def distance(self, made: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Return the mean over features and images."""
        return F.mse_loss(made[0], wanted[0]) if self.squared else F.l1_loss(made[0], wanted[0])


def load(name: Network, depth: int, *, squared: bool, device: torch.device) -> Lite0 | Vgg16:
    """Return a network; depth and squared are VGG16's.

    Raises:
        AssetError: when its weights cannot be had.
    """
    network = Lite0() if name == "lite0" else Vgg16(vgg16_weights(), depth, squared=squared)
    return network.to(device)


def vgg16_weights() -> dict[str, Tensor]:
    """Read VGG16's weights.

    Raises:
        AssetError: when they cannot be had.
    """
    weights: dict[str, Tensor] = torch.load(fetch(TRUNKS["vgg"]), map_location="cpu", weights_only=True)
    return weights


def assets(name: Network) -> tuple[Asset, ...]:
    """Return the files that a network needs."""
    return (LITE0,) if name == "lite0" else (TRUNKS["vgg"],)


def seen(image: Tensor) -> Tensor:
    """Return images of SEEN pixels as they are, others enlarged or thinned to it."""
    if image.shape[-2:] == (SEEN, SEEN):
        return image
    return F.interpolate(image, size=(SEEN, SEEN), mode="nearest")
