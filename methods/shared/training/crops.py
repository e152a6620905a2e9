"""Pieces of full-size images: a training looks at a square of them, which the upper bank alone makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from bench import Bank

RIM = 2
"""Pixels of `start` on every side that the padding at a cut has changed."""


class Box(NamedTuple):
    """A square at the resolution at which the upper bank starts."""

    top: int
    left: int
    side: int

    def mirrored(self, start: int) -> Box:
        """Return the square at the same place of the mirrored image."""
        return self._replace(left=start - self.left - self.side)


def draw_box(step: int, start: int) -> Box:
    """Return the square of a step: a quarter of the side or 8, at a place that the step decides."""
    side = min(start, max(start // 4, 8))  # so that something is left without the rim
    low = min(start // 8, (start - side) // 2)  # inside an edge where there is background more often than face
    generator = torch.Generator().manual_seed(step)
    top, left = torch.randint(low, start - side - low + 1, (2,), generator=generator).tolist()
    return Box(top, left, side)


def cut(image: Tensor, box: Box, start: int) -> Tensor:
    """Return the piece of an image or feature (..., H, H), whose H is a multiple of `start`."""
    top, left, side = (image.shape[-1] // start * length for length in box)
    return image[..., top : top + side, left : left + side]


def without_rim(piece: Tensor, box: Box) -> Tensor:
    """Leave away what the padding at the cut has changed."""
    edge = RIM * piece.shape[-1] // box.side
    return piece[..., edge:-edge, edge:-edge]


def upper_bank(  # noqa: PLR0917 (each is a part of one pass)
    bank: Bank, latents: Tensor, start: int, feature: Tensor, box: Box, noise: Sequence[Tensor]
) -> Tensor:
    """Run the bank from a piece of its feature at `start`, with the same piece of the noise maps."""
    maps = [cut(one, box, start) if one.shape[-1] > start else one for one in noise]
    image = bank.synthesise(latents, noise=maps, start=(start, cut(feature, box, start))).image
    if image is None:
        raise RuntimeError("a whole pass of the bank made no image")
    return image


def bank_noise(bank: Bank) -> list[Tensor]:
    """Return the bank's own noise maps in the units in which it takes others, coarse to fine."""
    buffers = dict(cast(nn.Module, bank).named_buffers())
    maps = {name: value for name, value in buffers.items() if name.endswith("noise")}
    # A bank whose maps have their strength folded in keeps it beside them.
    strengths = (buffers.get(f"{name.removesuffix('noise')}strength") for name in maps)
    return [m if s is None else m / s.clamp(min=1e-12) for m, s in zip(maps.values(), strengths, strict=True)]
