"""RRDBNet, the 4x generator of ESRGAN and Real-ESRGAN.

Residual-in-residual dense blocks at LR size, then two nearest-neighbour doublings with a convolution each
(Wang et al., ESRGAN, ECCV Workshops 2018, arXiv:1809.00219). Parameter names are those of BasicSR's files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from methods.shared.networks.cascade import tiled

if TYPE_CHECKING:
    from torch import Tensor

SCALE = 4
TAIL_TILE = 128  # each of the tail's features has 16 times the pixels: 268 MB for a 256x256 input, were it whole
TAIL_REACH = 2  # the tail's four convolutions see 1.25 LR pixels far, so tiles change nothing but the memory


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2, inplace=True)


class DenseBlock(nn.Module):
    """Five convolutions, each reading everything before it; the last one is added at 0.2."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.conv1 = _conv(width, growth)
        self.conv2 = _conv(width + growth, growth)
        self.conv3 = _conv(width + 2 * growth, growth)
        self.conv4 = _conv(width + 3 * growth, growth)
        self.conv5 = _conv(width + 4 * growth, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, h, w) to the same shape."""
        seen = [x]
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            seen.append(_leaky(conv(torch.cat(seen, 1))))
        return torch.add(x, self.conv5(torch.cat(seen, 1)), alpha=0.2)


class RRDB(nn.Module):
    """Three dense blocks inside a residual connection at 0.2."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(width, growth)
        self.rdb2 = DenseBlock(width, growth)
        self.rdb3 = DenseBlock(width, growth)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, h, w) to the same shape."""
        return torch.add(x, self.rdb3(self.rdb2(self.rdb1(x))), alpha=0.2)


class RRDBNet(nn.Module):
    """Enlarge RGB images 4 times.

    Args:
        width: feature channels.
        growth: channels that each convolution of a dense block adds.
        blocks: number of RRDBs.
    """

    def __init__(self, width: int = 64, growth: int = 32, blocks: int = 23) -> None:
        super().__init__()
        self.conv_first = _conv(3, width)
        self.body = nn.Sequential(*(RRDB(width, growth) for _ in range(blocks)))
        self.conv_body = _conv(width, width)
        self.conv_up1 = _conv(width, width)
        self.conv_up2 = _conv(width, width)
        self.conv_hr = _conv(width, width)
        self.conv_last = _conv(width, 3)

    def forward(self, image: Tensor) -> Tensor:
        """Map images (N, 3, h, w) in [0, 1] to (N, 3, 4h, 4w), about [0, 1]."""
        first = self.conv_first(image)
        features = first + self.conv_body(self.body(first))
        return tiled(self._tail, features, SCALE, tile=TAIL_TILE, overlap=TAIL_REACH)

    def _tail(self, features: Tensor) -> Tensor:
        x = _leaky(self.conv_up1(F.interpolate(features, scale_factor=2, mode="nearest")))  # (N, width, 2h, 2w)
        x = _leaky(self.conv_up2(F.interpolate(x, scale_factor=2, mode="nearest")))  # (N, width, 4h, 4w)
        last: Tensor = self.conv_last(_leaky(self.conv_hr(x)))
        return last
