"""The features of a discriminator: DGP's measure of perceptual_distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAST = 8
"""Features that count, the last ones, as published for 256 pixels."""


class DiscriminatorFeatures:
    """What the blocks of a bank's discriminator make of an image of its size, and what its last layer sees.

    Args:
        judge: the discriminator; its `blocks`, run in order, are hooked, and so is the layer that it lists last.
        resolution: of the images that it knows.
    """

    def __init__(self, judge: nn.Module, resolution: int) -> None:
        self.judge, self.resolution = judge, resolution
        blocks: Any = judge.blocks
        self._blocks, self._last = list(blocks), list(judge.children())[-1]

    def __call__(self, image: Tensor) -> list[Tensor]:
        """Return the features of RGB in [0, 1], (N, 3, h, w), enlarged bilinearly as published."""
        size = (self.resolution, self.resolution)
        whole = F.interpolate(2 * image - 1, size=size, mode="bilinear", align_corners=False)
        found: list[Tensor] = []
        hooks = [block.register_forward_hook(lambda _m, _in, out: found.append(out)) for block in self._blocks]
        hooks.append(self._last.register_forward_pre_hook(lambda _m, given: found.append(given[0])))
        try:
            self.judge(whole)
        finally:
            for hook in hooks:
                hook.remove()
        return found[-LAST:]

    def distance(self, made: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Return the sum over the features of the mean absolute difference."""
        return torch.stack([F.l1_loss(one, other) for one, other in zip(made, wanted, strict=True)]).sum()
