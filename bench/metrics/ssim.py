"""Structural similarity (Wang et al., IEEE TIP 2004), per colour channel, over the valid area.

Values are centred on 128 before they are squared: float32 then keeps the variances of bright, flat areas. The
image is read in strips of rows: their maps are small enough for the allocator to use again, which halves the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from bench.assets import Asset
from bench.contracts import Better, Pixels
from bench.metrics.common import check_large, check_size, finite

if TYPE_CHECKING:
    from torch import Tensor

WINDOW, SIGMA = 11, 1.5
CENTRE = 128.0
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
STRIP = 256


class Described(NamedTuple):
    """An image and its local moments."""

    image: Tensor
    """float32, grey levels minus 128, (1, 3, H, W)."""
    mean: Tensor
    """Of that image under the window, (1, 3, H - 10, W - 10)."""
    variance: Tensor
    """As `mean`."""


class Similarity(NamedTuple):
    """Means over the valid area, float64, (3,) each."""

    whole: Tensor
    """Of luminance times contrast and structure: SSIM."""
    contrast: Tensor
    """Of contrast and structure alone."""


def centred(image: Pixels, device: torch.device) -> Tensor:
    """Return the image as float32 minus 128, (1, 3, H, W); its memory stays channels last."""
    return torch.from_numpy(np.array(image)).to(device).permute(2, 0, 1)[None].float() - CENTRE


def blur(*maps: Tensor) -> Sequence[Tensor]:
    """Weigh maps (1, 3, h, w) by the Gaussian window where it fits: (1, 3, h - 10, w - 10) each."""
    _, _, height, width = maps[0].shape
    stacked = maps[0].new_empty(height, width, 3 * len(maps)).permute(2, 0, 1)[None]  # channels last
    for k, channels in enumerate(maps):
        stacked[:, 3 * k : 3 * k + 3] = channels
    offset = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weight = torch.exp(-0.5 * (offset / SIGMA) ** 2)
    weight = (weight / weight.sum()).to(stacked).repeat(stacked.shape[1], 1, 1, 1)
    rows = F.conv2d(stacked, weight, groups=stacked.shape[1])
    return F.conv2d(rows, weight.mT, groups=stacked.shape[1]).chunk(len(maps), 1)


def describe(image: Tensor) -> Described:
    """Return the local moments of a centred image."""
    strips = [blur(strip, strip.square()) for strip in (image[:, :, rows] for rows, _ in _strips(image))]
    mean, square = (torch.cat(parts, 2) for parts in zip(*strips, strict=True))
    return Described(image, mean, square.addcmul_(mean, mean, value=-1))


def similarity(x: Tensor, y: Described) -> Similarity:
    """Compare a centred image with a described one of the same size."""
    # Both sides of each ratio are rounded alike, so that equal images give exactly 1.
    whole, contrast = torch.zeros(2, 3, dtype=torch.float64, device=x.device)
    for rows, valid in _strips(x):
        strip = x[:, :, rows]
        mean, square, product = blur(strip, strip.square(), strip * y.image[:, :, rows])
        other = y.mean[:, :, valid]
        covariance = product.addcmul_(mean, other, value=-1)
        variances = square.addcmul_(mean, mean, value=-1).add_(y.variance[:, :, valid])
        structure = covariance.mul_(2).add_(C2).div_(variances.add_(C2))
        level, other_level = mean + CENTRE, other + CENTRE
        levels = level.square().add_(other_level.square()).add_(C1)
        luminance = level.mul_(other_level).mul_(2).add_(C1).div_(levels)
        whole += luminance.mul_(structure).sum((0, 2, 3), dtype=torch.float64)
        contrast += structure.sum((0, 2, 3), dtype=torch.float64)
    area = y.mean.shape[2] * y.mean.shape[3]
    return Similarity(whole / area, contrast / area)


def _strips(image: Tensor) -> Iterator[tuple[slice, slice]]:
    """Yield strips of rows of the image, and the rows of the valid area that each gives."""
    for start in range(0, image.shape[2] - WINDOW + 1, STRIP):
        stop = min(start + STRIP, image.shape[2] - WINDOW + 1)
        yield slice(start, stop + WINDOW - 1), slice(start, stop)


class Ssim:
    """SSIM, Gaussian window of 11 and sigma 1.5, mean of the three colour channels."""

    name: ClassVar[str] = "ssim"
    better: ClassVar[Better] = Better.HIGHER
    signature: ClassVar[str] = "ssim|rgb|gaussian:11,1.5|valid|k:0.01,0.03|range:255|uint8|v1"
    reference: ClassVar[Literal["hr", "lr", "none"]] = "hr"

    def assets(self) -> Sequence[Asset]:
        """Need nothing."""
        return ()

    def load(self, device: torch.device) -> None:
        """Keep the device."""
        self.device = device

    @torch.inference_mode()
    def features(self, reference: Pixels) -> Described:
        """Return the local moments of HR."""
        check_large(self.name, reference, WINDOW)
        return describe(centred(reference, self.device))

    @torch.inference_mode()
    def compare(self, sr: Pixels, features: Described, factor: int) -> float:
        """Return the SSIM, at most 1."""
        check_size(self.name, sr, features.image.shape[-2:])
        return finite(self.name, similarity(centred(sr, self.device), features).whole.mean().item())
