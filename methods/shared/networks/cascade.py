"""Reach a large factor with a network of a small one.

The network runs again on its own output while the product of its scales stays within the factor; what then
remains is enlarged with the protocol's bicubic kernel. Between two passes the image stays in float and is clipped
to [0, 1], never rounded to 8 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from bench import MethodError
from bench.images.degradation import resize_tensor

if TYPE_CHECKING:
    from torch import Tensor

Forward = Callable[["Tensor"], "Tensor"]


class Upscaler(NamedTuple):
    """A network that enlarges images; one of scale 1 restores them (`methods.shared.networks.restorer`)."""

    forward: Forward
    """float32 RGB in [0, 1], (N, 3, h, w) -> (N, 3, h * scale, w * scale)."""
    scale: int
    side: int | None = None
    """The one side that it takes, None for any."""


class _Span(NamedTuple):
    """A part of one axis, and the same part with its overlap."""

    start: int
    stop: int
    outer_start: int
    outer_stop: int

    def kept(self, scale: int) -> slice:
        """Return where the part itself lies in the network's output."""
        return slice((self.start - self.outer_start) * scale, (self.stop - self.outer_start) * scale)


def restore(upscaler: Upscaler, lr: Tensor, factor: int) -> Tensor:
    """Enlarge LR images by a factor.

    Args:
        upscaler: the network.
        lr: float32 RGB in [0, 1], (N, 3, h, w).
        factor: how many times larger a side becomes.

    Returns:
        float32 RGB in [0, 1], (N, 3, h * factor, w * factor).

    Raises:
        MethodError: when the network cannot reach the factor.
    """
    if problem := unreachable(upscaler.scale, factor):
        raise MethodError(problem)
    height, width = lr.shape[-2:]
    image, reached = lr, 1
    while reached * upscaler.scale <= factor:
        image = upscaler.forward(image).clamp(0, 1)
        reached *= upscaler.scale
    return image if reached == factor else enlarge(image, height * factor, width * factor)


def unreachable(scale: int, factor: int) -> str | None:
    """Return why passes of a scale cannot reach a factor, or None when they can."""
    if scale < 2:
        return f"its network keeps the size of an image (scale {scale}), so it reaches no factor"
    if scale > factor:
        return f"its network enlarges by {scale}, more than the factor {factor}"
    return None


def enlarge(image: Tensor, height: int, width: int) -> Tensor:
    """Resize images (N, 3, h, w) in [0, 1] with the protocol's kernel, in float64, and clip to [0, 1]."""
    return resize_tensor(image.double(), height, width).clamp(0, 1).float()


def tiled(forward: Forward, image: Tensor, scale: int, *, tile: int, overlap: int) -> Tensor:
    """Run a network part by part when the image is larger than a tile.

    Args:
        forward: (N, C, h, w) -> (N, D, h * scale, w * scale).
        image: (N, C, h, w).
        scale: how many times larger the output is.
        tile: the longest side that is run at once, not counting the overlap.
        overlap: how far each tile sees beyond itself. The result equals that of one run when this covers the
            network's receptive field. An RRDBNet's is larger than most images: measured on a face, its tiles
            come within 45, 55 and 65 dB of one run at 16, 32 and 48 pixels.

    Returns:
        (N, D, h * scale, w * scale).
    """
    import torch

    height, width = image.shape[-2:]
    if max(height, width) <= tile:
        return forward(image)
    rows = [
        torch.cat([_part(forward, image, y, x, scale) for x in _spans(width, tile, overlap)], dim=3)
        for y in _spans(height, tile, overlap)
    ]
    return torch.cat(rows, dim=2)


def _part(forward: Forward, image: Tensor, y: _Span, x: _Span, scale: int) -> Tensor:
    out = forward(image[..., y.outer_start : y.outer_stop, x.outer_start : x.outer_stop])
    return out[..., y.kept(scale), x.kept(scale)]


def _spans(length: int, tile: int, overlap: int) -> Iterator[_Span]:
    count = -(-length // tile)
    edges = [length * index // count for index in range(count + 1)]
    for start, stop in pairwise(edges):
        yield _Span(start, stop, max(start - overlap, 0), min(stop + overlap, length))
