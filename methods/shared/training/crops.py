"""Crops of full-size images: a training looks at a square, which the upper layers of the bank alone make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bench import Bank
from methods.shared.banks import full_image
from methods.shared.banks.stylegan2_discriminator import Discriminator
from methods.shared.banks.stylegan2_layers import capped
from methods.shared.training.pool import Draw
from methods.shared.training.samples import to_signed

BORDER = 2
"""Pixels of `start` on every side that the padding at the crop's edge has changed."""
PATCH = 128
"""The side of what a discriminator and LPIPS see where there is room for it, ESRGAN's."""
DISCRIMINATOR_WIDTH = 128
"""The discriminator's widest layer: it then costs about what ESRGAN's VGG-style one does."""


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


def crop_target(draw: Draw, box: CropBox, start: int) -> Tensor:
    """Return what a crop of the full-size result should be, (n, 3, p, p), for images kept at that size."""
    targets = []
    for full, change in zip(draw.full, draw.augmentations, strict=True):
        if full is not None:
            there = box.mirrored(start) if change is not None and change.mirrored else box
            top, left, side = (full.shape[0] // start * length for length in there)
            target = to_signed(full[top : top + side, left : left + side])
            targets.append(target if change is None else change(target))
    return torch.stack(targets).to(draw.hr.device)


def patch_discriminator(start: int, resolution: int) -> Discriminator:
    """Return a discriminator, of random weights, of the patches of a crop from `start` to `resolution`."""
    room = (draw_box(0, start).side - 2 * BORDER) * resolution // start
    return Discriminator(capped(_patch_side(room), DISCRIMINATOR_WIDTH))


def _patch_side(room: int) -> int:
    """Return PATCH, or the power of two that fits in."""
    return min(PATCH, 1 << room.bit_length() - 1)


def patches(step: int, *images: Tensor) -> list[Tensor]:
    """Cut the same patch from crops of one size, without borders, at a place that the step decides."""
    size = images[0].shape[-1]
    side = _patch_side(size)
    generator = torch.Generator().manual_seed(step)
    top, left = torch.randint(0, size - side + 1, (2,), generator=generator).tolist()
    return [crop(image, CropBox(top, left, side), size) for image in images]
