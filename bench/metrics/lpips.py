"""Learned perceptual image patch similarity (Zhang et al., CVPR 2018), version 0.1.

Network and linear heads are those of the `lpips` package. The trunks are torchvision's ImageNet classifiers, of
which AlexNet and VGG16 are in a package, too; SqueezeNet is not: offline its metric is unavailable, and no other
network answers under its name.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from bench.assets.declare import Asset
from bench.base.metric import Better
from bench.metrics.common import FeatureDistance, needing_assets
from bench.networks.imagenet import convolutions_asset, load_convolutions
from bench.networks.lpips import CLASSIFIERS, Trunk, lpips_network


class Lpips(FeatureDistance):
    """LPIPS with the AlexNet trunk: the one that papers mean."""

    name = "lpips"
    title = "LPIPS"
    about = "How different the images look, as people judged pairs of patches; the headline of perception."
    better = Better.LOWER
    signature = "lpips|alex|0.1|[-1,1]|full-size|uint8|v1"
    trunk: ClassVar[Trunk] = "alex"
    smallest = 64  # below, the trunks' poolings leave nothing to average

    def assets(self) -> Sequence[Asset]:
        """Return the trunk; the heads come with the `lpips` package."""
        return (convolutions_asset(CLASSIFIERS[self.trunk]),)

    def load(self, device: torch.device) -> None:
        """Read trunk and heads; see `Metric.load`."""
        with needing_assets(self.name):
            weights = load_convolutions(CLASSIFIERS[self.trunk])
        self.build(weights, device)

    def build(self, trunk: Mapping[str, Tensor], device: torch.device) -> None:
        """Put a trunk, by torchvision's names, under the package's heads."""
        self.device = device
        self.network = lpips_network(self.trunk, trunk).to(device, memory_format=torch.channels_last)

    def maps(self, image: Tensor) -> list[Tensor]:
        """Return the unit-normalised features of the trunk's stages."""
        return [_unit(stage) for stage in self.network.net(self.network.scaling_layer(2 * image - 1))]

    def distance(self, sr: list[Tensor], hr: list[Tensor]) -> float:
        """Return the sum of the heads' weighted differences."""
        stages = zip(self.network.lins, sr, hr, strict=True)
        return float(sum(head(a.sub_(b).square_()).mean().item() for head, a, b in stages))


def _unit(stage: Tensor) -> Tensor:
    """Return the package's `normalize_tensor`, in half of its time."""
    return stage / torch.linalg.vector_norm(stage, dim=1, keepdim=True).add_(1e-10)


class LpipsVgg(Lpips):
    """LPIPS with the VGG16 trunk."""

    name = "lpips_vgg"
    title = "LPIPS (VGG)"
    about = "LPIPS by a larger network, which some papers report."
    signature = "lpips|vgg|0.1|[-1,1]|full-size|uint8|v1"
    trunk = "vgg"


class LpipsSqueeze(Lpips):
    """LPIPS with the SqueezeNet 1.1 trunk."""

    name = "lpips_squeeze"
    title = "LPIPS (SqueezeNet)"
    about = "LPIPS by a small network, which few papers report."
    signature = "lpips|squeeze|0.1|[-1,1]|full-size|uint8|v1"
    trunk = "squeeze"
