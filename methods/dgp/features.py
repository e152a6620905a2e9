"""The features of a discriminator: DGP's perceptual distance."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from methods.shared.networks.perceptual_networks import SEARCH_SIZE, Vgg16

LAST = 8
"""Features that count, the last ones, as published for 256 pixels."""


class DiscriminatorFeatures:
    """The outputs of a discriminator's blocks for an image of its size, and the input of its last layer.

    Args:
        discriminator: its `blocks`, run in order, are hooked, and so is the layer that it lists last.
        resolution: of the images that it takes.
    """

    def __init__(self, discriminator: nn.Module, resolution: int) -> None:
        self.discriminator, self.resolution = discriminator, resolution
        blocks: Any = discriminator.blocks
        self._blocks, self._last = list(blocks), list(discriminator.children())[-1]

    def __call__(self, image: Tensor) -> list[Tensor]:
        """Return the features of RGB in [0, 1], (N, 3, h, w), enlarged bilinearly as published."""
        size = (self.resolution, self.resolution)
        enlarged = F.interpolate(2 * image - 1, size=size, mode="bilinear", align_corners=False)
        features: list[Tensor] = []
        hooks = [block.register_forward_hook(lambda _m, _in, out: features.append(out)) for block in self._blocks]
        hooks.append(self._last.register_forward_pre_hook(lambda _m, inputs: features.append(inputs[0])))
        try:
            self.discriminator(enlarged)
        finally:
            for hook in hooks:
                hook.remove()
        return features[-LAST:]

    def distance(self, features: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
        """Return the sum over the features of the mean absolute difference."""
        return torch.stack([F.l1_loss(one, other) for one, other in zip(features, target, strict=True)]).sum()


class RawVgg16(Vgg16):
    """VGG16 as DGP's code feeds it: RGB in [-1, 1], without ImageNet's normalisation, enlarged bilinearly."""

    def forward(self, image: Tensor) -> list[Tensor]:
        size = (SEARCH_SIZE, SEARCH_SIZE)
        enlarged = F.interpolate(2 * image - 1, size=size, mode="bilinear", align_corners=False)
        return [self.network.layers(enlarged)]
