"""Feature distances by two small ImageNet networks that every offline machine can have.

A training may use EfficientNet-Lite0 as its loss; Lite2 then measures what nobody trained on.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from bench.assets.declare import Asset
from bench.base.metric import Better
from bench.metrics.common import FeatureDistance, needing_assets
from bench.networks.efficientnet_lite import ASSETS, LiteFeatures, Variant, distance


class Lite2(FeatureDistance):
    """Distance of EfficientNet-Lite2 features; no training of this suite uses this network."""

    name = "lite2"
    title = "lite2"
    about = "A second opinion beside LPIPS: a perceptual distance by another network."
    better = Better.LOWER
    signature = "lite|efficientnet-lite2|imagenet-norm|unit|stages:5|mean|full-size|uint8|v1"
    variant: ClassVar[Variant] = "lite2"
    smallest = 32  # the stride of the last stage

    def assets(self) -> Sequence[Asset]:
        """Return the network."""
        return (ASSETS[self.variant],)

    def load(self, device: torch.device) -> None:
        """Read the network; see `Metric.load`."""
        super().load(device)
        with needing_assets(self.name):
            self.network: Any = LiteFeatures(self.variant).to(device)

    def maps(self, image: Tensor) -> list[Tensor]:
        """Return the features after the five resolutions; see `LiteFeatures`."""
        return self.network(image)

    def distance(self, sr: list[Tensor], hr: list[Tensor]) -> float:
        """Return the distance, in [0, 4]."""
        return distance(sr, hr).item()


class Lite0(Lite2):
    """Distance of EfficientNet-Lite0 features; a training may have used this network as its loss."""

    name = "lite0"
    title = "lite0"
    about = "As lite2, by the network that trainings of this suite use as a loss."
    signature = "lite|efficientnet-lite0|imagenet-norm|unit|stages:5|mean|full-size|uint8|v1"
    variant = "lite0"
