"""RRDBNet, the 4x generator of ESRGAN and Real-ESRGAN.

Residual-in-residual dense blocks at LR size, then two nearest-neighbour doublings with a convolution each
(Wang et al., ESRGAN, ECCV Workshops 2018, arXiv:1809.00219). Parameter names are those of BasicSR's files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

from methods.shared.networks.cascade import tiled
from methods.shared.networks.rrdb import RRDB, conv, leaky

if TYPE_CHECKING:
    from torch import Tensor

SCALE = 4
TAIL_TILE = 128  # each of the tail's features has 16 times the pixels: 268 MB for a 256x256 input, were it whole
TAIL_REACH = 2  # the tail's four convolutions see 1.25 LR pixels far, so tiles change nothing but the memory


class RRDBNet(nn.Module):
    """Enlarge RGB images 4 times.

    Args:
        width: feature channels.
        growth: channels that each convolution of a dense block adds.
        blocks: number of RRDBs.
    """

    def __init__(self, width: int = 64, growth: int = 32, blocks: int = 23) -> None:
        super().__init__()
        self.conv_first = conv(3, width)
        self.body = nn.Sequential(*(RRDB(width, growth) for _ in range(blocks)))
        self.conv_body = conv(width, width)
        self.conv_up1 = conv(width, width)
        self.conv_up2 = conv(width, width)
        self.conv_hr = conv(width, width)
        self.conv_last = conv(width, 3)

    def forward(self, image: Tensor) -> Tensor:
        """Map images (N, 3, h, w) in [0, 1] to (N, 3, 4h, 4w), about [0, 1]."""
        first = self.conv_first(image)
        features = first + self.conv_body(self.body(first))
        return tiled(self._tail, features, SCALE, tile=TAIL_TILE, overlap=TAIL_REACH)

    def _tail(self, features: Tensor) -> Tensor:
        x = leaky(self.conv_up1(F.interpolate(features, scale_factor=2, mode="nearest")))  # (N, width, 2h, 2w)
        x = leaky(self.conv_up2(F.interpolate(x, scale_factor=2, mode="nearest")))  # (N, width, 4h, 4w)
        return self.conv_last(leaky(self.conv_hr(x)))
