"""What networks trained on ImageNet share: how they normalise their input, and the files of torchvision's."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bench.assets.declare import Address, Asset
from bench.assets.fetch import fetch

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
    values: Mapping[str, Tensor] = torch.load(fetch(asset), map_location="cpu", weights_only=True)
    return values


def _torchvision(file: str, size: int, sha256: str) -> Asset:
    source = Address(f"https://download.pytorch.org/models/{file}")
    return Asset(f"torchvision/{file}", f"BSD-3-Clause code; {LICENCE}", size, sha256, (source,))


ALEXNET = _torchvision(
    "alexnet-owt-7be5be79.pth",
    244_408_911,
    "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
)
VGG16 = _torchvision(
    "vgg16-397923af.pth",
    553_433_881,
    "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
)
SQUEEZENET = _torchvision(
    "squeezenet1_1-b8a52dc0.pth",
    4_958_839,
    "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
)
