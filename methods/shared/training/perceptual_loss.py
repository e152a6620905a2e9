"""The perceptual losses. Lite2, LPIPS with AlexNet and dlib are metrics, and never appear in a training."""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.networks.imagenet import load_convolutions
from bench.networks.lpips import lpips_network
from methods.shared.networks.perceptual_networks import CONTAMINATED_METRICS, Lite0, Network, Vgg16

DEPTH = 22
"""Of VGG16: up to conv4_3, before its ReLU, as GLEAN was trained."""
LPIPS_SIDE = 16
"""The smallest side of which four poolings leave a pixel."""


class PerceptualLoss(nn.Module):
    """How far images are from their targets for a frozen network, at their own size.

    Args:
        network: whose features are compared.
        weight: of its distance.
    """

    def __init__(self, network: Lite0 | Vgg16, weight: float) -> None:
        super().__init__()
        self.network, self.weight = network, weight
        self.name: Network = network.name
        self.contaminated_metrics = CONTAMINATED_METRICS[network.name]
        """The metrics that say nothing for a network trained with it."""

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        """Return the weighted distance of images in [-1, 1]."""
        with torch.no_grad():
            target_features = self.network.features(_unit(target))
        return self.weight * self.network.distance(self.network.features(_unit(image)), target_features)


class LpipsLoss(nn.Module):
    """LPIPS with the VGG16 trunk, weighted."""

    name = "lpips_vgg"
    contaminated_metrics = CONTAMINATED_METRICS["vgg16"]

    def __init__(self, weight: float = 4.0) -> None:
        super().__init__()
        self.network = lpips_network("vgg", load_convolutions("vgg16")).to(memory_format=torch.channels_last)
        self.weight = weight

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        """Return the weighted mean distance of images in [-1, 1]; small ones are enlarged first."""
        if image.shape[-1] < LPIPS_SIDE:
            image, target = (F.interpolate(x, size=(LPIPS_SIDE, LPIPS_SIDE)) for x in (image, target))
        return self.weight * cast(Tensor, self.network(image, target)).float().mean()


def lite0() -> PerceptualLoss:
    """Return the distance of unit-length EfficientNet-Lite0 features over five stages."""
    return PerceptualLoss(Lite0(), 1.0)


def vgg16(weights: Mapping[str, Tensor]) -> PerceptualLoss:
    """Return the mean squared difference of VGG16's conv4_3, with the paper's weight."""
    network = Vgg16(weights, DEPTH, squared=True)
    return PerceptualLoss(network.to(memory_format=torch.channels_last), 1e-2)


def _unit(image: Tensor) -> Tensor:
    return ((image + 1) / 2).contiguous(memory_format=torch.channels_last)
