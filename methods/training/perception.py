"""The perceptual losses. Lite2, LPIPS' own networks and dlib judge, and never appear in a training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.assets import fetch, is_here
from bench.metrics.lite import LiteFeatures, distance
from bench.metrics.lpips import TRUNKS
from methods.perceptual import JUDGES, Network

VGG16 = TRUNKS["vgg"]
DEPTH = 22
"""Up to conv4_3, before its ReLU, as GLEAN was trained."""


def perception() -> Lite0 | Vgg16:
    """Return VGG16's distance when its weights are in the cache, EfficientNet-Lite0's otherwise."""
    return Vgg16(torch.load(fetch(VGG16), weights_only=True)) if is_here(VGG16) else Lite0()


class Lite0(nn.Module):
    """Distance of unit-normalised EfficientNet-Lite0 features over five stages."""

    name: Network = "lite0"
    judges: tuple[str, ...] = JUDGES["lite0"]
    """The metrics that it spoils as evidence."""

    def __init__(self) -> None:
        super().__init__()
        self.network = LiteFeatures("lite0")

    def forward(self, image: Tensor, truth: Tensor) -> Tensor:
        """Return the mean distance of images in [-1, 1]."""
        with torch.no_grad():
            wanted = self.network(_unit(truth))
        return distance(self.network(_unit(image)), wanted).mean()


class Vgg16(nn.Module):
    """Mean squared difference of VGG16's conv4_3, with the paper's weight of 1e-2."""

    name: Network = "vgg16"
    judges: tuple[str, ...] = JUDGES["vgg16"]
    mean: Tensor
    deviation: Tensor

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        from torchvision.models import vgg16

        self.layers = vgg16().features[:DEPTH]
        prefix = "features."
        kept = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        self.layers.load_state_dict({name: kept[name] for name in self.layers.state_dict()})
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    def forward(self, image: Tensor, truth: Tensor) -> Tensor:
        """Return the weighted distance of images in [-1, 1]."""
        with torch.no_grad():
            wanted = self._features(truth)
        return 1e-2 * F.mse_loss(self._features(image), wanted)

    def _features(self, image: Tensor) -> Tensor:
        found: Tensor = self.layers((_unit(image) - self.mean) / self.deviation)
        return found.float()


def _unit(image: Tensor) -> Tensor:
    return ((image + 1) / 2).contiguous(memory_format=torch.channels_last)


Perception = Lite0 | Vgg16
