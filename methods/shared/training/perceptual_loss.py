"""The perceptual losses. Lite2, LPIPS' own networks and dlib are metrics, and never appear in a training."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from methods.shared.networks.perceptual_networks import CONTAMINATED_METRICS, Lite0, Network, Vgg16

DEPTH = 22
"""Of VGG16: up to conv4_3, before its ReLU, as GLEAN was trained."""


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


def lite0() -> PerceptualLoss:
    """Return the distance of unit-length EfficientNet-Lite0 features over five stages."""
    return PerceptualLoss(Lite0(), 1.0)


def vgg16(weights: Mapping[str, Tensor]) -> PerceptualLoss:
    """Return the mean squared difference of VGG16's conv4_3, with the paper's weight."""
    network = Vgg16(weights, DEPTH, squared=True)
    return PerceptualLoss(network.to(memory_format=torch.channels_last), 1e-2)


def _unit(image: Tensor) -> Tensor:
    return ((image + 1) / 2).contiguous(memory_format=torch.channels_last)
