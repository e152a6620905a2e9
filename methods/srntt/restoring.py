"""One image, four times as large at a time, with the textures of its references."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bench import MethodError
from bench.images.degradation import resize_tensor
from methods.srntt.network import SCALE, Srntt, Vgg
from methods.srntt.swap import PATCH, match, swap

SMALLEST = SCALE * PATCH
"""The sides of a reference of which a patch can be taken."""


def restore(network: Srntt, vgg: Vgg, lr: Tensor, references: Sequence[Tensor], factor: int) -> Tensor:
    """Return an image (1, 3, h * factor, w * factor) in [0, 1].

    Args:
        network: of SRNTT.
        vgg: its features.
        lr: [0, 1], (1, 3, h, w).
        references: [0, 1], (1, 3, H, W) each, at the scale of the result.
        factor: a power of 4.

    Raises:
        MethodError: when a reference is too small for the first pass.
    """
    while factor > 1:
        factor //= SCALE
        scaled = [_scaled(reference, factor) for reference in references]
        lr = enlarge(network, vgg, 2 * lr - 1, [2 * reference - 1 for reference in scaled])
        lr = (lr.clamp(-1, 1) + 1) / 2
    return lr


def _scaled(reference: Tensor, factor: int) -> Tensor:
    """Shrink a reference to the scale of a pass; what is left over of 4 pixels is cut off, as the authors do."""
    sides = [side // factor for side in reference.shape[-2:]]
    height, width = (side // SCALE * SCALE for side in sides)
    if min(height, width) < SMALLEST:
        got = "{1}x{0}".format(*reference.shape[-2:])
        raise MethodError("a reference is too small for SRNTT", got=got, expected=f"at least {SMALLEST * factor}")
    return resize_tensor(reference, sides[0], sides[1])[..., :height, :width]


def enlarge(network: Srntt, vgg: Vgg, lr: Tensor, references: Sequence[Tensor]) -> Tensor:
    """Return an LR four times as large; all in [-1, 1]."""
    content = vgg(network.content.enlarge(lr))[0]
    blurred = [resize_tensor(ref, ref.shape[2] // SCALE, ref.shape[3] // SCALE) for ref in references]
    rounded = [((small.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1 for small in blurred]
    place = match(content, [vgg(network.content.enlarge(small))[0] for small in rounded])
    styles = zip(*(vgg(reference) for reference in references), strict=True)
    textures = [swap(place, maps, ratio) for maps, ratio in zip(styles, (1, 2, 4), strict=True)]
    image: Tensor = network.transfer(network.content(lr), textures)
    return image


def build(device: torch.device) -> tuple[Srntt, Vgg]:
    """Return both networks without memory for their weights."""
    with torch.device(device):
        return Srntt().eval().requires_grad_(False), Vgg().eval().requires_grad_(False)
