"""The features of a discriminator: DGP's measure of likeness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAST = 8
"""Blocks whose features count, the last ones, as published for 256 pixels."""


class DiscriminatorFeatures:
    """What the blocks of a bank's discriminator make of an image enlarged to its size.

    Args:
        judge: the discriminator; its `blocks` are run in order, and hooked.
        resolution: of the images that it knows.
    """

    def __init__(self, judge: nn.Module, resolution: int) -> None:
        self.judge, self.resolution = judge, resolution
        blocks: Any = judge.blocks
        self._blocks = list(blocks)[-LAST:]

    def __call__(self, image: Tensor) -> list[Tensor]:
        """Return the features of RGB in [0, 1], (N, 3, h, w), enlarged bilinearly as published."""
        size = (self.resolution, self.resolution)
        whole = F.interpolate(2 * image - 1, size=size, mode="bilinear", align_corners=False)
        found: list[Tensor] = []
        hooks = [block.register_forward_hook(lambda _m, _in, out: found.append(out)) for block in self._blocks]
        try:
            self.judge(whole)
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def distance(self, made: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Return the sum over the blocks of the mean absolute difference."""
        return torch.stack([F.l1_loss(one, other) for one, other in zip(made, wanted, strict=True)]).sum()
