"""DFDNet's network (Li et al., ECCV 2020): VGG19's features of a face, parts of which take up those of others.

Layers and names are those of BasicSR's port; spectral norms are divided out of the weights when a file is read.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import vgg19

from bench.networks.imagenet import Normalise
from methods.dfdnet.parts import LANDMARKS, STRIDES, Box, key

WIDTHS = dict(zip(STRIDES, (128, 256, 512, 512), strict=True))
"""Channels of the features by their stride."""
TAPS = dict(zip((8, 17, 26, 34), STRIDES, strict=True))
"""Strides by torchvision's layer: relu2_2, relu3_4, relu4_4, and conv5_4 without its ReLU."""
_PIECE = 32
"""How many atoms are compared at a time."""

Atoms = Mapping[str, Tensor]
"""The dictionary: (K, C, s, s) by the name of a part and a stride."""


def _conv(inputs: int, outputs: int, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)


def _two(inputs: int, outputs: int, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(_conv(inputs, outputs, dilation), nn.LeakyReLU(0.2), _conv(outputs, outputs, dilation))


class Vgg(nn.Module):
    """VGG19 up to conv5_4."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.layers = vgg19().features[: max(TAPS) + 1]

    def forward(self, image: Tensor) -> dict[int, Tensor]:
        """Return the features of RGB in [-1, 1] by their stride."""
        x, features = self.normalise((image + 1) / 2), {}
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index in TAPS:
                features[TAPS[index]] = x
        return features


class Dilation(nn.Module):
    """Four views of a feature, ever narrower, and itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_blocks = nn.ModuleList(_two(width, width, dilation) for dilation in (4, 3, 2, 1))
        self.conv_fusion = _conv(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        fused: Tensor = self.conv_fusion(torch.cat([block(x) for block in self.conv_blocks], 1))
        return fused + x


class Blur(nn.Module):
    """A binomial filter of three pixels, over zeros outside."""

    def forward(self, x: Tensor) -> Tensor:
        line = x.new_tensor([1, 2, 1]) / 4
        kernel = (line[:, None] * line).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(x, kernel, padding=1, groups=x.shape[1])


class Upsample(nn.Module):
    """A feature twice as large, scaled and shifted by another of its size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        # the authors' two LeakyReLU of 0.2 in a row
        self.conv1 = nn.Sequential(Blur(), _conv(inputs, outputs), nn.LeakyReLU(0.04))
        self.scale_block = _two(inputs, outputs)
        self.shift_block = nn.Sequential(*_two(inputs, outputs), nn.Sigmoid())
        self.convup = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            _conv(outputs, outputs),
            nn.LeakyReLU(0.2),
        )

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        x = self.conv1(x) * self.scale_block(condition) + self.shift_block(condition)
        larger: Tensor = self.convup(x)
        return larger


class Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = _two(width, width)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.body(x)
        return x + change


class Dfdnet(nn.Module):
    """From a face in [-1, 1] and the boxes of its parts to the restored face."""

    def __init__(self) -> None:
        super().__init__()
        self.vgg_extractor = Vgg()
        self.attn_blocks = nn.ModuleDict(
            {key(part, stride): _two(width, width) for stride, width in WIDTHS.items() for part in LANDMARKS}
        )
        self.multi_scale_dilation = Dilation(512)
        self.upsample0, self.upsample1 = Upsample(512, 512), Upsample(512, 256)
        self.upsample2, self.upsample3 = Upsample(256, 128), Upsample(128, 64)
        self.upsample4 = nn.Sequential(
            _conv(64, 64), nn.LeakyReLU(0.2), Residual(64), Residual(64), _conv(64, 3), nn.Tanh()
        )

    def forward(self, image: Tensor, boxes: Mapping[str, Box], atoms: Atoms) -> Tensor:
        """Return the restored face in [-1, 1].

        Args:
            image: (1, 3, H, W), sides multiples of 16.
            boxes: of each part, in pixels of the image.
            atoms: the dictionary.
        """
        features = self.vgg_extractor(image)
        x = self.multi_scale_dilation(features[16])
        ups = (self.upsample0, self.upsample1, self.upsample2, self.upsample3)
        for up, stride in zip(ups, reversed(STRIDES), strict=True):
            x = up(x, self._mixed(features[stride], stride, boxes, atoms))
        restored: Tensor = self.upsample4(x)
        return restored

    def _mixed(self, feature: Tensor, stride: int, boxes: Mapping[str, Box], atoms: Atoms) -> Tensor:
        """Return a feature whose parts have taken up the atoms most like them; a later part lies on top."""
        mixed = feature.clone()
        for part, box in boxes.items():
            left, top, right, bottom = (edge // stride for edge in box)
            own = feature[..., top:bottom, left:right]
            atom = F.interpolate(nearest_atom(own, atoms[key(part, stride)]), own.shape[-2:])
            mixed[..., top:bottom, left:right] = own + self.attn_blocks[key(part, stride)](atom - own) * atom
        return mixed


def nearest_atom(part: Tensor, atoms: Tensor) -> Tensor:
    """Return the atom whose inner product with a part is largest, of equal ones the first.

    Args:
        part: (1, C, h, w), resized to the atoms' size to be compared.
        atoms: (K, C, s, s), each given the mean and the deviation of the part's channels first.

    Returns:
        That atom with that mean and deviation, (1, C, s, s).
    """
    small = F.interpolate(part, atoms.shape[-2:], mode="bilinear", align_corners=False)
    best = max((_best(small, piece) for piece in torch.split(atoms, _PIECE)), key=lambda found: found[0])
    return best[1]


def _best(part: Tensor, atoms: Tensor) -> tuple[float, Tensor]:
    (own_mean, own_deviation), (mean, deviation) = _statistics(atoms), _statistics(part)
    adapted = (atoms - own_mean) / own_deviation * deviation + mean
    likeness = (adapted * part).flatten(1).sum(1)
    index = int(likeness.argmax())
    return float(likeness[index]), adapted[index : index + 1]


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of each channel, (N, C, 1, 1)."""
    return x.mean((2, 3), keepdim=True), (x.var((2, 3), keepdim=True) + 1e-5).sqrt()
