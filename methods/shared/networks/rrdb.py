"""The residual-in-residual dense block of ESRGAN (Wang et al., ECCV Workshops 2018, arXiv:1809.00219).

Parameter names are those of BasicSR's files.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a convolution of 3x3 that keeps the size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def leaky(x: Tensor) -> Tensor:
    """Apply the leaky rectifier of slope 0.2, in place."""
    return F.leaky_relu(x, 0.2, inplace=True)


class DenseBlock(nn.Module):
    """Five convolutions, each reading everything before it; the last one is added at 0.2."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.conv1 = conv(width, growth)
        self.conv2 = conv(width + growth, growth)
        self.conv3 = conv(width + 2 * growth, growth)
        self.conv4 = conv(width + 3 * growth, growth)
        self.conv5 = conv(width + 4 * growth, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, h, w) to the same shape."""
        features = [x]
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            features.append(leaky(layer(torch.cat(features, 1))))
        return torch.add(x, self.conv5(torch.cat(features, 1)), alpha=0.2)


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
