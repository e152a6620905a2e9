"""Crops of full-size images: a training looks at a square, which the upper layers of the bank alone make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from bench import Bank
from methods.shared.banks import full_image

BORDER = 2
"""Pixels of `start` on every side that the padding at the crop's edge has changed."""


class CropBox(NamedTuple):
    """A square at the resolution at which the upper bank starts."""

    top: int
    left: int
    side: int

    def mirrored(self, start: int) -> CropBox:
        """Return the square at the same place of the mirrored image."""
        return self._replace(left=start - self.left - self.side)


def draw_box(step: int, start: int) -> CropBox:
    """Return the square of a step: a quarter of the side or 8, at a place that the step decides."""
    side = min(start, max(start // 4, 8))  # so that something is left without the border
    low = min(start // 8, (start - side) // 2)  # inside an edge where there is background more often than face
    generator = torch.Generator().manual_seed(step)
    top, left = torch.randint(low, start - side - low + 1, (2,), generator=generator).tolist()
    return CropBox(top, left, side)


def crop(image: Tensor, box: CropBox, start: int) -> Tensor:
    """Return the crop of an image or feature (..., H, H), whose H is a multiple of `start`."""
    top, left, side = (image.shape[-1] // start * length for length in box)
    return image[..., top : top + side, left : left + side]


def trim_border(cropped: Tensor, box: CropBox) -> Tensor:
    """Leave away what the padding at the crop's edge has changed."""
    edge = BORDER * cropped.shape[-1] // box.side
    return cropped[..., edge:-edge, edge:-edge]


def synthesise_crop(  # noqa: PLR0917 (each is a part of one pass)
    bank: Bank, latents: Tensor, start: int, feature: Tensor, box: CropBox, noise: Sequence[Tensor]
) -> Tensor:
    """Run the bank from a crop of its feature at `start`, with the same crop of the noise maps."""
    maps = [crop(one, box, start) if one.shape[-1] > start else one for one in noise]
    return full_image(bank.synthesise(latents, noise=maps, start=(start, crop(feature, box, start))))


def bank_noise(bank: Bank) -> list[Tensor]:
    """Return the bank's own noise maps in the units in which it takes others, coarse to fine."""
    buffers = dict(cast(nn.Module, bank).named_buffers())
    maps = {name: value for name, value in buffers.items() if name.endswith("noise")}
    # A bank whose maps have their strength folded in keeps it beside them.
    strengths = (buffers.get(f"{name.removesuffix('noise')}strength") for name in maps)
    return [m if s is None else m / s.clamp(min=1e-12) for m, s in zip(maps.values(), strengths, strict=True)]
